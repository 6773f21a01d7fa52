"""Tags by which pages of instruments and flags speak of restoration: metrology does not know that it exists.

::

    {% load restoration %}
    {% models_in_use facility as models %}{{ models|of_instrument:card.instrument }}
    {% open_case flag as case %}
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import template

from enhancement.selectors import cases, models

if TYPE_CHECKING:
    from enhancement.models import Case, RestorationModel
    from instruments.models import Facility, Instrument
    from metrology.models import Flag

register = template.Library()


@register.simple_tag
def models_in_use(facility: Facility) -> dict[int, list[RestorationModel]]:
    """Read the released models of all instruments of a facility in one query."""
    return models.models_in_use(facility)


@register.filter
def of_instrument(found: dict[int, list[RestorationModel]], instrument: Instrument) -> list[RestorationModel]:
    """Return those of one instrument out of what `models_in_use` read."""
    return found.get(instrument.pk, [])


@register.simple_tag
def open_case(flag: Flag) -> Case | None:
    """Return the case that is open for a flag, or None."""
    return cases.open_case_of(flag)
