"""An accident is kept but not charted."""

from __future__ import annotations

import numpy as np
import pytest

from metrology.models import StandardKind, Validity
from tests.factories import acquisitions
from tests.factories.measured import measured, ome

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_workers")]


def test_a_saturated_scan_is_kept_but_not_charted(path):
    pixels = acquisitions.field()
    pixels[..., :8] = 4095
    row = measured(ome(path, pixels=pixels), path)
    assert row.validity == Validity.INVALID
    assert "saturated" in row.validity_reason
    assert row.measurements.exists()


def test_a_few_saturated_pixels_are_no_matter(path):
    pixels = acquisitions.field()
    pixels[0, 0, 0, :20] = 4095
    assert measured(ome(path, pixels=pixels), path).validity == Validity.VALID


def test_a_constant_image_is_not_charted(path):
    row = measured(ome(path, pixels=np.full((1, 1, 64, 64), 900, np.uint16)), path)
    assert "same value (900)" in row.validity_reason
    assert row.failures.exists()


def test_a_dark_frame_is_not_charted(path):
    pixels = np.random.default_rng(0).normal(40, 5, (1, 1, 64, 64)).round().clip(0).astype(np.uint16)
    assert "no signal" in measured(ome(path, pixels=pixels), path).validity_reason


def test_dim_objects_are_a_signal(path):
    row = measured(ome(path, pixels=acquisitions.field(mean=60.0)), path)
    assert row.validity == Validity.VALID


def test_a_bead_stack_without_a_bead_is_not_charted(path):
    acquisitions.standard(path.instrument.facility, name="PSF sample", kind=StandardKind.BEADS)
    pixels = np.random.default_rng(0).poisson(400, (1, 21, 96, 96)).astype(np.uint16)
    row = measured(ome(path, pixels=pixels, name="PSF sample", pixel_um=0.1), path)
    assert "No bead could be measured" in row.validity_reason
