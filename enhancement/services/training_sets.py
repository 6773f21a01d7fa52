"""Freezing what a model learns from: a manifest that names every file by its hash and every field's part."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from common.errors import TrainingDataError
from enhancement.models import PairSource, TrainingSet
from enhancement.selectors.pairs import FIELDS_NEEDED, PairSet, preferred_pairs
from enhancement.training.dataset import split_fields

if TYPE_CHECKING:
    from enhancement.models import Case
    from enhancement.selectors.pairs import Side
    from enhancement.training.dataset import Split

MANIFEST_VERSION = 1


def training_set_freeze(
    *,
    user: Any,
    case: Case,
    fractions: tuple[float, float, float],
    seed: int,
    pair_source: str | None = None,
) -> TrainingSet:
    """Choose the pairs of a case, split them by field, and keep the choice; the same choice gives the same row.

    Parameters
    ----------
    user
        Who starts the training.
    case : Case
        The case.
    fractions : (float, float, float)
        Shares of fields for training, validation and test.
    seed : int
        Seed of the split.
    pair_source : str, optional
        One of `PairSource`; the best that is enough where left out.

    Returns
    -------
    TrainingSet
        With its manifest and the manifest's SHA-256.

    Raises
    ------
    TrainingDataError
        If there are fewer than three fields; the hint says what to acquire.
    """
    chosen = preferred_pairs(case.instrument, pair_source)
    fields = 0 if chosen is None else len(chosen.fields)
    if chosen is None or not chosen.is_enough:
        raise TrainingDataError(
            f"{case.instrument} has measured pairs of {fields} field{'' if fields == 1 else 's'}; "
            f"a training needs at least {FIELDS_NEEDED}.",
            hint=_what_to_acquire(chosen, pair_source),
            fields=fields,
            needed=FIELDS_NEEDED,
        )
    split = split_fields(chosen.fields, fractions=fractions, seed=seed)
    manifest = manifest_of(chosen, split, fractions=fractions, seed=seed)
    sha256 = hashlib.sha256(canonical(manifest)).hexdigest()
    frozen, _ = TrainingSet.objects.get_or_create(
        case=case,
        sha256=sha256,
        defaults={
            "source": chosen.source,
            "manifest": manifest,
            "pair_count": len(chosen.pairs),
            "made_by": user,
        },
    )
    return frozen


def manifest_of(chosen: PairSet, split: Split, *, fractions: tuple[float, float, float], seed: int) -> dict[str, Any]:
    """Return the manifest of a set of pairs as JSON-serialisable values."""
    parts = {name: part for part, names in split.as_dict().items() for name in names}
    return {
        "version": MANIFEST_VERSION,
        "source": str(chosen.source),
        "because": chosen.because,
        "optical_path": chosen.optical_path.pk if chosen.optical_path else None,
        "input_channel": chosen.input_channel,
        "target_channel": chosen.target_channel,
        "seed": seed,
        "fractions": list(fractions),
        "pairs": [
            {"field": pair.field, "part": parts[pair.field], "raw": _side(pair.raw), "target": _side(pair.target)}
            for pair in chosen.pairs
        ],
    }


def canonical(manifest: dict[str, Any]) -> bytes:
    """Return the one way to write a manifest, which its hash is made of."""
    return json.dumps(manifest, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _side(side: Side) -> dict[str, Any]:
    return {
        "acquisition": side.acquisition.pk,
        "sha256": side.acquisition.stored_file.sha256,
        "channel": side.channel,
        "z": side.z,
    }


def _what_to_acquire(chosen: PairSet | None, pair_source: str | None) -> str:
    if chosen is not None:
        return chosen.advice
    if pair_source == PairSource.FIELDS:
        return "Scan several fields twice, once as usual and once slowly with averaging, and name each field on upload."
    return (
        "Scan several fields of tissue (Convallaria, kidney or another) with two detectors at once, or each field "
        "twice, once as usual and once slowly with averaging, under one field name."
    )
