"""What frames of one field, taken one after the other, tell of the detector: noise, offset, gain, and of the dye.

References
----------
Janesick, Photon Transfer (SPIE, 2007); Mullikin et al., Proc. SPIE 2173, 73 (1994). The standard errors are those of White,
Econometrica 48, 817 (1980), which hold also where the weights are not exact.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from common.errors import AxesError, FitError, MissingMetadataError
from metrology.attributes.noise import MAD_OF_NORMAL
from metrology.attributes.quantity import Quantity

SQUARE_PX = 8
"""Side of the squares of a field over which means and variances are averaged [px]."""
_LEAST_BLOCKS = 16
_BISQUARE = (
    9.0  # times the scatter; a variance scatters askew, and a narrower Tukey function would pull it down by 0.5 %
)
_LEAST_SLOPE = 5.0  # standard errors; a smaller one is told from chance only by luck, which would bias it
_ROUNDS = 30


@dataclass(frozen=True, slots=True)
class Transfer:
    """The line of variance over mean.

    Parameters
    ----------
    slope, slope_error : float
        Counts a photoelectron and its standard error [count].
    intercept, intercept_error : float
        Variance at a mean of zero counts and its standard error [count²].
    blocks : int
        Squares of the field that were fitted.
    """

    slope: float
    slope_error: float
    intercept: float
    intercept_error: float
    blocks: int


class FramesView:
    """Frames of one field, and frames taken in the dark where there are any.

    Parameters
    ----------
    frames : ndarray, shape (T, Y, X)
        Counts of a field that does not move, at least two frames.
    bit_depth : int
        Effective bit depth [bit].
    dark : ndarray, shape (T, Y, X), optional
        Counts without light, at least two frames.
    pixel_size_um, pixel_size_y_um : float, optional
        Width of a pixel, and its height where that differs [µm].
    """

    def __init__(
        self,
        frames: np.ndarray,
        *,
        bit_depth: int,
        dark: np.ndarray | None = None,
        pixel_size_um: float | None = None,
        pixel_size_y_um: float | None = None,
    ) -> None:
        for stack in (frames, *([] if dark is None else [dark])):
            if stack.ndim != 3 or stack.shape[0] < 2:
                raise AxesError(
                    "Repeated frames are needed, and there is one.", hint="Take at least two frames of the same field."
                )
        self.frames, self.bit_depth, self._dark = frames, bit_depth, dark
        self.pixel_size_um, self.pixel_size_y_um = pixel_size_um, pixel_size_y_um

    @property
    def dark(self) -> np.ndarray:
        """Frames without light, shape (T, Y, X) [count].

        Raises
        ------
        MissingMetadataError
            There are none.
        """
        if self._dark is None:
            raise MissingMetadataError(
                "Offset and read noise need frames taken without light.",
                hint="Take at least two frames with the light off and the same detector settings.",
            )
        return self._dark

    @cached_property
    def transfer(self) -> Transfer:
        """The line of variance over mean."""
        return photon_transfer(self.frames, largest_count=2**self.bit_depth - 1, dark=self._dark)


def photon_transfer(frames: np.ndarray, *, largest_count: int, dark: np.ndarray | None = None) -> Transfer:
    """Fit the variance of repeated frames over their mean, square by square of the field.

    Parameters
    ----------
    frames : ndarray, shape (T, Y, X)
        Counts of a field that does not move, at least two frames.
    largest_count : int
        Count at which the detector saturates.
    dark : ndarray, shape (T, Y, X), optional
        Frames without light, whose squares lie on the same line: with them a field of one brightness will do.

    Returns
    -------
    Transfer
        Slope and intercept with their standard errors.

    Raises
    ------
    FitError
        The field is too small, saturated, or of one brightness without dark frames; or its variance does not grow with
        its brightness.

    Notes
    -----
    Variances are those of the differences of successive frames within each square of 8 × 8 pixels about the square's mean
    difference, so a change of brightness that the square has in common, as by bleaching or a flickering lamp, cancels; what
    remains of it is the loss times the structure within the square. The mean of a square has so little noise of its own
    that it does not flatten the line. Squares with a pixel at 0 or at saturation are left out; what moves is given little
    weight (Tukey's bisquare).
    """
    means, variances = squares_of(frames, largest_count=largest_count)
    if dark is not None:
        _, without_light = squares_of(dark, largest_count=largest_count)
        one_mean = np.full_like(
            without_light, dark.mean(dtype=np.float64)
        )  # the noise of each mean would flatten the line
        means, variances = np.append(means, one_mean), np.append(variances, without_light)
    if len(means) < _LEAST_BLOCKS or np.ptp(means) == 0:
        raise FitError(
            "Too few squares of the field are neither dark nor saturated.",
            hint="Take frames of a field with bright and dim parts, unsaturated.",
        )
    line, errors = _robust_line(means, variances)
    if not line[1] > _LEAST_SLOPE * errors[1]:
        raise FitError(
            "The noise does not grow clearly with the brightness, so the gain cannot be told.",
            hint="Take raw, unaveraged frames of a field with bright and dim parts, or add frames without light.",
            slope=float(line[1]),
            standard_error=float(errors[1]),
        )
    return Transfer(float(line[1]), float(errors[1]), float(line[0]), float(errors[0]), len(means))


def _robust_line(means: np.ndarray, variances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fit intercept and slope by weights that follow the fitted variance; return them and their standard errors."""
    design = np.stack([np.ones_like(means), means], axis=1)
    spread = np.full_like(means, float(np.median(variances)) or 1.0)  # proportional to that of a variance
    least = max(0.5 * float(np.quantile(variances, 0.02)), 1e-9)
    robust = np.ones_like(means)
    line = np.zeros(2)
    for _ in range(_ROUNDS):
        before = line
        line = _weighted(design, variances, robust / np.square(spread))
        spread = np.maximum(design @ line, least)
        relative = (variances - design @ line) / spread
        scatter = float(np.median(np.abs(relative))) / MAD_OF_NORMAL
        robust = np.square(np.clip(1 - np.square(relative / (_BISQUARE * max(scatter, 1e-12))), 0, None))
        if np.allclose(line, before, rtol=1e-9):
            break
    return line, _sandwich(design, variances - design @ line, robust / np.square(spread))


def gain_e_per_adu(view: FramesView) -> Quantity:
    """Return the photoelectrons that make one count, by photon transfer [e⁻/ADU].

    Parameters
    ----------
    view : FramesView
        Frames of one field.

    Returns
    -------
    Quantity
        Reciprocal of the slope of variance over mean and its standard error [e⁻/ADU], with the squares fitted.

    Raises
    ------
    FitError
        The frames do not tell.

    Notes
    -----
    For a photomultiplier the slope holds its excess noise factor F too, so this is the true gain over F.
    """
    slope, error = view.transfer.slope, view.transfer.slope_error
    return Quantity(1 / slope, error / slope**2, view.transfer.blocks)


def offset(view: FramesView) -> Quantity:
    """Mean of the frames without light [count].

    Parameters
    ----------
    view : FramesView
        Frames of one field and dark frames.

    Returns
    -------
    Quantity
        Mean count and its standard error from the scatter between frames [count].

    Raises
    ------
    MissingMetadataError
        There are no dark frames.
    """
    dark = view.dark
    each = dark.mean(axis=(1, 2), dtype=np.float64)
    of_pixels = float(dark[0].std(dtype=np.float64)) / math.sqrt(dark.size)
    between = float(each.std(ddof=1)) / math.sqrt(len(each))
    return Quantity(float(each.mean()), max(of_pixels, between), dark.size)


def read_noise(view: FramesView) -> Quantity:
    """Return the standard deviation of a pixel in the dark, from frame to frame [count].

    Parameters
    ----------
    view : FramesView
        Frames of one field and dark frames.

    Returns
    -------
    Quantity
        Root of the mean variance and its standard error [count].

    Raises
    ------
    MissingMetadataError
        There are no dark frames.
    FitError
        All dark frames are equal: the offset cuts the noise away.

    Notes
    -----
    Rounding to whole counts adds 1/12 count², which is taken off. Fixed pattern and a drift of the offset are no noise here;
    dark current is.
    """
    dark = view.dark
    half_squares = _half_squares(dark, (0, 1))
    variance = float(half_squares.mean()) - (1 / 12 if np.issubdtype(dark.dtype, np.integer) else 0.0)
    if variance <= 0:
        raise FitError(
            "The dark frames do not vary, so the read noise cannot be told.",
            hint="Raise the offset of the detector until no dark pixel is at zero.",
        )
    error = float(half_squares.std(dtype=np.float64)) / math.sqrt(half_squares.size)
    return Quantity(math.sqrt(variance), error / (2 * math.sqrt(variance)), half_squares.size)


def photobleaching(view: FramesView) -> Quantity:
    """Signal lost from each frame to the next [%].

    Parameters
    ----------
    view : FramesView
        Frames of one field.

    Returns
    -------
    Quantity
        Loss a frame, from an exponential fitted to the mean count of each frame, and its standard error [%]; below 0 where
        the signal grows.

    Raises
    ------
    AxesError
        There are fewer than three frames.
    FitError
        A frame is black.

    Notes
    -----
    The offset of the detector is part of the counts whether or not there are dark frames, so that the series has no step
    where a facility takes its first ones. The signal above an offset o is lost faster, by mean / (mean − o).
    """
    count = len(view.frames)
    if count < 3:
        raise AxesError("Bleaching is told from at least three frames.", hint="Take more frames of the same field.")
    signal = view.frames.mean(axis=(1, 2), dtype=np.float64)
    if signal.min() <= 0:
        raise FitError("A frame has no signal.", hint="Check that the light was on for all frames.")
    place = np.arange(count) - (count - 1) / 2
    logs = np.log(signal)
    rate = float(place @ logs) / float(place @ place)
    residuals = logs - logs.mean() - rate * place
    error = math.sqrt(float(residuals @ residuals) / (count - 2) / float(place @ place))
    kept = math.exp(rate)
    return Quantity(100 * (1 - kept), 100 * kept * error, count)


def squares_of(frames: np.ndarray, *, largest_count: int) -> np.ndarray:
    """Return mean and variance over time of each square of a field that has no clipped pixel.

    Parameters
    ----------
    frames : ndarray, shape (T, Y, X)
        Counts of a field that does not move, at least two frames.
    largest_count : int
        Count at which the detector saturates.

    Returns
    -------
    ndarray, shape (2, squares)
        Means [count] and variances [count²] of squares of 8 × 8 pixels, unbiased and free of what a square's pixels have in
        common; squares with a pixel at 0 or at saturation are left out.
    """
    rows, columns = (size // SQUARE_PX for size in frames.shape[1:])
    cut = frames[:, : rows * SQUARE_PX, : columns * SQUARE_PX]
    shape = (rows, SQUARE_PX, columns, SQUARE_PX)
    variance = _half_squares(cut.reshape(len(frames), *shape), (1, 3))
    clipped = (cut.min(axis=0) <= 0) | (cut.max(axis=0) >= largest_count)
    usable = ~clipped.reshape(shape).any(axis=(1, 3))
    mean = cut.mean(axis=0, dtype=np.float64).reshape(shape)
    return np.stack([part.mean(axis=(1, 3))[usable] for part in (mean, variance)])


def _half_squares(frames: np.ndarray, together: tuple[int, ...]) -> np.ndarray:
    """Return the mean over time of half the squared differences of successive frames, whose mean is the variance.

    Their mean over the axes `together` of a frame is taken off before: it is no noise of single pixels.
    """
    total = np.zeros(frames.shape[1:])
    for before, after in pairwise(frames):
        change = after.astype(np.float64) - before
        change -= change.mean(axis=together, keepdims=True)
        total += np.square(change)
    pixels = math.prod(frames.shape[1 + axis] for axis in together)
    return np.asarray(total * (0.5 * pixels / max(pixels - 1, 1) / (len(frames) - 1)))


def _weighted(design: np.ndarray, values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    weighted = design * weights[:, np.newaxis]
    return np.asarray(np.linalg.lstsq(weighted.T @ design, weighted.T @ values, rcond=None)[0])


def _sandwich(design: np.ndarray, residuals: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return standard errors of a weighted fit from its residuals."""
    weighted = design * weights[:, np.newaxis]
    bread = np.linalg.pinv(weighted.T @ design)
    scores = weighted * residuals[:, np.newaxis]
    used = max(len(residuals) - 2, 1) / len(residuals)
    return np.asarray(np.sqrt(np.diag(bread @ (scores.T @ scores) @ bread) / used))
