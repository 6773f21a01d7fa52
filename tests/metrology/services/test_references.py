"""The reference of a series is a measured, valid acquisition that staff chose."""

from __future__ import annotations

import pytest

from common.errors import AccessError, NotFoundError, StateError
from common.models import JobState
from common.permissions import Role
from metrology.models import ReferenceAcquisition, Validity
from metrology.selectors.standards import reference_for, reference_list, reference_of
from metrology.services.confirm import acquisition_confirm
from metrology.services.references import reference_set, reference_withdraw
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


def test_a_withdrawn_reference_is_compared_with_no_more_and_explains_earlier_figures(where):
    first, second, third = made(where), made(where), made(where)
    reference_set(first, user=None)
    latest = reference_set(second, user=None)
    user = catalogue.member(Role.STAFF, of=first.facility)
    ended = reference_withdraw(latest, user=user)
    assert (ended.ended_by, ended.acquisition) == (user, second)
    assert ended.ended_at > ended.valid_from
    assert [reference_for(one) for one in (first, second, third)] == [None] * 3
    assert [reference_of(one) for one in (first, second, third)] == [None] * 3
    again = reference_set(first, user=user)
    assert reference_for(third) == again
    assert ReferenceAcquisition.objects.count() == 3


def test_the_reference_itself_is_compared_with_the_one_before_it(where):
    first, second = made(where), made(where)
    earlier = reference_set(first, user=None)
    reference_set(second, user=None)
    assert reference_for(second) == earlier


def test_one_choice_of_each_instrument_path_and_standard_is_in_force(where):
    first, second = made(where), made(where)
    other = made(where, standard=acquisitions.standard(where["instrument"].facility))
    rows = [reference_set(one, user=None) for one in (first, second, other)]
    found = reference_list(first.facility)
    assert [row.in_force for row in found] == [True, True, False]
    assert list(found) == rows[::-1]
    reference_withdraw(rows[1], user=catalogue.member(Role.STAFF, of=first.facility))
    assert [row.in_force for row in reference_list(first.facility)] == [True, False, False]


def test_what_is_not_in_force_cannot_be_withdrawn(where):
    first, second = made(where), made(where)
    earlier, latest = reference_set(first, user=None), reference_set(second, user=None)
    user = catalogue.member(Role.STAFF, of=first.facility)
    with pytest.raises(StateError, match="is not the reference of"):
        reference_withdraw(earlier, user=user)
    reference_withdraw(latest, user=user)
    with pytest.raises(StateError, match="is not the reference of"):
        reference_withdraw(latest, user=user)


def test_only_staff_of_the_facility_withdraw(where):
    chosen = reference_set(made(where), user=None)
    with pytest.raises(AccessError, match="Only staff may withdraw the reference"):
        reference_withdraw(chosen, user=catalogue.member(Role.OPERATOR, of=where["instrument"].facility))
    with pytest.raises(NotFoundError):
        reference_withdraw(chosen, user=catalogue.member(Role.STAFF))
    assert ReferenceAcquisition.objects.get().ended_at is None


def test_choosing_the_reference_in_force_again_changes_nothing(where):
    first = made(where)
    assert reference_set(first, user=None) == reference_set(first, user=None)
    assert ReferenceAcquisition.objects.count() == 1


def test_a_reference_that_is_not_valid_any_more_is_compared_with_no_more(where):
    first, second = made(where), made(where)
    reference_set(first, user=None)
    type(first).objects.filter(pk=first.pk).update(validity=Validity.INVALID)
    assert reference_for(second) is None


def test_a_reference_that_turns_out_to_be_of_another_standard_is_ended(where, monkeypatch):
    monkeypatch.setattr("common.dispatch._send", lambda *_message: None)
    first, second = made(where), made(where)
    choice = reference_set(first, user=None)
    acquisition_confirm(first, user=None, standard=acquisitions.standard(first.facility))
    choice.refresh_from_db()
    assert choice.ended_at is not None
    assert reference_for(second) is None
