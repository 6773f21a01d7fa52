"""The instruments of the demonstration facility age as their story says."""

from __future__ import annotations

import pytest

from common.errors import UnknownInstrumentError
from instruments.optics.resolution import OpticalSettings, Technique
from instruments.optics.sampling import nyquist_sampling
from instruments.simulator.ageing import parameter_of
from instruments.simulator.fleet import INSTRUMENTS, instrument_named
from instruments.simulator.specimens import Standard


def test_the_facility_has_three_zeiss_microscopes_with_different_serial_numbers():
    assert [instrument.name for instrument in INSTRUMENTS] == ["LSM 510", "LSM 780", "LSM 880"]
    assert {instrument.manufacturer for instrument in INSTRUMENTS} == {"Zeiss"}
    assert len({instrument.serial_number for instrument in INSTRUMENTS}) == 3


def test_the_510_scans_multialkali_and_gaasp_at_once():
    internal, outer = instrument_named("LSM 510").detectors
    assert (internal.kind, internal.quantum_efficiency) == ("MultiAlkali", 0.25)
    assert (outer.kind, outer.quantum_efficiency) == ("GaAsP", 0.40)


def test_the_510_is_healthy_until_week_32_and_then_only_its_internal_detector_and_spherical_aberration_age():
    microscope = instrument_named("LSM 510").microscope
    assert microscope.state_at(32.0) == microscope.initial
    old = microscope.state_at(60.0)
    assert old.detectors[1] == microscope.initial.detectors[1]
    ratios = {
        name: parameter_of(old, f"detectors.ChS1.{name}") / parameter_of(microscope.initial, f"detectors.ChS1.{name}")
        for name in ("quantum_efficiency", "gain_counts", "read_noise_counts")
    }
    assert ratios["quantum_efficiency"] == pytest.approx(0.7146, abs=1e-3)  # exp(−0.012 × 28)
    assert ratios["gain_counts"] == pytest.approx(0.6757, abs=1e-3)  # exp(−0.014 × 28)
    assert ratios["read_noise_counts"] == pytest.approx(3.525, abs=1e-2)  # exp(0.045 × 28)
    assert old.aberrations.spherical_nm == pytest.approx(12.0 + 3.2 * 28.0)
    assert old.scanner == microscope.initial.scanner


def test_the_780_never_changes():
    microscope = instrument_named("LSM 780").microscope
    assert len(microscope.services) == 1
    assert all(microscope.state_at(week) == microscope.initial for week in range(61))


def test_the_880_is_off_from_week_24_to_its_repair_in_week_30_and_then_as_before():
    microscope = instrument_named("LSM 880").microscope
    changed = [week for week in range(61) if microscope.state_at(week) != microscope.initial]
    assert changed == [24, 25, 26, 27, 28, 29]
    ill = microscope.state_at(25.0)
    assert ill.collection == pytest.approx(0.68)
    assert ill.scanner.bidirectional_shift_px == 1.4


@pytest.mark.parametrize("instrument", INSTRUMENTS, ids=lambda instrument: instrument.name)
def test_bead_stacks_are_sampled_finely_enough_to_fit_their_width(instrument):
    microscope = instrument.microscope
    limit = nyquist_sampling(
        OpticalSettings(
            technique=microscope.technique,
            numerical_aperture=microscope.numerical_aperture,
            refractive_index=microscope.refractive_index,
            excitation_nm=microscope.excitation_nm,
            emission_nm=microscope.emission_nm,
        )
    )
    recipe = instrument.recipe(Standard.BEADS)
    # an open confocal point spread is one intensity, not a product of two: twice the step
    slack = 2.0 if instrument.technique is Technique.CONFOCAL else 1.1
    assert recipe.pixel_size_um <= slack * limit.pixel_size_um
    assert recipe.exposure.z_step_um <= 1.3 * slack * limit.z_step_um


def test_an_unknown_instrument_is_refused_with_the_names_of_the_known_ones():
    with pytest.raises(UnknownInstrumentError, match="LSM 780"):
        instrument_named("LSM 980")
