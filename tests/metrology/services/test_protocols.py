"""A protocol is changed by a new version only, and each scan belongs to the version that was valid when it was made."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from common.errors import AccessError, InputError, NotFoundError
from common.models import JobState
from common.permissions import Role
from metrology.models import Acquisition, Protocol
from metrology.selectors.protocols import protocols_in_force
from metrology.services.protocols import protocol_for, protocol_open
from tests.factories import acquisitions, catalogue

pytestmark = pytest.mark.django_db
GAIN = {"setting": "gain", "channel": 0, "value": 600, "tolerance": 5}


@pytest.fixture
def path():
    return catalogue.optical_path()


@pytest.fixture
def staff(path):
    return catalogue.member(Role.STAFF, of=path.instrument.facility)


def opened(user, path=None, **fields):
    given = {"standard_kind": "marbles", "optical_path": path, "required_settings": [GAIN]} | fields
    return protocol_open(user=user, **given)


def valid_at(path, moment=None):
    return protocol_for(path.instrument.facility, standard_kind="marbles", optical_path=path, acquired_at=moment)


def test_the_first_version_is_made_where_there_is_none_and_asks_for_nothing(path):
    first = valid_at(path)
    assert (first.version, first.optical_path, first.required_settings) == (1, None, [])
    assert valid_at(path) == first


def stated(**kind):
    return {name: {"value": value, "source": "test"} for name, value in kind.items()}


def first_scan(path, moment=None, **kind):
    return protocol_for(
        path.instrument.facility,
        standard_kind="marbles",
        optical_path=path,
        acquired_at=moment,
        metadata=stated(**kind),
    )


def test_the_first_scan_on_a_path_says_what_kind_of_scan_is_asked_for_there(path):
    first = first_scan(path, scan_fields="tile scan of 5 × 5 fields", gain=600)
    assert (first.version, first.optical_path, first.of_first_scan) == (1, path, True)
    assert first.required_settings == [
        {"setting": "scan_fields", "channel": None, "value": "tile scan of 5 × 5 fields", "tolerance": 0.0}
    ]
    assert first_scan(path, scan_fields="single field") == first
    other = catalogue.optical_path(of=path.instrument)
    assert first_scan(other, scan_fields="single field").required_settings[0]["value"] == "single field"


def test_a_protocol_that_is_there_is_not_changed_by_a_scan(path):
    existing = catalogue.protocol(path.instrument.facility)
    assert first_scan(path, scan_fields="single field") == existing
    assert (Protocol.objects.count(), existing.required_settings) == (1, [])


def test_what_people_open_goes_before_what_a_first_scan_made(path, staff):
    first = first_scan(path, scan_fields="single field")
    general = opened(staff)
    assert general.valid_from is not None
    assert valid_at(path) == general
    assert valid_at(path, general.valid_from - timedelta(days=1)) == first
    assert protocols_in_force(path.instrument.facility) == [general]
    own = opened(staff, path)
    assert (valid_at(path), own.version) == (own, 2)


def test_the_facility_s_first_version_holds_since_ever(path, staff):
    general = opened(staff)
    assert general.valid_from is None
    assert first_scan(path, catalogue.START, scan_fields="single field") == general


def test_each_scan_has_the_version_that_was_valid_when_it_was_made(path, staff):
    first = valid_at(path)
    begins = timezone.now() - timedelta(days=10)
    second = opened(staff, valid_from=begins)
    assert valid_at(path) == second
    assert valid_at(path, begins) == second
    assert valid_at(path, begins - timedelta(seconds=1)) == first


def test_a_path_s_own_protocol_goes_before_the_facility_s(path, staff):
    general = valid_at(path)
    own = opened(staff, path)
    opened(staff)
    assert valid_at(path) == own
    assert (own.version, own.valid_from is not None) == (1, True)
    other = catalogue.optical_path(of=path.instrument)
    assert valid_at(other).version == 2
    assert valid_at(path, own.valid_from - timedelta(days=1)) == general


def test_opening_a_version_measures_the_scans_made_since_anew(path, staff, monkeypatch):
    monkeypatch.setattr("common.dispatch._send", lambda *_message: None)
    begins = timezone.now() - timedelta(days=10)
    standard = acquisitions.standard(path.instrument.facility)
    rows = {}
    other = catalogue.optical_path(of=path.instrument)
    for name, days, where in (("before", 11, path), ("after", 9, path), ("elsewhere", 9, other)):
        row = acquisitions.acquisition(path.instrument.facility)
        Acquisition.objects.filter(pk=row.pk).update(
            state=JobState.DONE, standard=standard, instrument=path.instrument, optical_path=where,
            acquired_at=timezone.now() - timedelta(days=days),
        )  # fmt: skip
        rows[name] = row
    opened(staff, path, valid_from=begins)
    states = {name: Acquisition.objects.get(pk=row.pk).state for name, row in rows.items()}
    assert states == {"before": JobState.DONE, "after": JobState.QUEUED, "elsewhere": JobState.DONE}


def test_a_version_cannot_begin_before_the_one_that_it_follows(path, staff):
    first = opened(staff, path)
    with pytest.raises(InputError, match="Version 1 of this protocol began"):
        opened(staff, path, valid_from=first.valid_from)
    assert Protocol.objects.count() == 1


def test_only_staff_opens_a_version(path):
    operator = catalogue.member(Role.OPERATOR, of=path.instrument.facility)
    with pytest.raises(AccessError):
        opened(operator, path)


def test_a_path_of_another_facility_is_not_there(staff):
    with pytest.raises(NotFoundError):
        opened(staff, catalogue.optical_path())


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ({"standard_kind": "moon dust"}, "not a kind"),
        ({"interval_days": 0}, "interval"),
        ({"required_settings": [{"setting": "gain", "value": 600}]}, "channel"),
    ],
)
def test_what_cannot_be_kept_is_refused(path, staff, fields, match):
    with pytest.raises(InputError, match=match):
        opened(staff, path, **fields)
    assert not Protocol.objects.exists()
