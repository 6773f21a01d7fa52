"""Page, chart, table and CSV of a series say the same."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from django.urls import reverse

from common.errors import NotFoundError
from instruments.models import ServiceEvent
from metrology.selectors.series import series_csv, series_figure, series_get, series_list
from tests.factories import catalogue, monitor

pytestmark = pytest.mark.django_db


@pytest.fixture
def series():
    return monitor.series()


@pytest.fixture
def facility(series):
    return series.instrument.facility


def traces(figure, role):
    return [trace for trace in figure["data"] if trace["meta"]["role"] == role]


def test_the_series_of_another_facility_does_not_exist(series):
    with pytest.raises(NotFoundError):
        series_get(catalogue.facility(), series.pk)


def test_a_series_not_judged_yet_has_an_empty_chart_that_says_so(series, facility):
    record = series_get(facility, series.pk)
    assert (record.status, record.price, record.epochs, record.rows) == ("no_data", "", [], [])
    assert record.summary == "Sharpness has not been measured yet."
    assert series_figure(record)["data"] == []


def test_points_lead_to_their_acquisition_and_its_picture(series, facility):
    monitor.assessment(series, values=(80.0, 81.0))
    figure = series_figure(series_get(facility, series.pk))
    (points,) = traces(figure, "points")
    scan = series.instrument.acquisitions.get(acquired_at=catalogue.START)
    assert points["y"] == [80.0, 81.0]
    assert points["customdata"][0] == [
        reverse("metrology:acquisition", args=[scan.pk]),
        reverse("metrology:acquisition-preview", args=[scan.pk, 0]),
    ]
    assert points["text"][0] == "z = +0.30 σ · ok"


def test_table_csv_and_chart_hold_the_same_values(series, facility):
    monitor.assessment(series, values=(80.0, 81.0, 60.0), status="degraded")
    record = series_get(facility, series.pk)
    table = [row["value"] for row in record.rows]
    file = [float(row["value [8-bit eq./px]"]) for row in csv.DictReader(io.StringIO(series_csv(record)))]
    (points,) = traces(series_figure(record), "points")
    assert table == file == points["y"] == [80.0, 81.0, 60.0]


def test_invalid_points_are_kept_in_their_place_with_the_reason(series, facility):
    scans = [monitor.acquisition(series.instrument, week=week) for week in range(3)]
    result = monitor.result([(scans[0], 80.0, 0.1), (scans[2], 82.0, 0.2)], invalid=[(scans[1], "saturated")])
    monitor.assessment(series, values=(), result=result)
    rows = series_get(facility, series.pk).rows
    assert [(row["value"], row["statuses"], row["note"]) for row in rows] == [
        (80.0, "ok", ""),
        (None, "invalid", "saturated"),
        (82.0, "ok", ""),
    ]


def test_a_signalling_point_says_by_which_chart(series, facility):
    scans = [monitor.acquisition(series.instrument, week=week) for week in range(2)]
    signal = {"kind": "ewma", "acquisition": scans[1].pk}
    result = monitor.result([(scans[0], 80.0, 0.1), (scans[1], 60.0, 4.0)], signals=[signal])
    monitor.assessment(series, values=(), result=result)
    record = series_get(facility, series.pk)
    assert [row["statuses"] for row in record.rows] == ["ok", "ewma"]
    (flagged,) = traces(series_figure(record), "flag")
    assert flagged["y"] == [60.0]


def test_limits_change_where_a_service_opens_a_new_epoch(series, facility):
    scans = [monitor.acquisition(series.instrument, week=week) for week in range(4)]
    when = scans[2].acquired_at - timedelta(days=1)
    event = ServiceEvent.objects.create(instrument=series.instrument, started_at=when, ended_at=when)
    points = [(scan, 80.0, 0.1) for scan in scans]
    monitor.assessment(series, values=(), result=monitor.result(points, event=event, changed_at=2))
    record = series_get(facility, series.pk)
    first, second = record.chart.limits
    assert [first.stop, second.start] == [scans[1].acquired_at.isoformat(), scans[2].acquired_at.isoformat()]
    assert (first.low, first.high, first.ewma_limits) == (74.0, 86.0, (78.0,))
    assert [(mark.date, mark.role) for mark in record.chart.marks] == [(when.isoformat(), "event")]
    assert record.epochs[0]["service_event"] == event.pk


def test_a_flag_is_drawn_once_with_the_interval_of_the_change(series, facility):
    monitor.assessment(series)
    flag = monitor.flag(at=series, signals=3)
    record = series_get(facility, series.pk)
    (span,) = record.chart.flags
    assert (span.since_low, span.since_high) == (flag.since_low.isoformat(), flag.since_high.isoformat())
    shapes = [shape for shape in series_figure(record)["layout"]["shapes"] if shape["name"] == "flag"]
    assert [(shape["x0"], shape["x1"]) for shape in shapes] == [(span.since_low, span.since_high)]
    assert "flagged on" in record.summary


def test_absolute_limits_are_drawn_on_the_sides_that_have_one(series, facility):
    monitor.assessment(series)
    record = series_get(facility, series.pk)
    assert (record.chart.tolerance, record.chart.action) == ((120.0,), (140.0,))


def test_a_pure_number_is_written_without_unit(facility, series):
    record = series_get(facility, monitor.series(series.instrument, attribute_id="cv").pk)
    assert (record.title, record.unit) == ("Coefficient of variation", "")


def test_the_list_is_sorted_by_urgency_and_ends_at_the_facility(series, facility, django_assert_num_queries):
    monitor.assessment(series, urgency=1.0)
    worse = monitor.assessment(monitor.series(series.instrument, attribute_id="noise"), urgency=60.0).series
    monitor.assessment(urgency=99.0)
    with django_assert_num_queries(1):
        listed = list(series_list(facility))
        assert [one.assessment.status for one in listed] == ["in_control", "in_control"]
        assert [one.standard.name for one in listed]
    assert listed == [worse, series]
