from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import MissingMetadataError, TooFewBeadsError
from instruments.optics.resolution import OpticalSettings, Technique, theoretical_resolution
from metrology.attributes import colours
from metrology.attributes.beads import measure_beads
from metrology.attributes.colours import ColourView
from metrology.attributes.measure import Beside, measure_stack
from metrology.imaging.stack import ImageStack, Metadata, Sourced

PIXEL_UM, STEP_UM = 0.08, 0.2
PLACES = [(12.0, 30.0, 30.0), (12.3, 30.4, 90.7), (11.6, 80.2, 40.5), (12.1, 76.8, 95.1)]


def _channel(shift_zyx_px=(0.0, 0.0, 0.0), *, seed=0) -> np.ndarray:
    z, y, x = np.mgrid[:25, :110, :130].astype(float)
    image = np.full(z.shape, 100.0)
    for place in PLACES:
        c = np.add(place, shift_zyx_px)
        image += 2000 * np.exp(-0.5 * (((z - c[0]) / 2.2) ** 2 + ((y - c[1]) / 1.8) ** 2 + ((x - c[2]) / 1.8) ** 2))
    return np.random.default_rng(seed).poisson(image).astype(np.uint16)


def _beads(stack):
    return measure_beads(stack, pixel_size_um=PIXEL_UM, z_step_um=STEP_UM, bit_depth=12).beads


def _optics(emission_nm: float) -> OpticalSettings:
    return OpticalSettings(
        technique=Technique.WIDEFIELD, numerical_aperture=1.2, refractive_index=1.33, emission_nm=emission_nm
    )


OPTICS = (_optics(520.0), _optics(610.0))


@pytest.mark.parametrize("shift", [(0.0, 0.0, 0.0), (0.8, 0.5, -1.2), (-1.5, 0.0, 0.7)])
def test_an_injected_shift_is_found_within_its_errors(shift):
    view = ColourView(_beads(_channel()), _beads(_channel(shift, seed=1)), optics=OPTICS)
    lateral, axial = colours.coregistration_shift_xy(view), colours.coregistration_shift_z(view)
    truth_xy = np.hypot(shift[1], shift[2]) * PIXEL_UM
    assert lateral.value == pytest.approx(truth_xy, abs=max(0.003, 4 * lateral.uncertainty))
    assert axial.value == pytest.approx(abs(shift[0]) * STEP_UM, abs=max(0.005, 4 * axial.uncertainty))
    assert lateral.n == axial.n == 4
    assert 0 < lateral.uncertainty < 0.01
    limits = theoretical_resolution(OPTICS[1])  # of the longer wavelength
    expected = np.hypot(truth_xy / limits.fwhm_lateral_um, shift[0] * STEP_UM / limits.fwhm_axial_um)
    ratio = colours.coregistration_ratio(view)
    assert ratio.value == pytest.approx(expected, abs=max(0.02, 4 * ratio.uncertainty))


COMPONENT = st.floats(-2, 2).filter(lambda value: abs(value) > 1e-3)
AXIS = st.floats(0.1, 3)


@given(shift=st.tuples(COMPONENT, COMPONENT, COMPONENT), lateral=AXIS, axial=AXIS)
def test_the_ratio_is_metrolojs_formula_of_2024(shift, lateral, axial):
    z, y, x = shift
    distance = np.sqrt(x * x + y * y + z * z)
    theta, phi = np.arccos(z / distance), np.arccos(x / np.hypot(x, y))
    across = lateral * axial * np.cos(phi) * np.sin(theta), lateral * axial * np.sin(phi) * np.sin(theta)
    reference = lateral * lateral * axial / np.sqrt(across[0] ** 2 + across[1] ** 2 + (lateral**2 * np.cos(theta)) ** 2)
    found = colours.ellipsoid_ratio(np.array([z / axial, y / lateral, x / lateral]))
    assert found == pytest.approx(distance / reference, rel=1e-9)


def test_without_optics_there_is_a_shift_but_no_ratio():
    view = ColourView(_beads(_channel()), _beads(_channel(seed=1)))
    assert colours.coregistration_shift_xy(view).value < 0.01
    with pytest.raises(MissingMetadataError, match="ellipsoid"):
        colours.coregistration_ratio(view)


def test_beads_that_only_one_channel_shows_are_left_out():
    first, other = _beads(_channel()), _beads(_channel(seed=1))
    assert colours.coregistration_shift_xy(ColourView(first, other[:2])).n == 2
    for pair in ((first, ()), ((), other)):
        with pytest.raises(TooFewBeadsError, match="both channels"):
            colours.coregistration_shift_xy(ColourView(*pair))


def test_a_stack_of_two_channels_gives_figures_of_the_second_against_the_first():
    metadata = Metadata().with_fields(pixel_size_um=Sourced(PIXEL_UM, "test"), z_step_um=Sourced(STEP_UM, "test"))
    stack = ImageStack(np.stack([_channel(), _channel((0.0, 1.0, 0.0), seed=1)])[np.newaxis], metadata)
    measured = measure_stack(stack, standard_kind="multicolour_beads", beside=Beside(optics=OPTICS))
    found = {one.attribute_id: one for one in measured.readings if one.attribute_id.startswith("coregistration")}
    assert {one.channel for one in found.values()} == {1}
    assert set(found) == {"coregistration_shift_xy", "coregistration_shift_z", "coregistration_ratio"}
    assert found["coregistration_shift_xy"].value == pytest.approx(PIXEL_UM, rel=0.05)
    without = measure_stack(stack, standard_kind="multicolour_beads")
    assert "coregistration_ratio" not in {one.attribute_id for one in (*without.readings, *without.failures)}


def test_a_single_channel_asked_for_by_name_is_refused():
    measured = measure_stack(
        ImageStack(_channel()[np.newaxis, np.newaxis]), standard_kind=None, attribute_ids=["coregistration_shift_xy"]
    )
    assert "two channels" in measured.failures[0].message
