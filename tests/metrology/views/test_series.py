"""The pages of a series."""

from __future__ import annotations

import pytest
from django.urls import reverse

from common.permissions import Role
from metrology.models import Limits
from tests.factories import catalogue, monitor

pytestmark = pytest.mark.django_db


@pytest.fixture
def series():
    return monitor.assessment(values=(80.0, 81.0, 60.0), status="degraded").series


@pytest.fixture
def viewer(client, series):
    client.force_login(catalogue.member(Role.VIEWER, of=series.instrument.facility))
    return client


@pytest.fixture
def staff(client, series):
    client.force_login(catalogue.member(Role.STAFF, of=series.instrument.facility))
    return client


def addresses(series):
    return [
        reverse(f"metrology:{name}", args=[series.pk])
        for name in ("series", "series-chart", "series-csv", "series-limits")
    ]


def test_who_is_not_signed_in_sees_nothing(client, series):
    for url in addresses(series):
        assert client.get(url)["Location"].startswith(reverse("login"))


def test_another_facilitys_series_is_not_found(client, series):
    client.force_login(catalogue.member(Role.STAFF))
    assert [client.get(url).status_code for url in addresses(series)] == [404] * 4


def test_the_page_says_definition_summary_price_and_baseline(viewer, series):
    page = viewer.get(series.get_absolute_url()).content.decode()
    for words in (
        "Sharpness: 3 valid points from 2026-01-05 to 2026-01-19",
        "one false flag in 10 years",
        "Mean Sobel gradient modulus; noise raises it.",
        "when it falls",
        "provisional",
        "74.00 to 86.00",
        "at most 120\u00a08-bit eq./px",
    ):
        assert words in page
    assert reverse("metrology:series-chart", args=[series.pk]) in page
    assert "Staff of the facility may set limits." in page


def test_the_chart_is_a_figure_as_json(viewer, series):
    answer = viewer.get(reverse("metrology:series-chart", args=[series.pk]))
    assert answer["Content-Type"] == "application/json"
    assert [60.0 in trace["y"] for trace in answer.json()["data"] if trace["meta"]["role"] == "points"] == [True]


def test_the_csv_is_a_download_named_after_the_series(viewer, series):
    answer = viewer.get(reverse("metrology:series-csv", args=[series.pk]))
    assert answer["Content-Type"].startswith("text/csv")
    assert f'filename="{series.instrument.slug}-sharpness-channel-0.csv"' in answer["Content-Disposition"]
    assert (
        answer.content.decode()
        .splitlines()[0]
        .startswith("date,value [8-bit eq./px],uncertainty [8-bit eq./px],z,ewma")
    )
    assert len(answer.content.decode().splitlines()) == 4


def test_a_series_without_points_links_the_next_step(staff, series):
    empty = monitor.series(series.instrument, attribute_id="noise")
    page = staff.get(empty.get_absolute_url()).content.decode()
    assert "No point yet" in page
    assert reverse("metrology:upload") in page


def test_five_hundred_values_are_shown_page_by_page(viewer, series):
    scan = series.instrument.acquisitions.first()
    series.assessment.result = monitor.result([(scan, 80.0 + n, 0.1) for n in range(500)])
    series.assessment.save()
    answer = viewer.get(series.get_absolute_url(), {"page": 2})
    assert len(answer.context["rows"]) == 50
    assert "51–100 of 500 values" in answer.content.decode()


def test_staff_sets_new_limits(staff, series):
    url = reverse("metrology:series-limits", args=[series.pk])
    assert "New limits of sharpness" in staff.get(url).content.decode()
    answer = staff.post(url, {"action_low": "60", "tolerance_low": "70", "reason": "contract, 4.2"})
    assert answer.status_code == 302
    row = Limits.objects.get()
    assert (row.action_low, row.tolerance_low, row.action_high, row.instrument) == (60.0, 70.0, None, series.instrument)


def test_contradicting_limits_are_refused_with_the_sentence(staff, series):
    url = reverse("metrology:series-limits", args=[series.pk])
    page = staff.post(url, {"action_low": "70", "tolerance_low": "60", "reason": "x"}).content.decode()
    assert "must lie below" in page
    assert not Limits.objects.exists()


def test_limits_need_a_reason_and_numbers(staff, series):
    url = reverse("metrology:series-limits", args=[series.pk])
    form = staff.post(url, {"action_low": "low"}).context["form"]
    assert set(form.errors) == {"action_low", "reason"}


def test_a_viewer_may_not_set_limits(viewer, series):
    url = reverse("metrology:series-limits", args=[series.pk])
    answer = viewer.post(url, {"action_low": "60", "reason": "x"})
    assert answer.status_code == 403
    assert "Only staff may change limits; your role is viewer." in answer.content.decode()
    assert not Limits.objects.exists()
