"""The reference of a series is a measured, valid acquisition that staff chose."""

from __future__ import annotations

import pytest

from common.errors import AccessError, NotFoundError, StateError
from common.models import JobState
from common.permissions import Role
from metrology.models import ReferenceAcquisition, Validity
from metrology.selectors.standards import reference_for, reference_of
from metrology.services.references import reference_set
from tests.factories import acquisitions, catalogue

pytestmark = pytest.mark.django_db


@pytest.fixture
def where():
    path = catalogue.optical_path()
    return {
        "instrument": path.instrument,
        "optical_path": path,
        "standard": acquisitions.standard(path.instrument.facility),
        "state": JobState.DONE,
        "validity": Validity.VALID,
    }


def made(where, **fields):
    return acquisitions.acquisition(where["instrument"].facility, **where | fields)


def test_later_acquisitions_of_the_same_kind_are_compared_with_it(where):
    first, second = made(where), made(where)
    user = catalogue.member(Role.STAFF, of=first.facility)
    assert reference_for(second) is None
    chosen = reference_set(first, user=user)
    assert chosen.chosen_by == user
    assert reference_for(second) == chosen
    assert reference_of(first) == chosen


def test_the_latest_choice_counts_and_earlier_ones_stay(where):
    first, second, third = made(where), made(where), made(where)
    reference_set(first, user=None)
    latest = reference_set(second, user=None)
    assert reference_for(third) == latest
    assert reference_of(first) is None
    assert ReferenceAcquisition.objects.count() == 2


def test_an_acquisition_of_another_standard_is_not_compared(where):
    reference_set(made(where), user=None)
    assert reference_for(made(where, standard=acquisitions.standard(where["instrument"].facility))) is None
    assert reference_for(made(where, standard=None)) is None


@pytest.mark.parametrize(
    "wrong", [{"validity": Validity.INVALID}, {"state": JobState.FAILED}, {"standard": None}, {"optical_path": None}]
)
def test_what_cannot_be_compared_with_is_refused(where, wrong):
    with pytest.raises(StateError):
        reference_set(made(where, **wrong), user=None)
    assert not ReferenceAcquisition.objects.exists()


def test_only_staff_choose(where):
    row = made(where)
    with pytest.raises(AccessError, match="Only staff may choose the reference"):
        reference_set(row, user=catalogue.member(Role.OPERATOR, of=row.facility))
    with pytest.raises(NotFoundError):
        reference_set(row, user=catalogue.member(Role.STAFF))
