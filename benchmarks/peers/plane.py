"""All figures of a plane and of a pair by numpy, scipy and scikit-image at their best.

Written as a careful user of these libraries writes it who wants speed: one histogram for all that follows from one,
one pair of Sobel filters for all that needs them, single precision where the libraries keep it, 8 bits for the
co-occurrence.
With `dtype=np.float64` the same composition is exact, to compare values with.
"""

from __future__ import annotations

import math
from functools import cached_property

import numpy as np
from scipy import ndimage
from skimage.feature import graycomatrix, graycoprops
from skimage.filters import threshold_otsu
from skimage.metrics import mean_squared_error, structural_similarity

TEXTURES = ("homogeneity", "contrast", "dissimilarity", "energy", "correlation", "entropy")
_MAD_OF_NORMAL = 0.6744897501960817
# Daubechies' db2, high-pass (scikit-image's `estimate_sigma` takes it from PyWavelets)
_DB2 = (-0.48296291314453416, 0.8365163037378079, -0.2241438680420134, -0.12940952255126037)


class PlanePeer:
    """One plane; what several figures need is made once.

    Parameters
    ----------
    plane : ndarray of uint16, shape (Y, X)
        Counts.
    bit_depth : int
        Effective bit depth [bit].
    dtype : type
        Precision of the filters.
    """

    def __init__(self, plane: np.ndarray, *, bit_depth: int, dtype: type = np.float32) -> None:
        self.plane, self.bit_depth, self.dtype = plane, bit_depth, dtype
        self.largest = 2**bit_depth - 1
        self.scale = 255.0 / self.largest

    @cached_property
    def eight(self) -> np.ndarray:
        """The plane in the 8-bit equivalent."""
        return np.multiply(self.plane, self.scale, dtype=self.dtype)

    @cached_property
    def histogram(self) -> np.ndarray:
        """Pixels of each count."""
        return np.bincount(self.plane.ravel(), minlength=self.largest + 1)

    @cached_property
    def modulus(self) -> np.ndarray:
        """Sobel gradient modulus."""
        across, down = ndimage.sobel(self.eight, 1), ndimage.sobel(self.eight, 0)
        across *= across
        down *= down
        across += down
        return np.sqrt(across, out=across)

    def moments(self) -> list[float]:
        """Return mean, standard deviation and their ratio."""
        mean, std = float(self.plane.mean()) * self.scale, float(self.plane.std()) * self.scale
        return [mean, std, std / mean]

    def shared_moments(self) -> list[float]:
        """Return the same from the histogram, for whoever has one already."""
        counts = np.arange(self.histogram.size)
        mean = float(counts @ self.histogram) / self.plane.size
        std = math.sqrt(float(np.square(counts - mean) @ self.histogram) / self.plane.size)
        return [mean * self.scale, std * self.scale, std / mean]

    def clipped(self) -> list[float]:
        """Return the parts at full scale and at zero."""
        return [float(self.histogram[-1]) / self.plane.size, float(self.histogram[0]) / self.plane.size]

    def levels(self) -> list[float]:
        """Return background and SNR of the histogram and the noise."""
        counts = np.arange(self.histogram.size)
        threshold = threshold_otsu(hist=(self.histogram, counts))
        above = counts > threshold
        signal = counts[above] @ self.histogram[above] / self.histogram[above].sum()
        below = self.histogram[: int(threshold) + 1].astype(float)
        low = np.arange(below.size)
        spread = math.sqrt(float(np.square(low - low @ below / below.sum()) @ below) / below.sum())
        smooth = ndimage.gaussian_filter1d(below, max(0.5, 1.06 * spread * below.sum() ** -0.2), mode="constant")
        background = float(np.argmax(smooth))
        return [background, 20 * math.log10((signal - background) * self.scale / self.noise)]

    @cached_property
    def noise(self) -> float:
        """Noise by the finest diagonal wavelet details, every second line left out between the two filters."""
        padded = np.pad(self.eight, 3, mode="symmetric")
        lines = ndimage.convolve1d(padded, _DB2, axis=0, origin=-1)[3::2]
        details = np.abs(ndimage.convolve1d(lines, _DB2, axis=1, origin=-1)[:, 3::2])
        rows, columns = ((size + 3) // 2 for size in self.plane.shape)
        details = details[:rows, :columns]
        return float(np.median(details[details > 0])) / _MAD_OF_NORMAL

    def sharpness(self) -> list[float]:
        """Return the mean gradient modulus."""
        return [float(self.modulus.mean())]

    def focus(self) -> list[float]:
        """Return Laplacian variance and Brenner's figure."""
        step = self.eight[:, 2:] - self.eight[:, :-2]
        step *= step
        return [float(ndimage.laplace(self.eight).var()), float(step.mean())]

    def texture(self) -> list[float]:
        """Return six figures of the co-occurrence of 64 grey levels."""
        levels = (self.plane >> (self.bit_depth - 6)).astype(np.uint8)
        angles = [0, np.pi / 4, np.pi / 2, 3 * np.pi / 4]
        matrix = graycomatrix(levels, [1], angles, levels=64, symmetric=True, normed=True)
        return [float(graycoprops(matrix, name).mean()) for name in TEXTURES]

    def table(self) -> list[float]:
        """Return everything without a reference, passes shared."""
        found = [*self.shared_moments(), *self.clipped(), *self.levels(), self.noise]
        return [*found, *self.sharpness(), *self.focus(), *self.texture()]


def errors(first: PlanePeer, second: PlanePeer) -> list[float]:
    """Return MSE and PSNR."""
    squared = float(mean_squared_error(first.eight, second.eight))
    return [squared, 10 * math.log10(255**2 / squared)]


def gradient_error(first: PlanePeer, second: PlanePeer) -> list[float]:
    """Return MSEMG."""
    return [float(mean_squared_error(first.modulus, second.modulus))]


def similarity(first: PlanePeer, second: PlanePeer) -> list[float]:
    """Return SSIM."""
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    return [float(structural_similarity(first.eight, second.eight, data_range=255, **options))]
