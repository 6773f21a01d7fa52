"""Standards are added and corrected by staff, and stay what they are once scanned."""

from __future__ import annotations

import pytest

from common.errors import AccessError, InputError, NotFoundError, StateError
from common.permissions import Role
from metrology.models import Standard
from metrology.services.standards import standard_add, standard_change
from tests.factories import acquisitions, catalogue

pytestmark = pytest.mark.django_db


@pytest.fixture
def facility():
    return catalogue.facility()


@pytest.fixture
def staff(facility):
    return catalogue.member(Role.STAFF, of=facility)


def test_staff_add_a_standard_to_their_own_facility(facility, staff):
    standard = standard_add(user=staff, name=" Beads A ", kind="beads", lot="17", bead_diameter_um=0.17)
    fresh = Standard.objects.get()
    assert fresh == standard
    assert (fresh.facility, fresh.name, fresh.kind, fresh.lot, fresh.bead_diameter_um) == (
        facility, "Beads A", "beads", "17", 0.17,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ({"name": "  "}, "needs a name"),
        ({"name": "x" * 121}, "takes 121 characters; 120 are kept"),
        ({"lot": "x" * 61}, "takes 61 characters; 60 are kept"),
        ({"kind": "pudding"}, "not a kind of standard"),
        ({"bead_diameter_um": 0.0}, "between 0 and 1000"),
        ({"bead_diameter_um": float("nan")}, "between 0 and 1000"),
        ({"name": "Known"}, "There is a standard 'Known' already"),
    ],
)
def test_what_cannot_be_kept_is_refused(facility, staff, fault, sentence):
    known = acquisitions.standard(facility, name="Known")
    with pytest.raises(InputError, match=sentence):
        standard_add(user=staff, **{"name": "Beads", "kind": "beads"} | fault)
    other = acquisitions.standard(facility, kind="beads")
    with pytest.raises(InputError, match=sentence):
        standard_change(other, user=staff, **fault)
    assert set(Standard.objects.all()) == {known, other}
    other.refresh_from_db()
    assert other.lot == ""


def test_two_facilities_may_use_the_same_name(staff):
    acquisitions.standard(catalogue.facility(), name="Beads")
    standard_add(user=staff, name="Beads", kind="beads")
    assert Standard.objects.filter(name="Beads").count() == 2


def test_a_standard_that_was_never_scanned_can_become_anything(facility, staff):
    standard = acquisitions.standard(facility, kind="marbles")
    changed = standard_change(standard, user=staff, kind="beads", bead_diameter_um=0.5)
    assert (changed.kind, changed.bead_diameter_um, changed.name) == ("beads", 0.5, standard.name)


@pytest.mark.parametrize("change", [{"kind": "beads"}, {"bead_diameter_um": 0.5}])
def test_a_scanned_standard_stays_what_it_is_but_may_be_renamed(facility, staff, change):
    standard = acquisitions.standard(facility, kind="marbles")
    acquisitions.acquisition(facility, standard=standard)
    with pytest.raises(StateError, match="has been scanned"):
        standard_change(standard, user=staff, **change)
    renamed = standard_change(standard, user=staff, name="Marbles B", kind="marbles", bead_diameter_um=None)
    assert (renamed.name, renamed.kind) == ("Marbles B", "marbles")


def test_only_staff_of_the_facility_add_and_change(facility, staff):
    operator = catalogue.member(Role.OPERATOR, of=facility)
    with pytest.raises(AccessError, match="Only staff may add a standard"):
        standard_add(user=operator, name="Beads", kind="beads")
    standard = acquisitions.standard(facility)
    with pytest.raises(AccessError, match="Only staff may change a standard"):
        standard_change(standard, user=operator, lot="1")
    with pytest.raises(NotFoundError):
        standard_change(acquisitions.standard(catalogue.facility()), user=staff, lot="1")
