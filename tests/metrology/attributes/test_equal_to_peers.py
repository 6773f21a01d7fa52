"""Every plane attribute equals the plain composition of numpy, scipy and scikit-image within 1e-6."""

from __future__ import annotations

import math

import numba
import numpy as np
import pytest
from scipy import ndimage
from skimage.feature import graycomatrix, graycoprops
from skimage.filters import threshold_otsu
from skimage.metrics import mean_squared_error, peak_signal_noise_ratio, structural_similarity

from metrology.attributes import comparison, glcm, intensity, kernels, noise, sharpness, similarity
from metrology.attributes.views import PairView, PlaneView
from metrology.imaging.readers import read

CLOSE = 1e-6


def _images(rng) -> dict[str, tuple[np.ndarray, int]]:
    return {
        "uniform noise": (rng.integers(0, 4096, (64, 97)).astype(np.uint16), 12),
        "8 bit": (rng.poisson(20, (50, 41)).clip(0, 255).astype(np.uint8), 8),
        "16 bit": (rng.integers(0, 65536, (33, 40)).astype(np.uint16), 16),
        "smallest": (rng.integers(0, 1024, (8, 8)).astype(np.uint16), 10),
        "several blocks of rows": (rng.poisson(900, (300, 21)).astype(np.uint16), 12),
        "fractional counts": (rng.gamma(3, 200, (45, 60)), 14),
    }


IMAGES = _images(np.random.default_rng(2))


@pytest.fixture(params=IMAGES)
def case(request) -> tuple[np.ndarray, PlaneView]:
    plane, depth = IMAGES[request.param]
    view = PlaneView(plane, bit_depth=depth)
    return plane.astype(np.float64) * view.scale, view


def _check_plane(scaled: np.ndarray, view: PlaneView) -> None:
    slopes = np.hypot(ndimage.sobel(scaled, 0), ndimage.sobel(scaled, 1))
    steps = scaled[:, 2:] - scaled[:, :-2]
    expected = {
        intensity.mean: scaled.mean(),
        intensity.std: scaled.std(),
        intensity.cv: scaled.std() / scaled.mean(),
        sharpness.sharpness: slopes.mean(),
        sharpness.laplacian_variance: ndimage.laplace(scaled).var(),
        sharpness.brenner: (steps**2).mean(),
    }
    for function, value in expected.items():
        assert function(view).value == pytest.approx(value, rel=CLOSE), function.__name__


def _check_texture(scaled: np.ndarray, view: PlaneView) -> None:
    levels = np.minimum(np.floor(64 * scaled / 255 + 1e-12), 63).astype(np.uint8)
    angles = [0, np.pi / 4, np.pi / 2, 3 * np.pi / 4]
    matrix = graycomatrix(levels, [1], angles, levels=64, symmetric=True, normed=True)
    for name in ("homogeneity", "contrast", "dissimilarity", "energy", "correlation", "entropy"):
        expected = float(graycoprops(matrix, name).mean())
        assert getattr(glcm, name)(view).value == pytest.approx(expected, rel=CLOSE), name


def test_intensity_and_sharpness_equal_numpy_and_scipy(case):
    _check_plane(*case)


def test_texture_equals_scikit_image(case):
    _check_texture(*case)


@pytest.mark.real_data
@pytest.mark.parametrize(
    "name",
    ["field/lsm_homogeneous_488.tif", "specimens/convallaria_488_noisy.tif", "paired/fmd_confocal/noisy/fish.tif"],
)
def test_real_planes_equal_numpy_scipy_and_scikit_image(real_data, name):
    stack = read(real_data / name)
    view = PlaneView(stack.plane(), bit_depth=stack.bit_depth)
    scaled = stack.plane().astype(np.float64) * view.scale
    _check_plane(scaled, view)
    _check_texture(scaled, view)


# Goldens: skimage.restoration.estimate_sigma (scikit-image 0.26, PyWavelets 1.9) on the same arrays, in counts
def test_noise_equals_scikit_images_estimate_on_generated_planes():
    rng = np.random.default_rng(7)
    goldens = ((rng.integers(0, 4096, (64, 96)), 1192.9936283369964), (rng.poisson(300, (101, 77)), 15.974564678648528))
    for plane, expected in goldens:
        view = PlaneView(plane.astype(np.uint16), bit_depth=12)
        assert noise.noise(view).value / view.scale == pytest.approx(expected, rel=CLOSE)


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("field/lsm_homogeneous_488.tif", 2.2966073320259324),
        ("specimens/convallaria_488_noisy.tif", 98.20969686221002),
        ("paired/w2s/noisy/fov_001.tif", 16.645771739960022),
        ("paired/fmd_confocal/noisy/fish.tif", 9.817369452792116),
    ],
)
def test_noise_equals_scikit_images_estimate_on_real_planes(real_data, name, expected):
    stack = read(real_data / name)
    view = PlaneView(stack.plane(), bit_depth=stack.bit_depth)
    assert noise.noise(view).value / view.scale == pytest.approx(expected, rel=CLOSE)


def test_clipped_fractions_count_pixels_at_the_ends_of_the_range():
    plane = np.full((10, 10), 100, np.uint16)
    plane[0, :3], plane[1, :7] = 4095, 0
    view = PlaneView(plane, bit_depth=12)
    assert intensity.saturated_fraction(view).value == 0.03
    assert intensity.zero_fraction(view).value == 0.07


def test_signal_above_otsu_equals_scikit_images_threshold(textured_pair):
    plane = textured_pair[0]
    view = PlaneView(plane, bit_depth=12)
    assert intensity.mean_signal(view) == pytest.approx(plane[plane > threshold_otsu(plane)].mean(), rel=CLOSE)


def _check_pair(view: PairView, reference: np.ndarray, plane: np.ndarray) -> None:
    x, y = (image.astype(np.float64) * view.scale for image in (reference, plane))
    slope_x, slope_y = (np.hypot(ndimage.sobel(image, 0), ndimage.sobel(image, 1)) for image in (x, y))
    structure = structural_similarity(
        x, y, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    assert comparison.mse(view).value == pytest.approx(mean_squared_error(x, y), rel=CLOSE)
    assert comparison.msemg(view).value == pytest.approx(((slope_x - slope_y) ** 2).mean(), rel=CLOSE)
    assert comparison.psnr(view).value == pytest.approx(peak_signal_noise_ratio(x, y, data_range=255), rel=CLOSE)
    assert comparison.ssim(view).value == pytest.approx(structure, rel=CLOSE)


def test_comparisons_equal_scikit_image(textured_pair):
    view = PairView(*textured_pair, bit_depth=12)
    assert math.hypot(*view.registration.shift_yx_px) < 0.5
    _check_pair(view, *textured_pair)


def test_comparisons_of_fractional_with_whole_counts_equal_scikit_image(textured_pair):
    first, second = textured_pair[0] + 0.25, textured_pair[1]
    _check_pair(PairView(first, second, bit_depth=12), first, second)


@pytest.mark.real_data
def test_comparisons_of_real_pairs_equal_scikit_image(real_data):
    for folder, name in (("w2s", "fov_001.tif"), ("fmd_confocal", "bpae_b.tif")):
        clean, noisy = (read(real_data / "paired" / folder / kind / name).plane() for kind in ("clean", "noisy"))
        view = PairView(clean, noisy, bit_depth=8)
        _check_pair(view, *view.counts)


def test_no_result_depends_on_the_number_of_threads(textured_pair):
    first, second = (kernels.as_kernel_plane(np.tile(image, (3, 2))) for image in textured_pair)
    runs = []
    before = numba.get_num_threads()
    try:
        for threads in (1, numba.config.NUMBA_NUM_THREADS):
            numba.set_num_threads(threads)
            runs.append(
                [
                    kernels.histogram(first, 4096),
                    kernels.gradients(first),
                    kernels.cooccurrence(first, 64 / 4095),
                    kernels.diagonal_details(first),
                    kernels.differences(first, second),
                    similarity.structural_similarity(first, second, 1600.0, 15000.0),
                ]
            )
    finally:
        numba.set_num_threads(before)
    for one, other in zip(*runs, strict=True):
        np.testing.assert_array_equal(one, other)
