"""Pages of acquisitions: who sees which, what they say, what can be done on them."""

from __future__ import annotations

import uuid

import numpy as np
import pytest
from django.urls import reverse

from common.models import JobState
from common.permissions import Role
from metrology.imaging.stack import ImageStack
from metrology.models import Acquisition, MeasurementFailure, ReferenceAcquisition, Validity
from metrology.runtime.previews import tiles_write
from metrology.selectors.tiles import tiles_of
from metrology.services.measurements import Reading, measurements_record
from metrology.services.references import reference_set
from tests.factories import acquisitions, catalogue

pytestmark = pytest.mark.django_db
PK_PAGES = ("acquisition", "acquisition-state", "acquisition-original")
ACTIONS = ("acquisition-confirm", "acquisition-measure", "acquisition-reference")


@pytest.fixture(autouse=True)
def no_workers(monkeypatch):
    monkeypatch.setattr("common.dispatch._send", lambda *_: None)


@pytest.fixture
def charted():
    """A measured acquisition of a standard."""
    path = catalogue.optical_path()
    facility = path.instrument.facility
    row = acquisitions.acquisition(
        facility,
        instrument=path.instrument,
        optical_path=path,
        standard=acquisitions.standard(facility),
        protocol=catalogue.protocol(facility),
        acquired_at=catalogue.START,
        state=JobState.DONE,
        label="Monday marbles",
        sources={"instrument": "OME-XML Microscope SerialNumber", "label": "user ada"},
        metadata={"pixel_size_um": {"value": 0.2, "source": "OME-XML PhysicalSizeX"}, "channels": []},
        preview_window=[[10, 900]],
        size_t=1,
        size_c=1,
        size_z=1,
        size_y=64,
        size_x=64,
        bit_depth=12,
    )
    measurements_record(
        row, [Reading("mean", 0, 1, 74.25, 0.5), Reading("cv", 0, 1, 0.31)], [], validity=Validity.VALID
    )
    return row


def signed_in(client, row, role=Role.VIEWER):
    user = catalogue.member(role, of=row.facility)
    client.force_login(user)
    return user


def address(name, row):
    return reverse(f"metrology:{name}", args=[row.pk])


@pytest.mark.parametrize("name", PK_PAGES)
def test_strangers_are_asked_to_sign_in(client, charted, name):
    assert client.get(address(name, charted)).url.startswith("/sign-in/")


@pytest.mark.parametrize("name", [*PK_PAGES, *ACTIONS])
def test_another_facility_s_acquisition_does_not_exist(client, charted, name):
    client.force_login(catalogue.member(Role.STAFF))
    ask = client.post if name in ACTIONS else client.get
    assert ask(address(name, charted)).status_code == 404


@pytest.mark.parametrize("name", ACTIONS)
def test_a_viewer_changes_nothing_and_reads_who_may(client, charted, name):
    signed_in(client, charted)
    answer = client.post(address(name, charted))
    assert answer.status_code == 403
    assert b"your role is viewer" in answer.content


def test_an_operator_does_not_choose_the_reference(client, charted):
    signed_in(client, charted, Role.OPERATOR)
    assert client.post(address("acquisition-reference", charted)).status_code == 403
    assert b"Use as reference" not in client.get(charted.get_absolute_url()).content


def test_the_page_says_what_was_measured_and_where_each_fact_is_from(client, charted):
    signed_in(client, charted)
    page = client.get(charted.get_absolute_url()).content.decode()
    assert "74.25\u00a0±\u00a00.50\u00a08-bit eq." in page
    assert "Mean intensity" in page
    assert "Monday marbles" in page
    assert "OME-XML Microscope SerialNumber" in page
    assert "OME-XML PhysicalSizeX" in page
    assert charted.stored_file.sha256 in page
    assert reverse("metrology:acquisition-preview", args=[charted.pk, 0]) in page
    assert "Confirm or correct" not in page


def test_a_failure_is_said_with_its_sentence(client, charted):
    MeasurementFailure.objects.create(
        acquisition=charted,
        attribute_id="ssim",
        channel=0,
        algorithm_version=1,
        code="registration",
        message="The image and its reference do not show the same field.",
    )
    signed_in(client, charted)
    assert "do not show the same field" in client.get(charted.get_absolute_url()).content.decode()


def test_a_failed_acquisition_says_why(client, charted):
    Acquisition.objects.update(
        state=JobState.FAILED, error_code="axes", error_message="It is a colour picture. Export it."
    )
    signed_in(client, charted)
    for name in ("acquisition", "acquisition-state"):
        assert "It is a colour picture. Export it." in client.get(address(name, charted)).content.decode()


@pytest.mark.parametrize(
    ("state", "asks_again"), [("queued", True), ("running", True), ("done", False), ("failed", False)]
)
def test_only_an_unfinished_acquisition_is_asked_for_again(client, charted, state, asks_again):
    Acquisition.objects.update(state=state)
    signed_in(client, charted)
    fragment = client.get(charted.get_absolute_url(), headers={"HX-Request": "true"}).content
    assert b"<html" not in fragment
    assert (b"load delay:2s" in fragment) is asks_again
    assert (b"load delay:2s" in client.get(address("acquisition-state", charted)).content) is asks_again


def test_the_original_comes_back_byte_by_byte_under_its_name(client, charted):
    signed_in(client, charted)
    answer = client.get(address("acquisition-original", charted))
    assert b"".join(answer.streaming_content) == charted.stored_file.path.read_bytes()
    assert answer["Content-Disposition"] == 'attachment; filename="scan.tif"'
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_a_preview_is_shown_once_it_is_drawn(client, charted):
    signed_in(client, charted)
    url = reverse("metrology:acquisition-preview", args=[charted.pk, 0])
    assert client.get(url).status_code == 404
    charted.preview_path(0).parent.mkdir(parents=True)
    charted.preview_path(0).write_bytes(b"picture")
    answer = client.get(url)
    assert (b"".join(answer.streaming_content), answer["Content-Type"]) == (b"picture", "image/jpeg")
    assert "private" in answer["Cache-Control"]
    client.force_login(catalogue.member())
    assert client.get(url).status_code == 404


def test_confirming_moves_the_acquisition_to_another_standard(client, charted):
    user = signed_in(client, charted, Role.OPERATOR)
    other = acquisitions.standard(charted.facility)
    answer = client.post(
        address("acquisition-confirm", charted), {"standard": other.pk, "label": charted.label}, follow=True
    )
    charted.refresh_from_db()
    assert b"Noted; it is measured anew." in answer.content
    assert (charted.standard, charted.state) == (other, JobState.QUEUED)
    assert charted.sources["standard"] == f"user {user.username}"


def test_a_wrong_correction_is_shown_at_its_field(client, charted):
    signed_in(client, charted, Role.OPERATOR)
    answer = client.post(address("acquisition-confirm", charted), {"pixel_size_um": "-1"})
    assert answer.status_code == 400
    assert b"greater than or equal to" in answer.content


def test_an_operator_has_it_measured_again(client, charted):
    signed_in(client, charted, Role.OPERATOR)
    client.post(address("acquisition-measure", charted))
    assert Acquisition.objects.get().state == JobState.QUEUED
    assert client.post(address("acquisition-measure", charted)).status_code == 409


def test_staff_choose_the_reference(client, charted):
    user = signed_in(client, charted, Role.STAFF)
    page = client.post(address("acquisition-reference", charted), follow=True).content.decode()
    assert ReferenceAcquisition.objects.get().chosen_by == user
    assert f"chosen by {user.username}" in page
    assert "Use as reference" not in page


def test_actions_are_not_reached_by_links(client, charted):
    signed_in(client, charted, Role.STAFF)
    for name in ACTIONS:
        assert client.get(address(name, charted)).status_code == 405


# the list ---------------------------------------------------------------------------------------------------------------


def listed(client, **filters):
    return client.get(reverse("metrology:acquisition-list"), filters).content.decode()


def test_an_empty_list_says_what_to_do(client):
    client.force_login(catalogue.member(Role.VIEWER))
    assert "No acquisitions yet" in listed(client)
    assert "Nothing fits these filters" in listed(client, text="marble")


def test_the_list_shows_one_s_own_facility_only(client, charted):
    acquisitions.acquisition(original_name="theirs.tif")
    signed_in(client, charted)
    page = listed(client)
    assert "Monday marbles" in page
    assert "theirs.tif" not in page
    assert client.get(reverse("metrology:acquisition-list")).status_code == 200


def test_every_filter_keeps_what_fits_and_drops_what_does_not(client, charted):
    signed_in(client, charted)
    other = acquisitions.standard(charted.facility)
    instrument = catalogue.instrument(charted.facility)
    fitting = [
        {"instrument": charted.instrument_id},
        {"standard": charted.standard_id},
        {"state": "done"},
        {"validity": "valid"},
        {"since": "2026-01-05"},
        {"until": "2026-01-05"},
        {"text": "monday"},
        {"text": "SCAN"},
    ]
    others = [
        {"instrument": instrument.pk},
        {"standard": other.pk},
        {"state": "failed"},
        {"validity": "invalid"},
        {"since": "2026-01-06"},
        {"until": "2026-01-04"},
        {"text": "tuesday"},
    ]
    assert all("Monday marbles" in listed(client, **one) for one in fitting)
    assert not any("Monday marbles" in listed(client, **one) for one in others)


def test_a_filter_by_another_facility_s_instrument_is_refused(client, charted):
    signed_in(client, charted)
    assert "Select a valid choice" in listed(client, instrument=catalogue.instrument().pk)


def test_the_list_asks_the_database_equally_often_however_long_it_is(client, charted, django_assert_max_num_queries):
    for _ in range(60):
        acquisitions.acquisition(
            charted.facility,
            instrument=charted.instrument,
            optical_path=charted.optical_path,
            standard=charted.standard,
        )
    signed_in(client, charted)
    with django_assert_max_num_queries(9):
        page = listed(client)
    assert "1–50 of 61 acquisitions" in page
    assert "51–61 of 61" in listed(client, page=2)


def test_the_page_asks_the_database_equally_often_however_much_was_measured(
    client, charted, django_assert_max_num_queries
):
    readings = [Reading(f"quantity_{n}", channel, 1, 1.0) for n in range(30) for channel in (0, 1)]
    measurements_record(charted, readings, [], validity=Validity.VALID)
    signed_in(client, charted, Role.STAFF)
    with django_assert_max_num_queries(13):
        assert client.get(charted.get_absolute_url()).status_code == 200


def test_the_page_lists_earlier_figures_below_the_newest(client, charted):
    measurements_record(charted, [Reading("mean", 0, 2, 222.0)], [], validity=Validity.VALID)
    signed_in(client, charted)
    page = client.get(charted.get_absolute_url()).content.decode()
    newest, earlier = page.split("Earlier figures (1)")
    assert "222" in newest
    assert "74.25" not in newest
    assert "74.25" in earlier
    assert "version 1; protocol 4 µm marbles, version 1" in earlier


@pytest.mark.parametrize(("role", "offered"), [(Role.VIEWER, False), (Role.OPERATOR, True), (Role.STAFF, True)])
def test_uploading_is_offered_to_those_who_may(client, role, offered):
    client.force_login(catalogue.member(role))
    for page in ("metrology:acquisition-list", "metrology:fleet", "metrology:flag-list"):
        shown = client.get(reverse(page)).content.decode()
        assert (f'href="{reverse("metrology:upload")}"' in shown) is offered


def test_staff_withdraw_the_reference_from_its_page_and_others_are_not_offered_it(client, charted):
    chosen = reference_set(charted, user=None)
    withdraw = reverse("metrology:reference-withdraw", args=[chosen.pk])
    signed_in(client, charted, Role.OPERATOR)
    assert withdraw not in client.get(charted.get_absolute_url()).content.decode()
    assert client.post(withdraw).status_code == 403
    signed_in(client, charted, Role.STAFF)
    assert withdraw in client.get(charted.get_absolute_url()).content.decode()
    page = client.post(withdraw, follow=True).content.decode()
    assert "are compared with none; choose another." in page
    assert "Use as reference" in page
    assert client.post(withdraw).status_code == 409
    client.force_login(catalogue.member(Role.STAFF))
    assert client.post(withdraw).status_code == 404


def test_a_tile_goes_to_members_of_the_facility_only_and_may_be_kept_for_a_year(client, charted):
    plane = np.arange(300 * 520, dtype=np.uint16).reshape(300, 520)
    tiles_write(charted, ImageStack(plane[np.newaxis, np.newaxis, np.newaxis]), [0])
    url = reverse("metrology:acquisition-tile", args=[charted.pk, tiles_of(charted)["token"], 0, 0, 0, 1, 2])
    assert client.get(url).status_code == 302
    signed_in(client, charted)
    answer = client.get(url)
    assert (np.frombuffer(answer.content, np.uint16).reshape(44, 8) == plane[256:, 512:]).all()
    assert {"private", "immutable", "max-age=31536000"} <= set(answer["Cache-Control"].split(", "))
    assert answer["X-Content-Type-Options"] == "nosniff"
    client.force_login(catalogue.member())
    assert client.get(url).status_code == 404


def test_tiles_of_an_earlier_making_are_not_found(client, charted):
    signed_in(client, charted)
    url = reverse("metrology:acquisition-tile", args=[charted.pk, uuid.uuid4(), 0, 0, 0, 0, 0])
    assert client.get(url).status_code == 404
    tiles_write(charted, ImageStack(np.zeros((1, 1, 1, 9, 9), np.uint16)), [0])
    assert client.get(url).status_code == 404
