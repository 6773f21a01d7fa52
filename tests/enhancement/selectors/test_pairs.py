"""Pairs come from two detectors first, then from one field scanned twice."""

from __future__ import annotations

import numpy as np
import pytest

from enhancement.selectors.pairs import pair_sets, preferred_pairs
from tests.factories import catalogue
from tests.factories import enhancement as made

pytestmark = pytest.mark.django_db


def low_and_high(instrument, folder, name, **fields):
    random = np.random.default_rng(abs(hash(name)) % 1000)
    for role in ("low", "high"):
        pixels = random.integers(0, 4000, (64, 64), np.uint16)
        made.acquisition(instrument, pixels, folder, axes="YX", field_of_view=name, field_role=role, **fields)


def test_the_detector_that_loses_more_photons_is_the_input(tmp_path):
    instrument = made.two_detector_instrument(tmp_path, fields=3)
    for channel in instrument.optical_paths.get().channels.all():
        channel.detector.quantum_efficiency = 0.4 if channel.index == 0 else 0.2
        channel.detector.save()
    (found,) = pair_sets(instrument)
    assert (found.input_channel, found.target_channel) == (1, 0)
    assert "20%" in found.because
    assert found.is_enough


def test_without_known_efficiencies_the_first_channel_is_the_input(tmp_path):
    instrument = made.two_detector_instrument(tmp_path, fields=3)
    instrument.detectors.update(quantum_efficiency=None)
    (found,) = pair_sets(instrument)
    assert (found.input_channel, found.target_channel) == (0, 1)
    assert "not catalogued" in found.because


def test_two_detectors_are_preferred_unless_they_saw_too_few_fields(tmp_path):
    instrument = made.two_detector_instrument(tmp_path, fields=3)
    for index in range(4):
        low_and_high(instrument, tmp_path, f"f{index}")
    assert [entry.source for entry in pair_sets(instrument)] == ["channels", "fields"]
    assert preferred_pairs(instrument).source == "channels"
    assert preferred_pairs(instrument, "fields").source == "fields"
    instrument.acquisitions.filter(field_of_view="field 00").update(validity="invalid")
    assert preferred_pairs(instrument).source == "fields"


def test_what_is_not_measured_not_valid_or_not_tissue_is_left_out(tmp_path):
    instrument = made.two_detector_instrument(tmp_path, fields=3)
    beads = made.tissue(instrument)
    beads.kind = "beads"
    beads.save()
    first, second, third = instrument.acquisitions.order_by("pk")
    type(first).objects.filter(pk=first.pk).update(state="failed")
    type(first).objects.filter(pk=second.pk).update(standard=beads)
    (found,) = pair_sets(instrument)
    assert [pair.raw.acquisition for pair in found.pairs] == [third]
    assert not found.is_enough


def test_a_field_without_its_careful_scan_is_no_pair(tmp_path):
    instrument = catalogue.instrument()
    low_and_high(instrument, tmp_path, "both")
    made.acquisition(
        instrument, np.ones((64, 64), np.uint16), tmp_path, axes="YX", field_of_view="alone", field_role="low"
    )
    (found,) = pair_sets(instrument)
    assert found.fields == ("both",)
    (pair,) = found.pairs
    assert (pair.raw.acquisition.field_role, pair.target.acquisition.field_role) == ("low", "high")


def test_rescans_of_one_field_are_one_field(tmp_path):
    instrument = made.two_detector_instrument(tmp_path, fields=3)
    instrument.acquisitions.update(field_of_view="the same")
    (found,) = pair_sets(instrument)
    assert (len(found.pairs), len(found.fields)) == (3, 1)


def test_the_pairs_of_an_instrument_are_found_in_a_bounded_number_of_queries(tmp_path, django_assert_max_num_queries):
    instrument = made.two_detector_instrument(tmp_path, fields=9)
    with django_assert_max_num_queries(8):
        preferred_pairs(instrument)
