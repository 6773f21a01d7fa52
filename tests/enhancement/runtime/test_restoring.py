"""A restored image says what it is, by which model, and from which file."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
import tifffile
from ome_types import from_xml
from PIL import Image

from common import jobs
from common.models import JobState
from common.permissions import Role
from enhancement.models import RestoredImage
from enhancement.networks.catalogue import build_generator
from enhancement.runtime.restoring import restore_image
from enhancement.services.restoration import restoration_request
from enhancement.training.checkpoints import save_weights
from tests.factories import catalogue
from tests.factories import enhancement as made

pytestmark = pytest.mark.django_db

NORMALISATION = {"offset": 100.0, "scale": 500.0, "slope": 0.5, "intercept": 0.0}


@pytest.fixture
def scan(tmp_path):
    return made.two_detector_instrument(tmp_path, fields=1).acquisitions.get()


@pytest.fixture
def operator(scan):
    return catalogue.member(Role.OPERATOR, of=scan.facility)


def network(scan, tmp_path, **fields):
    """A released network that still is the identity: target counts are twice the raw ones."""
    generator = build_generator("residual_unet_gan", filters=4, levels=1)
    metadata = {
        "architecture": "residual_unet_gan",
        "generator": {"filters": 4, "levels": 1},
        "normalisation": NORMALISATION,
    }
    path = tmp_path / "weights.safetensors"
    sha256 = save_weights(path, generator.state_dict(), metadata=metadata)
    run = made.run(made.case(scan.instrument), state="done")
    model = made.model(run, kind="network", state="released", weights_sha256=sha256, name="Identity", **fields)
    model.weights_path.parent.mkdir(parents=True, exist_ok=True)
    path.rename(model.weights_path)
    return model


def restored(operator, scan):
    image, _ = restoration_request(user=operator, acquisition=scan)
    jobs.run(RestoredImage, image.pk, restore_image)
    return RestoredImage.objects.get(pk=image.pk)


def test_a_network_s_image_is_an_ome_tiff_with_its_provenance_and_its_spread(scan, operator, tmp_path):
    model = network(scan, tmp_path)
    image = restored(operator, scan)
    assert image.state == JobState.DONE, image.error_message
    path = image.folder / "restored.ome.tif"
    assert image.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert image.size_bytes == path.stat().st_size
    with tifffile.TiffFile(path) as file:
        pixels, xml = file.asarray(), file.ome_metadata
    raw = tifffile.imread(scan.stored_file.path)[0]
    assert pixels.dtype == np.float32
    assert np.allclose(pixels[0], 2.0 * raw, atol=0.01)  # the identity, on the target's scale
    assert np.allclose(pixels[1], 0, atol=0.01)  # all eight orientations agree
    ome = from_xml(xml)
    assert ome.images[0].pixels.physical_size_x == pytest.approx(0.2)
    assert (
        f"Restored by Strehl model {model.pk}, Identity (residual_unet_gan, weights sha256" in ome.images[0].description
    )
    assert f"from {scan.original_name}, sha256 {scan.stored_file.sha256}" in ome.images[0].description
    assert "do not quantify where the spread" in ome.images[0].description
    facts = {entry.k: entry.value for entry in ome.structured_annotations.map_annotations[0].value.ms}
    assert facts["restored"] == "true"
    assert facts["original_sha256"] == scan.stored_file.sha256


def test_raw_and_restored_are_shown_at_one_contrast(scan, operator, tmp_path):
    network(scan, tmp_path)
    image = restored(operator, scan)
    window, raw_window = image.preview_window
    assert raw_window == pytest.approx([0.5 * window[0], 0.5 * window[1]])
    pictures = [np.asarray(Image.open(image.folder / f"{name}.webp")) for name in ("raw", "restored", "difference")]
    assert np.abs(pictures[0].astype(int) - pictures[1]).max() <= 2  # the identity looks the same
    assert np.abs(pictures[2].astype(int) - 128).max() <= 2  # and has no difference
    scores = image.scores["attributes"]
    assert scores["cv"]["raw"] == pytest.approx(scores["cv"]["restored"], rel=1e-4)


def test_a_filter_s_image_is_the_filtered_one_without_a_spread(scan, operator):
    made.model(made.run(made.case(scan.instrument), state="done"), state="released")
    image = restored(operator, scan)
    assert image.state == JobState.DONE, image.error_message
    pixels = tifffile.imread(image.folder / "restored.ome.tif")
    assert pixels.shape == (64, 64)
    assert image.scores["attributes"]["noise"]["restored"] < image.scores["attributes"]["noise"]["raw"]
    assert "finer than the filter's width" in image.scores["caution"]
    assert not (image.folder / "spread.webp").exists()


def test_weights_that_were_changed_are_refused_and_leave_nothing(scan, operator, tmp_path):
    model = network(scan, tmp_path)
    model.weights_path.write_bytes(model.weights_path.read_bytes() + b" ")
    image = restored(operator, scan)
    assert (image.state, image.error_code) == (JobState.FAILED, "checkpoint")
    assert not image.folder.exists()


def test_an_image_far_from_the_training_images_is_refused_by_the_worker_too(scan, operator, tmp_path):
    network(scan, tmp_path, envelope={"mean": [0.001, 0.002]})
    image = restored(operator, scan)
    assert (image.state, image.error_code) == (JobState.FAILED, "out_of_domain")


def test_a_restoration_that_is_cancelled_leaves_no_file(scan, operator, tmp_path, monkeypatch):
    network(scan, tmp_path)
    monkeypatch.setattr("enhancement.runtime.telling.ASK_EVERY_S", 0.0)
    image, _ = restoration_request(user=operator, acquisition=scan)

    def cancelled(row):
        RestoredImage.objects.update(cancel_requested=True)
        restore_image(row)

    jobs.run(RestoredImage, image.pk, cancelled)
    image.refresh_from_db()
    assert image.state == JobState.CANCELLED
    assert not image.folder.exists()
