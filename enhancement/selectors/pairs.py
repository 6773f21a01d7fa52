"""Which pairs of a poor and a good image an instrument has to learn from."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from common.models import JobState
from enhancement.models import PairSource
from metrology.models import Acquisition, FieldRole, StandardKind, Validity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.db.models import QuerySet

    from instruments.models import Instrument, OpticalPath, PathChannel

TISSUE = (StandardKind.CONVALLARIA, StandardKind.KIDNEY, StandardKind.OTHER)
FIELDS_NEEDED = 3
"""One field to learn from, one to decide when to stop, one to judge."""
FIELDS_WANTED = 9
"""With fewer than nine, fewer than three are kept aside to judge on, and the gate passes no network."""


@dataclass(frozen=True, slots=True)
class Side:
    """One image of a pair: an acquisition, one of its channels, one of its slices."""

    acquisition: Acquisition
    channel: int
    z: int | None


@dataclass(frozen=True, slots=True)
class Pair:
    """One field seen twice."""

    field: str
    raw: Side
    target: Side


@dataclass(frozen=True, slots=True)
class PairSet:
    """All pairs of one way of imaging."""

    source: PairSource
    optical_path: OpticalPath | None
    input_channel: int
    target_channel: int
    because: str
    """Why this channel is the input, in words."""
    pairs: tuple[Pair, ...]

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the fields, sorted, each once."""
        return tuple(sorted({pair.field for pair in self.pairs}))

    @property
    def is_enough(self) -> bool:
        """Whether a model can be trained on it at all."""
        return len(self.fields) >= FIELDS_NEEDED

    @property
    def advice(self) -> str:
        """What to acquire to do better, as one sentence."""
        missing = max(0, FIELDS_WANTED - len(self.fields))
        if not missing:
            return "Enough fields; more of other specimens would widen where the model applies."
        more = f"{missing} more field{'s' if missing != 1 else ''}"
        if self.source == PairSource.CHANNELS:
            return f"Scan {more} of tissue (Convallaria, kidney or another) with both detectors at once."
        return f"Scan {more} twice, once as usual and once slowly with averaging, under one field name."


def pair_sets(instrument: Instrument) -> list[PairSet]:
    """Return what the instrument has to learn from: at most one set a source, in order of preference.

    Parameters
    ----------
    instrument : Instrument
        The instrument of the case.

    Returns
    -------
    list of PairSet
        First two detectors at once, then one field scanned twice; sets without a pair are left out. Of several
        optical paths the one with most fields counts, because a model learns one way of imaging.
    """
    found = [_largest(_by_channels(instrument)), _largest(_by_fields(instrument))]
    return [entry for entry in found if entry is not None]


def preferred_pairs(instrument: Instrument, source: str | None = None) -> PairSet | None:
    """Return the set that is trained on: of the given source, else the first that is enough, else the largest."""
    sets = [entry for entry in pair_sets(instrument) if source is None or entry.source == source]
    enough = [entry for entry in sets if entry.is_enough]
    return enough[0] if enough else max(sets, key=lambda entry: len(entry.fields), default=None)


def _measured(instrument: Instrument) -> QuerySet[Acquisition]:
    return (
        Acquisition.objects.filter(instrument=instrument, state=JobState.DONE, validity=Validity.VALID)
        .select_related("stored_file", "standard", "optical_path")
        .prefetch_related("optical_path__channels__detector")
        .order_by("pk")
    )


def _by_channels(instrument: Instrument) -> list[PairSet]:
    scans = _measured(instrument).filter(size_c__gte=2, standard__kind__in=TISSUE, field_role=FieldRole.SCAN)
    groups: dict[tuple[OpticalPath | None, int, int, str], list[Pair]] = defaultdict(list)
    for scan in scans:
        raw, target, because = _roles_of_channels(scan)
        pair = Pair(_field(scan), Side(scan, raw, scan.slice_z), Side(scan, target, scan.slice_z))
        groups[scan.optical_path, raw, target, because].append(pair)
    return [PairSet(PairSource.CHANNELS, *key, tuple(pairs)) for key, pairs in groups.items()]


def _by_fields(instrument: Instrument) -> list[PairSet]:
    scans = _measured(instrument).exclude(field_of_view="").exclude(field_role=FieldRole.SCAN)
    groups: dict[OpticalPath | None, dict[str, list[Acquisition]]] = defaultdict(lambda: defaultdict(list))
    for scan in scans:
        groups[scan.optical_path][_field(scan)].append(scan)
    because = "the quick scan of a field is the input, its careful scan the target"
    return [
        PairSet(PairSource.FIELDS, path, 0, 0, because, tuple(_low_with_high(fields)))
        for path, fields in groups.items()
        if any(_low_with_high(fields))
    ]


def _low_with_high(fields: dict[str, list[Acquisition]]) -> Iterable[Pair]:
    for name, scans in sorted(fields.items()):
        high = [scan for scan in scans if scan.field_role == FieldRole.HIGH]
        for low in (scan for scan in scans if scan.field_role == FieldRole.LOW):
            if high:
                yield Pair(name, Side(low, 0, low.slice_z), Side(high[-1], 0, high[-1].slice_z))


def _largest(sets: list[PairSet]) -> PairSet | None:
    return max(sets, key=lambda entry: (len(entry.fields), len(entry.pairs)), default=None)


def _field(scan: Acquisition) -> str:
    """Name the field, so that rescans of it stay together when fields are split.

    The kind of standard is part of the name and its own name is not: the quick and the careful scan of one field may be
    charted as two standards. Two slides of a kind with the same name of a field are told apart when the pair is registered.
    """
    if not scan.field_of_view:
        return f"scan {scan.pk}"
    return f"{scan.standard.get_kind_display()} {scan.field_of_view}" if scan.standard else scan.field_of_view


def _roles_of_channels(scan: Acquisition) -> tuple[int, int, str]:
    """Choose input and target: the detector that loses more photons is the one to restore."""
    known: list[PathChannel] = [
        channel
        for channel in (scan.optical_path.channels.all() if scan.optical_path else [])
        if channel.index < (scan.size_c or 0) and channel.detector and channel.detector.quantum_efficiency is not None
    ]
    ranked = sorted(known, key=_efficiency)
    if len(ranked) >= 2 and _efficiency(ranked[0]) < _efficiency(ranked[-1]):
        low, high = ranked[0], ranked[-1]
        because = (
            f"{low.detector} detects {_efficiency(low):.0%} of the photons, {high.detector} {_efficiency(high):.0%}"
        )
        return low.index, high.index, because
    return 0, 1, "quantum efficiencies are not catalogued, so the first channel is taken as the input"


def _efficiency(channel: Any) -> float:
    return float(channel.detector.quantum_efficiency)
