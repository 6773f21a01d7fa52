"""The programme of the demonstration facility is complete, reproducible and shows what happened."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import pickle

import numpy as np
import pytest
from scipy import ndimage
from skimage.registration import phase_cross_correlation

from common.errors import UnknownInstrumentError
from instruments.simulator.acquisition import Defect
from instruments.simulator.schedule import BAD_ACQUISITIONS, demo_facility, paired_fields, simulate
from instruments.simulator.specimens import Standard


@pytest.fixture(scope="module")
def plan():
    return demo_facility()


@pytest.fixture(scope="module")
def scans(plan):
    return {scan.label: scan for scan in plan.scans}


def test_each_instrument_scans_marbles_weekly_and_beads_monthly_for_60_weeks(plan):
    for instrument in plan.instruments:
        mine = [scan for scan in plan.scans if scan.instrument == instrument.name]
        marbles = sorted(int(scan.week) for scan in mine if scan.standard is Standard.MARBLES)
        beads = sorted(int(scan.week) for scan in mine if scan.standard is Standard.BEADS)
        assert marbles == list(range(60))
        assert beads == list(range(0, 60, 4))


def test_scans_are_in_order_of_time_with_a_file_name_each(plan):
    weeks = [scan.week for scan in plan.scans]
    assert weeks == sorted(weeks)
    assert len({scan.file_name for scan in plan.scans}) == len(plan.scans) == 225


def test_two_services_and_six_bad_acquisitions_are_planned(plan):
    assert [(visit.instrument, visit.service.week) for visit in plan.services] == [("LSM 880", 30.0), ("LSM 780", 40.0)]
    bad = {(scan.instrument, int(scan.week)): scan.defect for scan in plan.scans if scan.defect is not None}
    assert bad == BAD_ACQUISITIONS
    assert set(bad.values()) == set(Defect)


def test_a_scan_depends_on_nothing_but_its_entry(scans):
    scan = scans["LSM 510 marbles week 40"]
    first = simulate(scan)
    simulate(scans["LSM 880 marbles week 02"])
    np.testing.assert_array_equal(simulate(pickle.loads(pickle.dumps(scan))).planes, first.planes)  # noqa: S301  # own data
    other = simulate(scans["LSM 510 marbles week 41"])
    assert np.mean(first.planes == other.planes) < 0.3


def test_the_seed_is_the_hash_of_the_file_name_on_every_machine(scans):
    scan = scans["LSM 780 beads week 04"]
    assert scan.seed == int(hashlib.sha256(b"lsm780_beads_w04.ome.tif").hexdigest()[:16], 16)


def test_the_same_marbles_are_found_again_each_week_within_the_reach_of_the_stage(scans):
    pixel_um = 0.16
    first, later = (simulate(scans[f"LSM 780 marbles week {week:02d}"]).planes[0, 0].astype(float) for week in (0, 9))
    shift_px, *_ = phase_cross_correlation(first, later, upsample_factor=20)
    assert 0 < np.abs(shift_px).max() * pixel_um < 2.0
    aligned = ndimage.shift(later, shift_px, order=1)
    assert np.corrcoef(aligned[16:-16, 16:-16].ravel(), first[16:-16, 16:-16].ravel())[0, 1] > 0.98


def mean_signal(scan, channel=0):
    return simulate(scan).planes[channel].mean() - 40.0


def series(scans, name, weeks, channel=0):
    return np.array([mean_signal(scans[f"{name} marbles week {week:02d}"], channel) for week in weeks])


def test_a_healthy_instrument_repeats_its_marble_signal_within_five_percent(scans):
    signal = series(scans, "LSM 780", range(12))
    assert 0.01 < signal.std() / signal.mean() < 0.05


def test_the_aged_internal_detector_loses_signal_gradually_and_more_than_the_other(scans):
    new, middle, old = (
        [series(scans, "LSM 510", weeks, channel).mean() for channel in (0, 1)]
        for weeks in ((0, 1, 2), (44, 46, 47), (57, 58, 59))
    )
    assert new[0] > middle[0] > old[0]
    assert old[0] < 0.5 * new[0]
    assert old[0] / new[0] < 0.65 * old[1] / new[1]


def test_the_880_falls_and_recovers(scans):
    before, ill, after = (
        series(scans, "LSM 880", weeks).mean() for weeks in ((20, 21, 22), (25, 26, 27), (31, 32, 33))
    )
    assert 0.50 < ill / before < 0.68  # 0.68 past the pinhole's rim, less what astigmatism spreads beyond it
    assert after / before == pytest.approx(1.0, abs=0.06)


def test_bead_stacks_hold_planes_enough_and_do_not_saturate(scans):
    for name, channels in (("LSM 510", 2), ("LSM 780", 1), ("LSM 880", 1)):
        acquired = simulate(scans[f"{name} beads week 00"])
        assert acquired.planes.shape == (channels, 31, 128, 128)
        assert acquired.z_step_um is not None
        assert 800 < acquired.planes.max() < 4000


def test_paired_fields_alternate_tissues_and_never_repeat_a_field():
    pairs = paired_fields(n=4, shape=(96, 128))
    assert [scan.standard for scan in pairs] == [Standard.CONVALLARIA, Standard.KIDNEY] * 2
    assert len({scan.seed for scan in pairs}) == 4
    assert all(a.week < b.week for a, b in itertools.pairwise(pairs))
    acquired = simulate(pairs[1])
    assert acquired.planes.shape == (2, 1, 96, 128)
    truth = acquired.truth.photons[0]
    likeness = [np.corrcoef(plane.ravel(), truth.ravel())[0, 1] for plane in acquired.planes[:, 0].astype(float)]
    assert likeness[0] < 0.8 < likeness[1]


@pytest.mark.parametrize("standard", [Standard.SLIDE, Standard.CONVALLARIA, Standard.KIDNEY])
def test_every_standard_can_be_scanned_on_every_instrument(scans, standard):
    for name in ("LSM 510", "LSM 780", "LSM 880"):
        scan = dataclasses.replace(scans[f"{name} marbles week 00"], standard=standard, shape=(64, 64))
        planes = simulate(scan).planes
        assert 100 < planes.max() <= 4095
        assert np.mean(planes == 4095) < 0.01


def test_a_scan_of_an_unknown_instrument_is_refused(scans):
    with pytest.raises(UnknownInstrumentError):
        simulate(dataclasses.replace(scans["LSM 510 marbles week 00"], instrument="LSM 1"))
