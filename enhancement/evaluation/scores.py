"""Score candidates (raw, each tuned filter, the network) against the target of fields nobody learned from."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
from skimage.measure import block_reduce

from common.errors import AxesError, ConstantImageError, InputError
from enhancement.evaluation.measures import AlignedPair, plane_view
from metrology.attributes import comparison, glcm, intensity, sharpness

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray


PHOTOMETRY_BLOCK_PX = 16
"""Side of the blocks over which intensities are compared [px]."""


@dataclass(frozen=True, slots=True)
class AffineFit:
    """The straight line that brings the intensities of one plane closest to those of another."""

    slope: float
    offset: float

    def apply(self, plane: NDArray) -> NDArray[np.float64]:
        """Return the (Y, X) plane with fitted intensities."""
        return self.slope * np.asarray(plane, np.float64) + self.offset


@dataclass(frozen=True, slots=True)
class FieldScores:
    """One candidate on one field, or their mean: the columns of the founding report."""

    mse: float
    """Mean squared difference [(8-bit eq.)²]."""
    msemg: float
    """Mean squared difference of the gradient modules [(8-bit eq./px)²]."""
    ssim: float
    psnr: float
    """10·log10(255²/MSE); infinite for identical planes [dB]."""
    cv: float
    sharpness: float
    """Mean gradient module [8-bit eq./px]."""
    glcm_homogeneity: float
    photometric_slope: float
    """Candidate counts per target count, before any fit, on means over blocks; 1 is faithful."""


@dataclass(frozen=True, slots=True)
class CandidateScores:
    """One candidate on all held-out fields."""

    candidate: str
    fields: tuple[FieldScores, ...]
    """In the order of `Comparison.field_ids`."""
    mean: FieldScores


@dataclass(frozen=True, slots=True)
class Comparison:
    """All candidates on the same held-out fields."""

    field_ids: tuple[str, ...]
    candidates: dict[str, CandidateScores]
    target: CandidateScores
    """The target against itself: its CV, sharpness and homogeneity are what candidates should come near to."""


def affine_fit(prediction: NDArray, target: NDArray) -> AffineFit:
    """Fit slope and offset so that slope · prediction + offset comes closest to the target in the least-squares sense.

    Parameters
    ----------
    prediction, target : (Y, X) arrays
        Registered planes [any unit each].

    Returns
    -------
    AffineFit
        The line.

    Raises
    ------
    AxesError
        If the shapes differ.
    ConstantImageError
        If the prediction is constant.

    Notes
    -----
    Noise in `prediction` shrinks the slope. To put a clean target on the scale of a noisy raw plane, fit the target
    to the raw:
    ``affine_fit(target, raw).apply(target)``.
    """
    if prediction.shape != target.shape:
        raise AxesError(
            f"A plane of shape {prediction.shape} cannot be compared with one of shape {target.shape}.",
            hint="Compare registered planes of the same field.",
        )
    x, y = np.asarray(prediction, np.float64), np.asarray(target, np.float64)
    centred = x - x.mean()
    spread = float(np.mean(centred**2))
    if spread == 0:
        raise ConstantImageError(
            "All pixels of the compared plane are equal.", hint="Leave the field out of the comparison."
        )
    slope = float(np.mean(centred * (y - y.mean()))) / spread
    return AffineFit(slope=slope, offset=float(y.mean() - slope * x.mean()))


def score(prediction: NDArray, target: NDArray, *, full_scale_counts: float, fit: bool = True) -> FieldScores:
    """Score one candidate on one field.

    Parameters
    ----------
    prediction, target : (Y, X) arrays
        Registered planes [counts].
    full_scale_counts : float
        Largest count of the target detector, 2^B − 1 for B effective bits [counts]; it becomes 255.
    fit : bool
        Whether to bring the candidate onto the target's intensity scale first (`affine_fit`), as needed when the two
        detectors differ in gain. The photometric slope is always that before the fit.

    Returns
    -------
    FieldScores
        The founding report's columns.

    Raises
    ------
    AxesError
        If the shapes differ.
    ConstantImageError
        If a plane is constant.
    InputError
        If full scale is not positive.

    References
    ----------
    Affine fit before comparison: Weigert et al. 2018, Nature Methods 15 (CARE). Columns: the founding report, tables 2–7.
    """
    if full_scale_counts <= 0:
        raise InputError("Full scale is not positive.", hint="Give 2^B − 1 for B effective bits.")
    line = affine_fit(prediction, target)
    unit = 255.0 / full_scale_counts
    x = unit * (line.apply(prediction) if fit else np.asarray(prediction, np.float64))
    y = unit * np.asarray(target, np.float64)
    pair, view = AlignedPair(y, x), plane_view(x)
    return FieldScores(
        mse=comparison.mse(pair).value,
        msemg=comparison.msemg(pair).value,
        ssim=comparison.ssim(pair).value,
        psnr=comparison.psnr(pair).value,
        cv=intensity.cv(view).value,
        sharpness=sharpness.sharpness(view).value,
        glcm_homogeneity=glcm.homogeneity(view).value,
        photometric_slope=photometric_slope(prediction, target),
    )


def photometric_slope(prediction: NDArray, target: NDArray) -> float:
    """Tell how many counts of the candidate one count of the target becomes, on means over blocks.

    Parameters
    ----------
    prediction, target : (Y, X) arrays
        Registered planes [counts].

    Returns
    -------
    float
        Least-squares slope of the block means of the candidate on those of the target; 1 keeps intensities.

    Raises
    ------
    AxesError
        If the shapes differ.
    ConstantImageError
        If the target's blocks are all equal.

    Notes
    -----
    Pixel by pixel the slope would measure something else: noise in the target, which lies on the horizontal axis,
    shrinks it (regression dilution; Fuller 1987, Measurement Error Models), and so does any loss of fine detail. In
    means over blocks of 16 × 16 px (less in small images) noise and detail are averaged out and what stays is the
    intensity.
    """
    return affine_fit(block_means(target), block_means(prediction)).slope


def block_means(plane: NDArray) -> NDArray[np.float64]:
    """Average a plane over square blocks, in which noise and fine detail cancel and the intensity stays.

    Parameters
    ----------
    plane : (Y, X) array
        Any plane [counts].

    Returns
    -------
    (Y', X') array
        Means over blocks of 16 × 16 px, or a quarter of the shorter side in small planes; blocks that the border cuts
        are left out [counts].
    """
    side_px = max(1, min(PHOTOMETRY_BLOCK_PX, min(plane.shape) // 4))
    whole = tuple(slice(0, size // side_px) for size in plane.shape)  # block_reduce pads the cut blocks with zeros
    means: NDArray[np.float64] = block_reduce(np.asarray(plane, np.float64), side_px, np.mean)[whole]
    return means


def compare(
    predictions: Mapping[str, Sequence[NDArray]],
    targets: Sequence[NDArray],
    *,
    field_ids: Sequence[str],
    full_scale_counts: float,
    fit: bool = True,
) -> Comparison:
    """Score every candidate on every held-out field.

    Parameters
    ----------
    predictions : mapping of str to sequence of (Y, X) arrays
        For each candidate ("raw", "gaussian", … "network", "network_tta") its plane of each field [counts].
    targets : sequence of (Y, X) arrays
        The target of each field [counts].
    field_ids : sequence of str
        Ids of the fields, in the same order.
    full_scale_counts : float
        2^B − 1 for B effective bits [counts].
    fit : bool
        As in `score`.

    Returns
    -------
    Comparison
        Scores per field and their means.

    Raises
    ------
    InputError
        If there are no fields, or a candidate has not one plane per field.
    AxesError, ConstantImageError
        As in `score`.
    """
    counts = {len(planes) for planes in predictions.values()} | {len(targets), len(field_ids)}
    if len(counts) != 1 or counts == {0}:
        raise InputError("The candidates do not have one plane per field.", hint="Give every candidate every field.")
    candidates = {
        name: _candidate(name, planes, targets, full_scale_counts=full_scale_counts, fit=fit)
        for name, planes in predictions.items()
    }
    target = _candidate("target", targets, targets, full_scale_counts=full_scale_counts, fit=False)
    return Comparison(field_ids=tuple(field_ids), candidates=candidates, target=target)


def _candidate(
    name: str, planes: Sequence[NDArray], targets: Sequence[NDArray], *, full_scale_counts: float, fit: bool
) -> CandidateScores:
    scored = tuple(
        score(plane, target, full_scale_counts=full_scale_counts, fit=fit)
        for plane, target in zip(planes, targets, strict=True)
    )
    means = {
        column.name: float(np.mean([getattr(entry, column.name) for entry in scored])) for column in fields(FieldScores)
    }
    return CandidateScores(candidate=name, fields=scored, mean=FieldScores(**means))
