"""How the parameters of an instrument change with the weeks, and how a service restores them."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, is_dataclass, replace
from enum import StrEnum
from typing import Any, TypeVar

from common.errors import InputError

State = TypeVar("State")


class LawKind(StrEnum):
    """How a parameter changes after the first week of its ageing."""

    LINEAR = "linear"
    EXPONENTIAL = "exponential"
    STEP = "step"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgeingLaw:
    """One parameter that drifts.

    Parameters
    ----------
    parameter : str
        Where it stands in the state, with dots: `aberrations.spherical_nm`, `detectors.ChS1.gain_counts`.
    kind : LawKind
        `linear`: value + amount·t; `exponential`: value·exp(amount·t); `step`: value + amount; t weeks after the start.
    start_week : float
        Until then nothing changes [week].
    amount : float
        Change a week (linear, in the parameter's unit; exponential, relative) or at once (step).
    """

    parameter: str
    kind: LawKind
    start_week: float
    amount: float

    def value_at(self, initial: float, *, week: float, restored_week: float | None = None) -> float:
        """Return the parameter's value in a week.

        Parameters
        ----------
        initial : float
            Value when new.
        week : float
            Age of the instrument [week].
        restored_week : float or None
            When a service last made the part new [week]. A step that came before is cured for good; a part that wears
            begins to wear again from then.

        Returns
        -------
        float
            In the parameter's unit.
        """
        restored = -math.inf if restored_week is None else restored_week
        if self.kind is LawKind.STEP:
            return initial + (self.amount if restored <= self.start_week <= week else 0.0)
        elapsed = max(week - max(self.start_week, restored), 0.0)
        if self.kind is LawKind.LINEAR:
            return initial + self.amount * elapsed
        return initial * math.exp(self.amount * elapsed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A visit of the engineer.

    Parameters
    ----------
    week : float
        When [week].
    restores : tuple of str
        Parameters (as in `AgeingLaw.parameter`) that are as new afterwards; empty for a routine visit.
    text : str
        What was done.
    """

    week: float
    restores: tuple[str, ...] = ()
    text: str = ""


def aged(state: State, *, week: float, laws: tuple[AgeingLaw, ...], services: tuple[Service, ...] = ()) -> State:
    """Return a state as it is after these weeks.

    Parameters
    ----------
    state : frozen dataclass
        The parameters when new.
    week : float
        Age [week].
    laws : tuple of AgeingLaw
        Which parameters drift; several on one parameter act one after the other.
    services : tuple of Service
        Visits; those after this week have not happened yet.

    Returns
    -------
    frozen dataclass
        A new state of the same type.

    Raises
    ------
    InputError
        If a law names a parameter that the state does not have.
    """
    for law in laws:
        visits = [visit.week for visit in services if law.parameter in visit.restores and visit.week <= week]
        value = law.value_at(
            parameter_of(state, law.parameter), week=week, restored_week=max(visits) if visits else None
        )
        state = with_parameter(state, law.parameter, value)
    return state


def parameter_of(state: object, path: str) -> float:
    """Return a parameter by its dotted name.

    Parameters
    ----------
    state : frozen dataclass
        Where to look.
    path : str
        `field.field` or `tuple_field.name.field`.

    Returns
    -------
    float
        Its value.

    Raises
    ------
    InputError
        If there is no such parameter.
    """
    found = state
    for part in path.split("."):
        found = _step_into(found, part, path)
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise _unknown(path)
    return float(found)


def with_parameter(state: State, path: str, value: float) -> State:
    """Return a copy of a state with one parameter changed.

    Parameters
    ----------
    state : frozen dataclass
        Not changed.
    path : str
        `field.field` or `tuple_field.name.field`.
    value : float
        New value.

    Returns
    -------
    frozen dataclass
        Of the same type.

    Raises
    ------
    InputError
        If there is no such parameter, or the value is impossible for it.
    """
    parameter_of(state, path)
    changed: State = _replaced(state, path.split("."), value)
    return changed


def _replaced(state: Any, parts: list[str], value: float) -> Any:
    head, *rest = parts
    if isinstance(state, tuple):
        return tuple(_replaced(part, rest, value) if part.name == head else part for part in state)
    inner = _replaced(getattr(state, head), rest, value) if rest else value
    return replace(state, **{head: inner})


def _step_into(found: object, part: str, path: str) -> object:
    if isinstance(found, tuple):
        for candidate in found:
            if getattr(candidate, "name", None) == part:
                return candidate
    elif is_dataclass(found) and part in {entry.name for entry in fields(found)}:
        return getattr(found, part)
    raise _unknown(path)


def _unknown(path: str) -> InputError:
    return InputError(
        f"This instrument has no numeric parameter {path}.",
        hint="Name a parameter of its state, such as aberrations.spherical_nm.",
        parameter=path,
    )
