"""Tissue textures have the structures that they imitate, at their sizes."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from instruments.simulator.specimens import Standard
from instruments.simulator.tissue import convallaria, kidney

SHAPE = (192, 224)


@pytest.mark.parametrize(("make", "standard"), [(convallaria, Standard.CONVALLARIA), (kidney, Standard.KIDNEY)])
def test_a_seed_is_a_field_of_view_of_concentrations_between_0_and_1(make, standard):
    first, again, other = (make(seed=seed, shape=SHAPE) for seed in (1, 1, 2))
    assert first.standard is standard
    assert first.shape == SHAPE
    np.testing.assert_array_equal(first.density, again.density)
    assert abs(np.corrcoef(first.density.ravel(), other.density.ravel())[0, 1]) < 0.2
    assert first.density.min() >= 0.0
    assert first.density.max() <= 1.0
    assert first.density.std() > 0.08


def test_convallaria_has_large_dim_cells_and_a_bundle_of_small_bright_ones():
    density = convallaria(seed=5, shape=(256, 256)).density[0]
    cells, number = ndimage.label(density < 0.2)
    areas_um2 = ndimage.sum_labels(np.ones_like(density), cells, np.arange(1, number + 1)) * 0.4**2
    assert np.sum((areas_um2 > 10.0) & (areas_um2 < 60.0)) >= 15
    assert np.sum((areas_um2 > 120.0) & (areas_um2 < 600.0)) >= 4
    brightness = ndimage.gaussian_filter(density, 20.0)
    assert brightness.max() > 2.0 * np.median(brightness)


def test_kidney_has_dark_lumens_and_round_nuclei():
    density = kidney(seed=5, shape=(256, 256)).density[0]
    _, number = ndimage.label(ndimage.binary_opening(density < 0.05, iterations=2))
    assert number >= 3
    nuclei, _ = ndimage.label(ndimage.binary_opening(ndimage.median_filter(density, 5) > 0.8, iterations=2))
    areas_um2 = np.bincount(nuclei.ravel())[1:] * 0.4**2
    round_ones = areas_um2[(areas_um2 > 8.0) & (areas_um2 < 40.0)]
    assert len(round_ones) >= 20
    assert np.median(round_ones) == pytest.approx(np.pi * 2.6**2, rel=0.35)
