"""A bad file fails with one sentence that says what to do, and leaves nothing."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
import tifffile

from common.models import JobState
from metrology.models import Measurement, Validity
from tests.factories import acquisitions, catalogue
from tests.factories.measured import measured, ome

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_workers")]


def claim_of_3_gb() -> bytes:
    """A header of 2 kB that promises 40000 × 40000 pixels of 16 bits."""
    tags = [
        (256, 40000),
        (257, 40000),
        (258, 16),
        (259, 1),
        (262, 1),
        (273, 8),
        (277, 1),
        (278, 40000),
        (279, 3_200_000_000),
    ]
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    return (struct.pack("<2sHIH", b"II", 42, 8, len(tags)) + entries + bytes(4)).ljust(2048, b"\0")


def rgb() -> bytes:
    target = io.BytesIO()
    tifffile.imwrite(target, np.zeros((32, 32, 3), np.uint8), photometric="rgb")
    return target.getvalue()


def with_nan() -> bytes:
    pixels = np.ones((32, 32), np.float32)
    pixels[3, 4] = np.nan
    return acquisitions.tiff(pixels)


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (acquisitions.tiff()[:-3000], "unreadable_image", "damaged or incomplete"),
        (b"II*\x00", "unreadable_image", "damaged or incomplete"),
        (claim_of_3_gb(), "unreadable_image", "damaged or incomplete"),
        (with_nan(), "unreadable_image", "not finite"),
        (rgb(), "axes", "colour"),
    ],
    ids=["truncated", "only magic", "claims 3 GB in 2 kB", "NaN", "RGB"],
)
def test_a_bad_file_fails_with_one_sentence_and_leaves_no_figures(path, content, code, words):
    row = measured(content, path, name="Monday scan.tif", instrument=path.instrument, acquired_at=catalogue.START)
    assert (row.state, row.error_code) == (JobState.FAILED, code)
    assert words in row.error_message
    assert row.stored_file.sha256 not in row.error_message
    assert not Measurement.objects.exists()
    assert row.validity == Validity.PENDING


def test_a_damaged_file_is_called_by_the_name_that_people_know(path):
    row = measured(acquisitions.tiff()[:-3000], path, name="Monday scan.tif")
    assert "Monday scan.tif" in row.error_message


def test_an_image_over_the_limit_of_pixels_is_refused(path, settings):
    settings.MAX_PIXELS = 1000
    assert measured(ome(path), path).error_code == "too_large"
