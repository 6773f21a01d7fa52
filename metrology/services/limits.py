"""Setting absolute limits: always a new dated row, so that the past keeps the limits it was judged by."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from common.errors import InputError, NotFoundError
from common.permissions import Role
from instruments.models import Instrument
from instruments.selectors.membership import require_role
from metrology.models import Limits
from metrology.services.health import assessment_request

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

    from metrology.models import Series


@dataclass(frozen=True, slots=True)
class LimitValues:
    """Limits in the unit of the attribute; None where there is none.

    Parameters
    ----------
    tolerance_low, tolerance_high : float or None
        Beyond these the instrument is to be watched.
    action_low, action_high : float or None
        Beyond these it is not to be used for what depends on the attribute.
    """

    tolerance_low: float | None = None
    tolerance_high: float | None = None
    action_low: float | None = None
    action_high: float | None = None

    def check(self) -> None:
        """Refuse limits that contradict one another.

        Raises
        ------
        InputError
            If one is not a number, the lower ones do not lie below the upper ones, or action lies inside tolerance.
        """
        for value in (self.tolerance_low, self.tolerance_high, self.action_low, self.action_high):
            if value is not None and not math.isfinite(value):
                raise InputError("A limit is not a finite number.", hint="Leave the field empty for 'no limit'.")
        ladder = [("action low", self.action_low), ("tolerance low", self.tolerance_low)]
        ladder += [("tolerance high", self.tolerance_high), ("action high", self.action_high)]
        known = [(name, value) for name, value in ladder if value is not None]
        for (lower_name, lower), (upper_name, upper) in pairwise(known):
            sides_differ = lower_name.endswith("low") and upper_name.endswith("high")
            if lower > upper or (sides_differ and lower == upper):
                raise InputError(
                    f"The limit '{lower_name}' ({lower:g}) must lie below '{upper_name}' ({upper:g}).",
                    hint="Order them: action low, tolerance low, tolerance high, action high.",
                    lower=lower,
                    upper=upper,
                )


def limits_set(
    *,
    user: AbstractBaseUser | AnonymousUser,
    series: Series,
    values: LimitValues,
    whole_facility: bool = False,
    reason: str = "",
) -> Limits:
    """Set the limits of an attribute from now on, for one instrument or for the whole facility.

    Parameters
    ----------
    user
        Who sets them; staff.
    series : Series
        Names the attribute and the instrument.
    values : LimitValues
        All four empty takes the limits away from now on.
    whole_facility : bool
        Whether they hold for all instruments that have none of their own.
    reason : str
        Why; shown beside the limits.

    Returns
    -------
    Limits
        A new row; older ones are kept.

    Raises
    ------
    AccessError
        If the user is not staff.
    NotFoundError
        If the series belongs to another facility.
    InputError
        If the limits contradict one another or the reason is too long.
    """
    member = require_role(user, Role.STAFF, action="change limits")
    if series.instrument.facility_id != member.facility_id:
        raise NotFoundError(f"There is no series {series.pk} in {member.facility}.", hint="Choose one of your own.")
    values.check()
    longest = Limits._meta.get_field("reason").max_length or 0
    if len(reason) > longest:
        raise InputError(f"The reason takes {len(reason)} characters; {longest} are kept.", hint="Say it shorter.")
    with transaction.atomic():
        row = Limits.objects.create(
            facility=member.facility,
            instrument=None if whole_facility else series.instrument,
            attribute_id=series.attribute_id,
            tolerance_low=values.tolerance_low,
            tolerance_high=values.tolerance_high,
            action_low=values.action_low,
            action_high=values.action_high,
            valid_from=timezone.now(),
            set_by_id=user.pk,
            reason=reason,
        )
        if whole_facility:
            affected = Instrument.objects.filter(facility=member.facility, series__attribute_id=series.attribute_id)
            for instrument_id in affected.distinct().values_list("pk", flat=True):
                assessment_request(instrument_id)
        else:
            assessment_request(series.instrument_id)
    return row
