"""How attributes are spoken of on pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metrology.attributes.registry import ATTRIBUTES
from metrology.models import StandardKind

if TYPE_CHECKING:
    from metrology.attributes.registry import Attribute


def unit_of(attribute: Attribute) -> str:
    """Return the unit as it is written beside a number; empty for pure numbers."""
    return "" if attribute.unit == "1" else attribute.unit


def title_of(attribute: Attribute) -> str:
    """Return the name as the beginning of a line."""
    return attribute.name[:1].upper() + attribute.name[1:]


def signal_words(kind: str) -> str:
    """Say in words which chart signalled."""
    words = {
        "ewma": "drift (EWMA)",
        "cusum": "drift (CUSUM)",
        "repeat": "single value: repeat asked",
        "confirmed": "far out twice in a row",
        "tolerance": "beyond tolerance",
        "action": "beyond action limit",
    }
    return words.get(kind, kind)


def is_current(attribute_id: str, algorithm_version: int) -> bool:
    """Tell whether a series is still measured in this way; series of retired definitions keep their pages only."""
    return attribute_id in ATTRIBUTES and ATTRIBUTES[attribute_id].version == algorithm_version


def quantities_by_group() -> dict[str, list[tuple[Attribute, str]]]:
    """Return the declarations of all quantities by their group, each with the samples that it is measured on."""
    found: dict[str, list[tuple[Attribute, str]]] = {}
    for one in ATTRIBUTES.values():
        found.setdefault(one.group, []).append((one, _samples(one)))
    return found


def _samples(attribute: Attribute) -> str:
    if "any" in attribute.standards:
        return "any sample"
    kinds = dict(StandardKind.choices)
    return ", ".join(kinds.get(kind, kind) for kind in attribute.standards) or "typed or imported readings"
