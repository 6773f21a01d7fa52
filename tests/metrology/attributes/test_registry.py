"""Which way a change of each quantity is a loss: every verdict rests on it."""

from __future__ import annotations

import pytest

from metrology.attributes.registry import ATTRIBUTES

UP = {
    "cv", "background", "saturated_fraction", "zero_fraction", "noise", "mse", "msemg", "registration_shift",
    "fwhm_lateral_x", "fwhm_lateral_y", "fwhm_axial", "resolution_decorrelation", "resolution_frc", "resolution_frc_split",
    "bidirectional_shift", "linestep_index", "photobleaching", "read_noise", "metroloj_cv",
    "fwhm_ratio_lateral_x", "fwhm_ratio_lateral_y", "fwhm_ratio_axial", "metroloj_fwhm_lateral_x", "metroloj_fwhm_lateral_y",
    "metroloj_fwhm_axial", "astigmatism", "axial_asymmetry", "coregistration_shift_xy", "coregistration_shift_z",
    "coregistration_ratio", "edge_width_10_90", "axial_profile_width", "tile_intensity_range", "tilt_per_mm",
    "seam_contrast", "field_cv", "field_cv_robust",
}  # fmt: skip
DOWN = {
    "mean", "snr", "sharpness", "laplacian_variance", "brenner", "glcm_homogeneity", "psnr", "ssim", "lateral_asymmetry",
    "field_uniformity", "field_uniformity_robust", "field_evenness", "field_centring", "corner_ratio",
    "sbr", "marble_roundness", "marble_contrast", "field_centring_robust", "laser_power", "power_stability",
    "power_linearity",
}  # fmt: skip
NONE = {
    "std", "glcm_contrast", "glcm_dissimilarity", "glcm_energy", "glcm_correlation", "glcm_entropy", "bead_count",
    "gain_e_per_adu", "offset", "marble_diameter", "brightest_slice",
}  # fmt: skip


def test_every_quantity_has_its_harmful_direction_stated_here():
    assert set(ATTRIBUTES) == UP | DOWN | NONE


@pytest.mark.parametrize(
    ("attribute_id", "harmful"),
    [(one, way) for way, ids in (("up", UP), ("down", DOWN), ("none", NONE)) for one in sorted(ids)],
)
def test_a_change_harms_in_the_stated_direction(attribute_id, harmful):
    assert ATTRIBUTES[attribute_id].harmful == harmful
