"""Pages of cases, trainings, models and restored images: who sees them, what they say, what they do."""

from __future__ import annotations

import pytest
from django.urls import reverse

from common.permissions import Role
from enhancement.models import Case, ModelState, RestorationModel, RestoredImage, TrainingRun
from tests.factories import catalogue
from tests.factories import enhancement as made

pytestmark = pytest.mark.django_db


@pytest.fixture
def instrument(tmp_path):
    return made.two_detector_instrument(tmp_path, fields=3)


@pytest.fixture
def case(instrument):
    return made.case(instrument)


@pytest.fixture
def people(instrument):
    return {role: catalogue.member(role, of=instrument.facility) for role in Role}


@pytest.fixture
def as_role(client, people):
    def sign_in(role):
        client.force_login(people[role])
        return client

    return sign_in


HISTORY = [
    {
        "epoch": epoch,
        "epochs_planned": 4,
        "seconds": 1.0,
        "is_best": True,
        "train_losses": {"l1": 0.5 / epoch},
        "validation_losses": {"l1": 0.6 / epoch},
        "validation_psnr_db": 20.0 + epoch,
        "validation_ssim": 0.5,
    }
    for epoch in (1, 2)
]
SCORES = {"mse": 9.0, "msemg": 4.0, "ssim": 0.5, "psnr": 28.5, "cv": 0.7, "sharpness": 30.0, "glcm_homogeneity": 0.4}
COMPARISON = {
    "fields": ["field 01"],
    "columns": [{"id": name, "name": name.upper(), "better": "low"} for name in SCORES],
    "rows": [
        {"id": "raw", "name": "Raw", "parameters": {}, "mean": SCORES},
        {"id": "gaussian", "name": "Gaussian", "parameters": {"sigma_px": 1.5}, "mean": SCORES | {"mse": 2.0}},
    ],
    "target": {"id": "target", "name": "Target", "parameters": {}, "mean": SCORES | {"psnr": None}},
    "best": dict.fromkeys(SCORES, "gaussian"),
}
GATE = {
    "passed": False,
    "recommended": "gaussian",
    "recommended_name": "Gaussian",
    "checks": [
        {
            "id": "beats_filter_psnr",
            "passed": False,
            "blocking": True,
            "value": -1.0,
            "bound": 0.0,
            "sentence": "PSNR is -1.00 dB against the best tuned filter.",
        }
    ],
}


def judged(case):
    run = made.run(case, state="done", history=HISTORY, epoch=2, best_epoch=2, comparison=COMPARISON, gate=GATE)
    network = made.model(run, kind="network", name="Residual U-Net, run 1", gate_passed=False, card={"gate": GATE})
    return run, network, made.model(run)


def pages(case):
    run, network, _ = judged(case)
    scan = case.instrument.acquisitions.first()
    image = RestoredImage.objects.create(acquisition=scan, model=network, state="running", stage="tile 1 of 4")
    return [
        reverse("enhancement:case-list"),
        reverse("enhancement:case", args=[case.pk]),
        reverse("enhancement:run-figure", args=[run.pk]),
        reverse("enhancement:run-history", args=[run.pk]),
        reverse("enhancement:model-list"),
        reverse("enhancement:model", args=[network.pk]),
        reverse("enhancement:restored", args=[image.pk]),
        reverse("enhancement:acquisition-restorations", args=[scan.pk]),
    ]


def test_every_page_answers_a_viewer_and_sends_strangers_to_sign_in(case, client, as_role):
    addresses = pages(case)
    for address in addresses:
        assert client.get(address).url.startswith("/sign-in/")
    viewer = as_role(Role.VIEWER)
    for address in addresses:
        assert viewer.get(address).status_code == 200, address


def test_things_of_another_facility_are_not_found(case, client):
    addresses = [address for address in pages(case) if any(letter.isdigit() for letter in address)]
    client.force_login(catalogue.member(Role.STAFF))
    for address in addresses:
        assert client.get(address).status_code == 404, address
    assert case.title not in client.get(reverse("enhancement:case-list")).content.decode()


def test_the_empty_lists_say_what_to_do_next(as_role):
    viewer = as_role(Role.VIEWER)
    assert "No case yet" in viewer.get(reverse("enhancement:case-list")).content.decode()
    assert "No model yet" in viewer.get(reverse("enhancement:model-list")).content.decode()


@pytest.mark.parametrize("name", ["enhancement:case-list", "enhancement:model-list"])
def test_a_list_asks_the_same_number_of_queries_for_one_and_for_twenty(
    name, instrument, as_role, django_assert_max_num_queries
):
    for index in range(20):
        made.model(made.run(made.case(instrument, title=f"case {index}")))
    viewer = as_role(Role.VIEWER)
    with django_assert_max_num_queries(9):
        assert viewer.get(reverse(name)).status_code == 200


def test_an_operator_opens_a_case_and_lands_on_it(instrument, as_role):
    answer = as_role(Role.OPERATOR).post(
        reverse("enhancement:case-open"), {"instrument": instrument.slug, "title": "dim"}
    )
    assert answer.url == Case.objects.get(title="dim").get_absolute_url()


def test_a_viewer_reads_why_no_case_is_opened(instrument, as_role):
    answer = as_role(Role.VIEWER).post(reverse("enhancement:case-open"), {"instrument": instrument.slug})
    assert answer.status_code == 403
    assert "Only operators and staff may open a case" in answer.content.decode()


def test_the_case_page_offers_training_to_staff_and_explains_it_to_others(case, as_role):
    address = case.get_absolute_url()
    assert (
        "Only staff may start a training; your role is operator" in as_role(Role.OPERATOR).get(address).content.decode()
    )
    page = as_role(Role.STAFF).get(address).content.decode()
    assert reverse("enhancement:run-start", args=[case.pk]) in page
    assert "Scan 6 more fields of tissue" in page


def test_an_operator_who_posts_anyway_is_refused(case, as_role):
    address = reverse("enhancement:run-start", args=[case.pk])
    answer = as_role(Role.OPERATOR).post(address, {"preset": "quick", "seed": 0})
    assert answer.status_code == 403
    assert "Only staff may start a training" in answer.content.decode()
    assert not TrainingRun.objects.exists()


def test_staff_start_cancel_and_resume_a_training(case, as_role):
    staff = as_role(Role.STAFF)
    staff.post(reverse("enhancement:run-start", args=[case.pk]), {"preset": "quick", "seed": 5})
    run = TrainingRun.objects.get()
    assert (run.seed, run.state) == (5, "queued")
    staff.post(reverse("enhancement:run-cancel", args=[run.pk]))
    run.refresh_from_db()
    assert run.state == "cancelled"
    assert "Resume from the last checkpoint" in staff.get(case.get_absolute_url()).content.decode()
    staff.post(reverse("enhancement:run-resume", args=[run.pk]))
    run.refresh_from_db()
    assert run.state == "queued"


def test_an_operator_cannot_resume_a_training_and_a_viewer_cannot_cancel_a_restoration(case, as_role):
    run = made.run(case, state="cancelled")
    assert as_role(Role.OPERATOR).post(reverse("enhancement:run-resume", args=[run.pk])).status_code == 403
    scan = case.instrument.acquisitions.first()
    image = RestoredImage.objects.create(acquisition=scan, model=made.model(run), state="running")
    assert as_role(Role.VIEWER).post(reverse("enhancement:restored-cancel", args=[image.pk])).status_code == 403
    run.refresh_from_db()
    image.refresh_from_db()
    assert (run.state, image.state, image.cancel_requested) == ("cancelled", "running", False)


def test_a_wrong_form_is_refused_with_the_name_of_the_field(case, as_role):
    answer = as_role(Role.STAFF).post(reverse("enhancement:run-start", args=[case.pk]), {"preset": "quick", "seed": -1})
    assert answer.status_code == 400
    assert "seed" in answer.content.decode()


def test_a_running_training_polls_itself_and_an_ended_one_asks_for_the_page(case, as_role):
    run = made.run(
        case, state="running", stage="epoch 2 of 4", epoch=2, history=HISTORY, eta_seconds=125.0, progress=0.5
    )
    viewer = as_role(Role.VIEWER)
    address = reverse("enhancement:run", args=[run.pk])
    fragment = viewer.get(address, headers={"hx-request": "true"}).content.decode()
    assert 'hx-trigger="load delay:2s"' in fragment
    assert "Epoch 2 of 4" in fragment
    assert "2\u00a0min\u00a005\u00a0s of training left" in fragment
    assert "run-cancel" not in fragment
    assert "/cancel/" not in fragment  # a viewer cannot
    assert "/cancel/" in as_role(Role.STAFF).get(address, headers={"hx-request": "true"}).content.decode()
    TrainingRun.objects.update(state="done")
    assert viewer.get(address, headers={"hx-request": "true"})["HX-Refresh"] == "true"


def test_the_figure_is_read_again_only_while_the_training_runs(case, as_role):
    run = made.run(case, state="running", history=HISTORY, best_epoch=2)
    viewer = as_role(Role.VIEWER)
    figure = viewer.get(reverse("enhancement:run-figure", args=[run.pk])).json()
    assert figure["layout"]["meta"]["poll_s"] > 0
    assert figure["data"][0]["y"] == [0.5, 0.25]
    TrainingRun.objects.update(state="done")
    figure = viewer.get(reverse("enhancement:run-figure", args=[run.pk])).json()
    assert "poll_s" not in figure["layout"]["meta"]
    rows = viewer.get(reverse("enhancement:run-history", args=[run.pk])).content.decode().splitlines()
    assert rows[1].startswith("1,1.000,0.5,0.6,21.0")


def test_the_comparison_marks_the_best_in_words_and_the_gate_speaks_in_sentences(case, as_role):
    judged(case)
    page = as_role(Role.STAFF).get(case.get_absolute_url()).content.decode()
    assert page.count("<span>best</span>") == len(SCORES)
    assert "sigma 1.5 px" in page
    assert "PSNR is -1.00 dB against the best tuned filter." in page
    assert "use Gaussian instead" in page
    assert ">beats the best filter, PSNR</th>" in page
    assert "the one with the highest PSNR on the validation fields" in page
    assert "The gate did not pass this network, so it cannot be released." in page
    assert page.count(">Release</button>") == 1  # the filter's


def test_staff_release_the_filter_and_cannot_release_the_network(case, as_role):
    _, network, conventional = judged(case)
    staff = as_role(Role.STAFF)
    refused = staff.post(reverse("enhancement:model-release", args=[network.pk]), {"text": ""})
    assert refused.status_code == 409
    assert "PSNR is -1.00 dB" in refused.content.decode()
    staff.post(reverse("enhancement:model-release", args=[conventional.pk]), {"text": "good enough"})
    staff.post(reverse("enhancement:model-reject", args=[network.pk]), {"text": ""})
    assert dict(RestorationModel.objects.values_list("pk", "state")) == {
        network.pk: ModelState.REJECTED,
        conventional.pk: ModelState.RELEASED,
    }


@pytest.mark.parametrize("state", ["queued", "running"])
def test_an_operator_cancels_a_restoration_from_its_page_and_reads_why_not_once_it_has_ended(case, as_role, state):
    model = made.model(made.run(case, state="done"))
    image = RestoredImage.objects.create(acquisition=case.instrument.acquisitions.first(), model=model, state=state)
    cancel = reverse("enhancement:restored-cancel", args=[image.pk])
    assert cancel not in as_role(Role.VIEWER).get(image.get_absolute_url()).content.decode()
    operator = as_role(Role.OPERATOR)
    assert f'hx-post="{cancel}"' in operator.get(image.get_absolute_url()).content.decode()
    assert operator.post(cancel, follow=True).status_code == 200
    image.refresh_from_db()
    assert (image.cancel_requested, image.state) == (True, "cancelled" if state == "queued" else "running")
    page = operator.get(image.get_absolute_url()).content.decode()
    assert cancel not in page
    assert ("it ends at its next step" in page) == (state == "running")
    RestoredImage.objects.update(state="done")
    answer = operator.post(cancel)
    assert answer.status_code == 409
    assert "already ended" in answer.content.decode()


def test_only_those_who_may_upload_are_sent_to_the_upload_page_by_a_case_without_pairs(case, as_role):
    case.instrument.acquisitions.all().delete()
    page = as_role(Role.VIEWER).get(case.get_absolute_url()).content.decode()
    assert "No pairs to learn from" in page
    assert reverse("metrology:upload") not in page
    for role in (Role.OPERATOR, Role.STAFF):
        assert (
            f'href="{reverse("metrology:upload")}">Upload scans'
            in as_role(role).get(case.get_absolute_url()).content.decode()
        )


def test_an_operator_restores_an_image_from_its_page(case, as_role):
    made.model(made.run(case, state="done"), state="released")
    scan = case.instrument.acquisitions.first()
    fragment = reverse("enhancement:acquisition-restorations", args=[scan.pk])
    assert "your role is viewer" in as_role(Role.VIEWER).get(fragment).content.decode()
    operator = as_role(Role.OPERATOR)
    assert reverse("enhancement:restore", args=[scan.pk]) in operator.get(fragment).content.decode()
    answer = operator.post(reverse("enhancement:restore", args=[scan.pk]))
    image = RestoredImage.objects.get()
    assert answer.url == image.get_absolute_url()
    assert "Waiting for a worker" in operator.get(answer.url).content.decode()


def test_without_a_released_model_there_is_no_button(case, as_role):
    scan = case.instrument.acquisitions.first()
    operator = as_role(Role.OPERATOR)
    page = operator.get(reverse("enhancement:acquisition-restorations", args=[scan.pk])).content.decode()
    assert "No model is released" in page
    assert "<form" not in page
    assert operator.post(reverse("enhancement:restore", args=[scan.pk])).status_code == 409


def test_a_restored_image_says_what_it_is_and_is_downloaded(case, as_role):
    model = made.model(made.run(case, state="done"), state="released")
    scan = case.instrument.acquisitions.first()
    image = RestoredImage.objects.create(
        acquisition=scan, model=model, state="done", size_bytes=8, slice_z=0, warnings=["Its mean lies outside."],
        scores={"attributes": {"cv": {"raw": 0.9, "restored": 0.7}}, "caution": "do not quantify here.", "sentence": "S"},
        preview_window=[[0, 10], [0, 5]],
    )  # fmt: skip
    viewer = as_role(Role.VIEWER)
    page = viewer.get(image.get_absolute_url()).content.decode()
    for words in ("do not quantify here.", "Its mean lies outside.", "never enter the control charts", "compare-after"):
        assert words in page
    download = reverse("enhancement:restored-download", args=[image.pk])
    assert viewer.get(download).status_code == 404
    image.folder.mkdir(parents=True)
    (image.folder / "restored.ome.tif").write_bytes(b"II*\x00tiff")
    answer = viewer.get(download)
    assert answer.getvalue() == b"II*\x00tiff"
    assert f"restored_{image.pk}.ome.tif" in answer["Content-Disposition"]
    assert viewer.get(reverse("enhancement:restored-picture", args=[image.pk, "passwd"])).status_code == 404


def test_administration_shows_history_and_lets_nobody_change_it(case, admin_client):
    run, network, _ = judged(case)
    for name, pk in (("case", case.pk), ("trainingrun", run.pk), ("restorationmodel", network.pk)):
        assert admin_client.get(reverse(f"admin:enhancement_{name}_changelist")).status_code == 200
        assert admin_client.get(reverse(f"admin:enhancement_{name}_change", args=[pk])).status_code == 200
        assert admin_client.post(reverse(f"admin:enhancement_{name}_change", args=[pk]), {}).status_code == 403
        assert admin_client.get(reverse(f"admin:enhancement_{name}_add")).status_code == 403


def test_a_training_cannot_be_sent_off_from_the_page_without_enough_fields(as_role, people):
    empty = made.case(catalogue.instrument(people[Role.STAFF].memberships.get().facility))
    page = as_role(Role.STAFF).get(empty.get_absolute_url()).content.decode()
    assert "No pairs to learn from" in page
    assert "<button disabled>Train</button>" in page
    assert "at least 3 fields" in page
