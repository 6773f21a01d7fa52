"""Whether an image is like those a model learned from (pure)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from common.errors import OutOfDomainError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ENVELOPE_ATTRIBUTES = ("mean", "cv", "sharpness", "noise", "glcm_homogeneity")
LEAST_SPAN = math.log(1.25)
WARN_BEYOND_SPANS = 0.25
REFUSE_BEYOND_SPANS = 3.0
_SMALLEST = 1e-6


def judge_applicability(values: Mapping[str, float], envelope: Mapping[str, Sequence[float]]) -> list[str]:
    """Compare the attributes of an image with those of the training inputs.

    The distance of a value from the envelope is counted in spans of the envelope, both on a logarithmic scale (the
    span is at least a factor of 1.25). Up to a quarter of a span beyond the envelope says nothing: the extremes of
    `n` training images leave out 2/(n + 1) of images of the same kind. Further gives a warning; beyond three spans
    the image is refused.

    Parameters
    ----------
    values : mapping of str to float
        Attributes of the image by id; those missing here or in the envelope are not judged.
    envelope : mapping of str to (low, high)
        Smallest and largest attribute of the training inputs.

    Returns
    -------
    list of str
        One sentence an attribute that lies outside.

    Raises
    ------
    OutOfDomainError
        If one lies far outside.
    """
    warnings = []
    for attribute, (low, high) in envelope.items():
        if attribute not in values:
            continue
        value = values[attribute]
        spans = _spans_outside(value, low=low, high=high)
        name = attribute.replace("_", " ")
        if spans > REFUSE_BEYOND_SPANS:
            raise OutOfDomainError(
                f"This image is unlike those the model learned from: its {name} is {value:.4g}, theirs {low:.4g} to "
                f"{high:.4g}.",
                hint="Restore an image taken like the training images, or train a model on images like this one.",
                attribute=attribute,
                value=value,
                envelope=[low, high],
            )
        if spans > WARN_BEYOND_SPANS:
            warnings.append(f"Its {name}, {value:.4g}, lies outside of the training images' {low:.4g} to {high:.4g}.")
    return warnings


def _spans_outside(value: float, *, low: float, high: float) -> float:
    at, bottom, top = (math.log(max(number, _SMALLEST)) for number in (value, low, high))
    return max(bottom - at, at - top, 0.0) / max(top - bottom, LEAST_SPAN)
