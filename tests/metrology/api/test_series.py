"""Series by API."""

from __future__ import annotations

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from common.permissions import Role
from tests.factories import catalogue, monitor

pytestmark = pytest.mark.django_db

LIST = "/api/v1/series/"


@pytest.fixture
def series():
    return monitor.assessment(values=(80.0, 81.0, 60.0), status="degraded", urgency=100.0).series


@pytest.fixture
def viewer(series):
    client = APIClient()
    client.force_authenticate(catalogue.member(Role.VIEWER, of=series.instrument.facility))
    return client


def test_who_is_not_signed_in_is_refused(series):
    for name in ("api-series", "api-series-csv"):
        assert APIClient().get(reverse(name, args=[series.pk])).status_code == 401
    assert APIClient().get(LIST).status_code == 401


def test_series_are_listed_and_filtered(viewer, series):
    other = monitor.series(series.instrument, attribute_id="cv", channel=1)
    monitor.assessment()  # of another facility
    rows = viewer.get(LIST).json()["results"]
    assert {row["id"] for row in rows} == {series.pk, other.pk}
    for query in (
        {"attribute": "sharpness"},
        {"status": "degraded"},
        {"channel": 0},
        {"instrument": series.instrument.slug, "standard": series.standard_id, "attribute": "sharpness"},
    ):
        assert [row["id"] for row in viewer.get(LIST, query).json()["results"]] == [series.pk]
    assert viewer.get(LIST, {"instrument": "none"}).json()["results"] == []


def test_a_series_not_judged_yet_has_no_data(viewer, series):
    monitor.series(series.instrument, attribute_id="cv")
    (row,) = viewer.get(LIST, {"attribute": "cv"}).json()["results"]
    assert (row["status"], row["latest_value"], row["unit"]) == ("no_data", None, "")


def test_many_series_take_few_queries(viewer, series, django_assert_max_num_queries):
    for channel in range(1, 30):
        monitor.series(series.instrument, channel=channel)
    with django_assert_max_num_queries(5):
        assert viewer.get(LIST).json()["count"] == 30


def test_the_detail_holds_points_baselines_and_limits(viewer, series):
    body = viewer.get(reverse("api-series", args=[series.pk])).json()
    assert [point["value"] for point in body["points"]] == [80.0, 81.0, 60.0]
    assert body["points"][2]["z"] == 4.2
    assert body["points"][2]["acquisition"] == series.instrument.acquisitions.latest("acquired_at").pk
    assert (body["epochs"][0]["centre"], body["limits"]["action_high"]) == (80.0, 140.0)
    assert body["series"]["status"] == "degraded"
    assert "false flag" in body["price"]


def test_the_csv_is_that_of_the_page(viewer, series, client):
    answer = viewer.get(reverse("api-series-csv", args=[series.pk]))
    client.force_login(catalogue.member(Role.VIEWER, of=series.instrument.facility))
    page = client.get(reverse("metrology:series-csv", args=[series.pk]))
    assert answer["Content-Type"].startswith("text/csv")
    assert answer.content == page.content
    assert len(answer.content.splitlines()) == 4


def test_another_facilitys_series_is_not_found(series):
    client = APIClient()
    client.force_authenticate(catalogue.member(Role.STAFF))
    for name in ("api-series", "api-series-csv"):
        assert client.get(reverse(name, args=[series.pk])).json()["code"] == "not_found"
