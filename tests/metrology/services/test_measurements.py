"""Figures are written once, all together, and never changed."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from common.models import JobState
from metrology.models import Acquisition, Health, Measurement, Protocol, Series, Validity
from metrology.services.measurements import (
    COMPARING,
    Failure,
    Reading,
    assessment_remind,
    measurements_record,
)
from tests.factories import acquisitions, catalogue

pytestmark = pytest.mark.django_db
READINGS = [Reading("mean", 0, 1, 10.0, 0.1, 5), Reading("cv", 0, 1, 0.2), Reading("mean", 1, 1, 11.0)]


def place():
    path = catalogue.optical_path()
    facility = path.instrument.facility
    return {
        "instrument": path.instrument,
        "optical_path": path,
        "standard": acquisitions.standard(facility),
        "protocol": catalogue.protocol(facility),
        "acquired_at": catalogue.START,
        "state": JobState.RUNNING,
    }


def charted(where=None):
    where = where or place()
    return acquisitions.acquisition(where["instrument"].facility, **where)


def record(row, readings=READINGS, failures=(), **options):
    measurements_record(row, readings, failures, **{"validity": Validity.VALID} | options)


def test_each_reading_becomes_a_value_of_its_series():
    row = charted()
    record(row)
    found = {(m.series.attribute_id, m.series.channel, m.value, m.uncertainty, m.n) for m in Measurement.objects.all()}
    assert found == {("mean", 0, 10.0, 0.1, 5), ("cv", 0, 0.2, None, 1), ("mean", 1, 11.0, None, 1)}
    assert row.validity == Validity.VALID


def test_a_value_that_is_there_stays_as_it_is():
    row = charted()
    record(row)
    record(row, [Reading("mean", 0, 1, 99.0)])
    assert Measurement.objects.get(series__attribute_id="mean", series__channel=0).value == 10.0


def test_only_a_figure_that_compares_names_what_it_was_compared_with():
    where = place()
    before, row = charted(where), charted(where)
    comparing = min(COMPARING)
    record(row, [Reading("mean", 0, 1, 10.0), Reading(comparing, 0, 1, 0.9)], reference=before)
    found = dict(Measurement.objects.values_list("series__attribute_id", "reference"))
    assert found == {"mean": None, comparing: before.pk}


def test_another_version_of_a_quantity_is_another_series():
    row = charted()
    record(row, [Reading("mean", 0, 1, 10.0)])
    record(row, [Reading("mean", 0, 2, 20.0)])
    assert sorted(Series.objects.values_list("algorithm_version", flat=True)) == [1, 2]


def test_an_acquisition_without_standard_keeps_its_figures_and_has_no_series():
    row = charted(place() | {"standard": None, "protocol": None})
    record(row, validity=Validity.INVALID, validity_reason="no standard")
    row.refresh_from_db()
    assert not Series.objects.exists()
    assert not Health.objects.exists()
    assert [(one["attribute_id"], one["value"]) for one in row.readings] == [
        ("mean", 10.0),
        ("cv", 0.2),
        ("mean", 11.0),
    ]
    assert row.validity_reason == "no standard"


def test_figures_without_a_series_are_kept_beside_those_of_a_new_version():
    row = charted(place() | {"standard": None, "protocol": None})
    record(row, [Reading("mean", 0, 1, 10.0, 0.1, 5)], [Failure("cv", 0, 1, "fit", "No light.")])
    record(row, [Reading("mean", 0, 1, 99.0)])
    record(row, [Reading("mean", 0, 2, 20.0)], [Failure("cv", 0, 2, "fit", "Too little light.")])
    row.refresh_from_db()
    assert [(one["algorithm_version"], one["value"], one["n"]) for one in row.readings] == [(1, 10.0, 5), (2, 20.0, 1)]
    assert {one.algorithm_version: one.message for one in row.failures.all()} == {
        1: "No light.",
        2: "Too little light.",
    }


def test_a_quantity_that_was_had_meanwhile_is_no_failure_any_more():
    row = charted()
    failure = Failure("ssim", 0, 1, "registration", "Not the same field. Choose another reference.")
    record(row, failures=[failure])
    record(row, failures=[failure])
    assert row.failures.get().message == failure.message
    record(row, [Reading("ssim", 0, 1, 0.9)])
    assert not row.failures.exists()


def test_nothing_is_written_if_anything_cannot_be():
    row = charted()
    with pytest.raises(ValueError, match="expected a number"):
        record(row, [*READINGS, Reading("std", 0, 1, "no number")])
    assert not Measurement.objects.exists()
    assert not Series.objects.exists()


def test_a_long_reason_is_cut_to_its_column():
    row = charted()
    record(row, validity=Validity.INVALID, validity_reason="x" * 500)
    assert len(row.validity_reason) == 300


@pytest.fixture
def sent(monkeypatch):
    """What goes to the queue: task and its arguments."""
    messages = []
    monkeypatch.setattr("common.dispatch._send", lambda task, ids, _queue: messages.append((task, ids)))
    return messages


def test_the_judgement_is_asked_for_once_the_acquisition_is_no_longer_measured(
    sent, django_capture_on_commit_callbacks
):
    row = charted()
    with django_capture_on_commit_callbacks(execute=True):
        record(row)
    with django_capture_on_commit_callbacks(execute=True):
        assessment_remind(row.pk)  # the row is still waiting or running
    assert sent == []
    Acquisition.objects.filter(pk=row.pk).update(state=JobState.DONE)
    with django_capture_on_commit_callbacks(execute=True):
        assessment_remind(row.pk)
    assert sent == [("metrology.assess", (row.instrument_id,))]


def test_while_another_scan_waits_the_judgement_is_left_to_that_one(sent, django_capture_on_commit_callbacks):
    row = charted()
    record(row)
    Acquisition.objects.filter(pk=row.pk).update(state=JobState.DONE)
    other = charted()
    Acquisition.objects.filter(pk=other.pk).update(facility=row.facility, instrument=None)  # not attributed yet
    with django_capture_on_commit_callbacks(execute=True):
        assessment_remind(row.pk)
    assert sent == []


def test_a_scan_of_another_instrument_that_waits_holds_up_nobody_else(sent, django_capture_on_commit_callbacks):
    row = charted()
    record(row)
    Acquisition.objects.filter(pk=row.pk).update(state=JobState.DONE)
    other = charted()
    elsewhere = catalogue.instrument(of=row.facility)
    Acquisition.objects.filter(pk=other.pk).update(facility=row.facility, instrument=elsewhere)
    with django_capture_on_commit_callbacks(execute=True):
        assessment_remind(row.pk)
    assert sent == [("metrology.assess", (row.instrument_id,))]


def test_an_instrument_held_up_by_a_scan_of_unknown_origin_is_judged_when_that_turns_out_to_be_of_another(
    sent, django_capture_on_commit_callbacks
):
    row = charted()
    record(row)
    Acquisition.objects.filter(pk=row.pk).update(state=JobState.DONE)
    other = charted()
    elsewhere = catalogue.instrument(of=row.facility)
    Acquisition.objects.filter(pk=other.pk).update(facility=row.facility, instrument=elsewhere, state=JobState.DONE)
    with django_capture_on_commit_callbacks(execute=True):
        assessment_remind(other.pk)
    assert sent == [("metrology.assess", (row.instrument_id,))]


def test_a_series_of_a_later_protocol_retires_the_earlier_one_whatever_comes_first():
    where = place()
    later = Protocol.objects.create(facility=where["instrument"].facility, standard_kind="marbles", version=2)
    record(charted(where | {"protocol": later}), [READINGS[0]])
    record(charted(where), [READINGS[0]])
    assert {row.protocol.version: row.retired_at is None for row in Series.objects.all()} == {1: False, 2: True}


def test_a_series_of_a_protocol_that_people_opened_retires_that_of_a_first_scan():
    where = place()
    made = Protocol.objects.create(
        facility=where["instrument"].facility,
        standard_kind="marbles",
        optical_path=where["optical_path"],
        of_first_scan=True,
    )
    record(charted(where | {"protocol": made}), [READINGS[0]])
    record(charted(where), [READINGS[0]])
    assert {row.protocol.of_first_scan: row.retired_at is None for row in Series.objects.all()} == {
        True: False,
        False: True,
    }


@pytest.mark.django_db(transaction=True)
def test_many_workers_that_record_at_once_share_their_series():
    where = place()
    rows = [charted(where) for _ in range(8)]
    start = threading.Barrier(len(rows))
    readings = [Reading(f"quantity_{n}", 0, 1, float(n)) for n in range(20)]

    def work(n):
        start.wait()
        try:
            record(rows[n], readings if n % 2 else readings[::-1])
        finally:
            connection.close()

    with ThreadPoolExecutor(len(rows)) as workers:
        list(workers.map(work, range(len(rows))))  # what a thread raised is raised here
    assert Series.objects.count() == 20
    assert Measurement.objects.count() == 20 * len(rows)
