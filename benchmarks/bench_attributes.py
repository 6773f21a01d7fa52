# ruff: noqa: D102 (the methods of both sides are named after the rows of the table)
"""Attributes against the plain composition of numpy, scipy and scikit-image: same image, same run, one thread.

Times are processor time, so that other work on the machine counts for neither side.

Run `python -m benchmarks.bench_attributes [--size 2048] [--repeats 5]`. Every pair of values is checked to be equal within
1e-6 before its time counts. scikit-image's `estimate_sigma` needs PyWavelets; its peer here is the same wavelet by scipy.
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import TYPE_CHECKING

import numba
import numpy as np
import threadpoolctl
from scipy import ndimage
from skimage.feature import graycomatrix, graycoprops
from skimage.filters import threshold_otsu
from skimage.metrics import mean_squared_error, peak_signal_noise_ratio, structural_similarity

from benchmarks.report import Row, compared, write
from metrology.attributes import comparison, glcm, intensity, noise, sharpness
from metrology.attributes.views import PairView, PlaneView

if TYPE_CHECKING:
    from collections.abc import Callable

BIT_DEPTH = 12
TARGET = 20.0
TEXTURES = ("homogeneity", "contrast", "dissimilarity", "energy", "correlation", "entropy")
_DB2 = (-0.48296291314453416, 0.8365163037378079, -0.2241438680420134, -0.12940952255126037)


def _pair(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return two noisy exposures of one cell-like texture, 12 bits in uint16."""
    rng = np.random.default_rng(0)
    field = ndimage.gaussian_filter(rng.normal(size=(size, size)).astype(np.float32), 4)
    truth = 150 + 3000 * ((field - field.min()) / np.ptp(field)) ** 2
    first, second = (np.minimum(rng.poisson(truth), 4095).astype(np.uint16) for _ in range(2))
    return first, second


class Peer:
    """The plain compositions, written as a careful user of the libraries writes them."""

    def __init__(self, first: np.ndarray, second: np.ndarray) -> None:
        self.first, self.second = first, second
        self.scale = 255.0 / (2**BIT_DEPTH - 1)

    def _eight(self, plane: np.ndarray) -> np.ndarray:
        return plane * self.scale

    def moments(self) -> list[float]:
        x = self._eight(self.first)
        mean, std = x.mean(), x.std()
        return [mean, std, std / mean]

    def clipped(self) -> list[float]:
        return [(self.first == 2**BIT_DEPTH - 1).mean(), (self.first == 0).mean()]

    def sharpness(self) -> list[float]:
        return [_modulus(self._eight(self.first)).mean()]

    def focus(self) -> list[float]:
        x = self._eight(self.first)
        return [ndimage.laplace(x).var(), ((x[:, 2:] - x[:, :-2]) ** 2).mean()]

    def texture(self) -> list[float]:
        levels = (self.first >> (BIT_DEPTH - 6)).astype(np.uint8)
        angles = [0, np.pi / 4, np.pi / 2, 3 * np.pi / 4]
        matrix = graycomatrix(levels, [1], angles, levels=64, symmetric=True, normed=True)
        return [float(graycoprops(matrix, name).mean()) for name in TEXTURES]

    def noise(self) -> list[float]:
        x = np.pad(self._eight(self.first), 3, mode="symmetric")
        for axis in (0, 1):
            x = ndimage.convolve1d(x, _DB2, axis=axis, origin=-1)
        details = np.abs(x[3 + 1 - 2 + 1 :: 2, 3 + 1 - 2 + 1 :: 2])
        rows, columns = ((size + 3) // 2 for size in self.first.shape)
        details = details[:rows, :columns]
        return [float(np.median(details[details > 0])) / 0.6744897501960817]

    def signal(self) -> list[float]:
        return [self.first[self.first > threshold_otsu(self.first)].mean()]

    def mse(self) -> list[float]:
        x, y = self._eight(self.first), self._eight(self.second)
        return [mean_squared_error(x, y), peak_signal_noise_ratio(x, y, data_range=255)]

    def msemg(self) -> list[float]:
        return [mean_squared_error(_modulus(self._eight(self.first)), _modulus(self._eight(self.second)))]

    def ssim(self) -> list[float]:
        x, y = self._eight(self.first), self._eight(self.second)
        options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
        return [structural_similarity(x, y, data_range=255, **options)]


def _modulus(image: np.ndarray) -> np.ndarray:
    return np.hypot(ndimage.sobel(image, 0), ndimage.sobel(image, 1))


class Ours:
    """The project's own functions, each on a fresh view, so that nothing is shared between rows."""

    def __init__(self, first: np.ndarray, second: np.ndarray) -> None:
        self.first, self.second = first, second

    def _values(self, *functions: Callable[[PlaneView], object]) -> list[float]:
        view = PlaneView(self.first, bit_depth=BIT_DEPTH)
        return [function(view).value for function in functions]

    def _compared(self, *functions: Callable[[PairView], object]) -> list[float]:
        view = PairView(self.first, self.second, bit_depth=BIT_DEPTH)
        # registration is not part of the comparison: scikit-image's figures take images as they are
        view.counts = tuple(PlaneView(one, bit_depth=BIT_DEPTH).counts for one in (self.first, self.second))
        return [function(view).value for function in functions]

    def moments(self) -> list[float]:
        return self._values(intensity.mean, intensity.std, intensity.cv)

    def clipped(self) -> list[float]:
        return self._values(intensity.saturated_fraction, intensity.zero_fraction)

    def sharpness(self) -> list[float]:
        return self._values(sharpness.sharpness)

    def focus(self) -> list[float]:
        return self._values(sharpness.laplacian_variance, sharpness.brenner)

    def texture(self) -> list[float]:
        return self._values(*(getattr(glcm, name) for name in TEXTURES))

    def noise(self) -> list[float]:
        return self._values(noise.noise)

    def signal(self) -> list[float]:
        return [intensity.mean_signal(PlaneView(self.first, bit_depth=BIT_DEPTH))]

    def mse(self) -> list[float]:
        return self._compared(comparison.mse, comparison.psnr)

    def msemg(self) -> list[float]:
        return self._compared(comparison.msemg)

    def ssim(self) -> list[float]:
        return self._compared(comparison.ssim)

    def plane_table(self) -> list[float]:
        """Everything without a reference on one view, as the worker measures it."""
        functions = [intensity.mean, intensity.std, intensity.cv, intensity.saturated_fraction, intensity.zero_fraction]
        functions += [sharpness.sharpness, sharpness.laplacian_variance, sharpness.brenner]
        functions += [getattr(glcm, name) for name in TEXTURES]
        view = PlaneView(self.first, bit_depth=BIT_DEPTH)
        return [*(function(view).value for function in (*functions, noise.noise)), intensity.mean_signal(view)]


PLANE_ROWS = {
    "moments": "mean, std, cv",
    "clipped": "saturated and zero fraction",
    "sharpness": "Sobel sharpness",
    "focus": "Laplacian variance, Brenner",
    "texture": "GLCM, 6 figures",
    "noise": "noise (db2 wavelet)",
    "signal": "Otsu threshold and mean above",
}
PAIR_ROWS = {"mse": "MSE, PSNR", "msemg": "MSEMG", "ssim": "SSIM"}


def _seconds(function: Callable[[], list[float]], repeats: int) -> float:
    times = []
    for _ in range(repeats):
        started = time.process_time()
        function()
        times.append(time.process_time() - started)
    return statistics.median(times)


def _rows(ours: Ours, peer: Peer, *, repeats: int, size: int) -> list[Row]:
    rows = []
    spent = {"plane": 0.0, "pair": 0.0}
    mine = {"plane": 0.0, "pair": 0.0}
    for name, title in {**PLANE_ROWS, **PAIR_ROWS}.items():
        np.testing.assert_allclose(getattr(ours, name)(), getattr(peer, name)(), rtol=1e-6, err_msg=title)
        times = [_seconds(getattr(side, name), repeats) for side in (ours, peer)]
        rows.append(_row(title, times, size))
        kind = "plane" if name in PLANE_ROWS else "pair"
        mine[kind] += times[0]
        spent[kind] += times[1]
    table = _seconds(ours.plane_table, repeats)
    rows.append(_row("all without a reference, shared passes", [table, spent["plane"]], size, target=TARGET))
    rows.append(_row("all against a reference", [mine["pair"], spent["pair"]], size, target=TARGET))
    whole = [table + mine["pair"], spent["plane"] + spent["pair"]]
    rows.append(_row("whole table", whole, size, target=TARGET))
    return rows


def _row(title: str, times: list[float], size: int, target: float | None = None) -> Row:
    what = f"{title} [CPU ms, {size}×{size} uint16, 1 thread]"
    return compared(
        what, ours=1e3 * times[0], peer=1e3 * times[1], peer_name="scikit-image, scipy, numpy", target=target
    )


def main() -> None:
    """Run the benchmark and write its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=2048, help="side of the image [px]")
    parser.add_argument("--repeats", type=int, default=5, help="runs, of which the median counts")
    given = parser.parse_args()
    first, second = _pair(given.size)
    started = time.perf_counter()
    small = Ours(first[:64, :64].copy(), second[:64, :64].copy())
    small.plane_table()
    small.mse()
    small.ssim()
    compiled = Row("compile, or load from the cache, all kernels [s]", time.perf_counter() - started)
    numba.set_num_threads(1)
    with threadpoolctl.threadpool_limits(1):
        rows = _rows(Ours(first, second), Peer(first, second), repeats=given.repeats, size=given.size)
    write("attributes", [*rows, compiled])


if __name__ == "__main__":
    main()
