"""What is drawn of a standard sample is worked out while it is measured, once, and only where its standard asks for it."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
import tifffile

from common.errors import StorageError
from metrology.attributes.measure import Beside, measure_stack
from metrology.imaging.mosaics import TileGrid
from metrology.imaging.stack import ImageStack, Metadata, Sourced
from metrology.models import StandardKind
from metrology.runtime import figures
from metrology.runtime.figures_beads import bead_numbers
from metrology.runtime.figures_field import depth_numbers, field_numbers
from metrology.runtime.figures_frames import frames_numbers
from metrology.runtime.figures_mosaic import mosaic_numbers
from metrology.runtime.figures_scan import Scan, compact
from metrology.selectors.figures import figures_of, figures_path
from tests.factories import acquisitions, catalogue
from tests.factories.measured import measured

SIZES = {"pixel_size_um": 0.1, "z_step_um": 0.2, "time_step_s": 2.0}


def scan_of(pixels, kind, *, tiles=None, sizes=None):
    """One channel of an image, measured; pixels: TZYX."""
    known = {name: Sourced(value, "test") for name, value in (SIZES if sizes is None else sizes).items()}
    stack = ImageStack(pixels[:, np.newaxis], Metadata(known), tile_grid=tiles)
    beside = Beside()
    wanted = {"beads": ["fwhm_lateral_x", "fwhm_lateral_y", "fwhm_axial"], "slide": ["field_centring_robust"]}[kind]
    if pixels.shape[0] > 1:
        wanted.append("gain_e_per_adu")
    if tiles is not None:
        wanted.append("seam_contrast")
    return Scan(
        stack, measure_stack(stack, standard_kind=kind, attribute_ids=wanted, bit_depth=12, beside=beside), beside, 0
    )


def slide(shape=(128, 128), top=(50, 80), frames=1, gain=2.0, seed=0):
    y, x = np.indices(shape) + 0.5
    light = 600 - 0.03 * ((y - top[0]) ** 2 + (x - top[1]) ** 2)
    drawn = gain * np.random.default_rng(seed).poisson(light, (frames, 1, *shape))
    return np.clip(drawn, 0, 4095).astype(np.uint16)


def test_the_mean_bead_is_as_wide_as_the_beads_and_every_bead_is_at_its_place():
    found = bead_numbers(scan_of(acquisitions.beads(), "beads"))
    assert len(found["measured"]) == found["psf"]["beads"] == 9
    assert {(round(bead["y_um"], 1), round(bead["x_um"], 1)) for bead in found["measured"]} == {
        (row, column) for row in (1.6, 4.8, 8.0) for column in (1.6, 4.8, 8.0)
    }
    for axis, width in (("x", 0.25), ("y", 0.25), ("z", 0.8)):
        assert found["psf"]["profiles"][axis]["gaussian"]["fwhm_um"] == pytest.approx(width, rel=0.05)
        assert found["medians"][axis]["value"] == pytest.approx(width, rel=0.05)
    section = np.array(found["psf"]["xz"])
    assert np.unravel_index(section.argmax(), section.shape) == (section.shape[0] // 2, section.shape[1] // 2)
    assert section.max() == pytest.approx(1, abs=0.1)
    assert found["field_yx_um"] == [9.6, 9.6]


def test_rejected_beads_keep_their_place_and_their_reason():
    pixels = acquisitions.beads()
    pixels[:, :, 40:56, 40:56] = 4095
    found = bead_numbers(scan_of(pixels, "beads"))
    assert sum(found["reasons"].values()) == len(found["rejected"]) > 0
    assert any(abs(one["x_um"] - 4.8) < 0.9 and abs(one["y_um"] - 4.8) < 0.9 for one in found["rejected"])


def test_without_a_bead_there_is_no_mean_bead_and_without_a_size_nothing():
    empty = np.random.default_rng(0).poisson(40, (1, 9, 64, 64)).astype(np.uint16)
    empty[0, :, 30:34, 2:5] = 4095
    found = bead_numbers(scan_of(empty, "beads"))
    assert found is None or (found["psf"], found["measured"], found["trend"]) == (None, [], None)
    assert bead_numbers(scan_of(acquisitions.beads(), "beads", sizes={})) is None


def test_a_wide_section_is_thinned_from_its_middle(monkeypatch):
    monkeypatch.setattr("metrology.runtime.figures_beads.MOST_SAMPLES", 7)
    psf = bead_numbers(scan_of(acquisitions.beads(), "beads"))["psf"]
    assert max(len(psf["xz"]), len(psf["xy"]), len(psf["xy"][0])) <= 7
    assert np.array(psf["xy"]).max() == pytest.approx(1, abs=0.1)
    assert psf["step_zyx_um"][2] == pytest.approx(0.1 * round(psf["step_zyx_um"][2] / 0.1))


def test_the_light_of_a_slide_is_centred_where_it_is_brightest():
    found = field_numbers(scan_of(slide(), "slide"))
    assert found["top_yx_px"] == pytest.approx([50, 80], abs=2)
    assert np.max(found["measured_percent"]) == 100
    assert (len(found["measured_percent"]), found["tiles"], found["pixel_size_yx_um"]) == (32, 1, [0.1, 0.1])
    assert found["centring"]["value"] == pytest.approx(100 - 200 * np.hypot(14, 16) / np.hypot(128, 128), abs=2)
    row = found["row"]
    assert row["position_px"][int(np.argmax(row["fitted_percent"]))] == pytest.approx(80, abs=3)
    assert np.abs(np.subtract(row["measured_percent"], row["fitted_percent"])).mean() < 3
    assert found["column"]["at_px"] == pytest.approx(80, abs=2)


def test_of_a_mosaic_the_light_is_that_of_its_mean_tile_and_its_tilt_that_of_its_tiles():
    tile = slide((64, 64), top=(20, 40))[0, 0].astype(float)
    lit = np.array([[1.0, 1.1], [1.2, 1.3]])
    plane = np.clip(np.kron(lit, np.ones((64, 64))) * np.tile(tile, (2, 2)), 0, 4095).astype(np.uint16)
    grid = TileGrid(2, 2, (64, 64))
    scan = scan_of(plane[np.newaxis, np.newaxis], "slide", tiles=grid)
    field, tiles = field_numbers(scan), mosaic_numbers(scan)
    assert field["tiles"] == 4
    assert field["size_yx_px"] == [64, 64]
    assert field["top_yx_px"] == pytest.approx([20, 40], abs=3)
    assert np.divide(tiles["tile_mean_counts"], tiles["tile_mean_counts"][0][0]) == pytest.approx(lit, rel=1e-3)
    assert np.mean(tiles["relative_percent"]) == pytest.approx(100, abs=0.01)
    assert tiles["tilt"] is None  # four tiles leave no residuals
    assert tiles["seams"]["value"] > 0.01


def test_a_plane_of_tiles_tells_its_tilt_each_way():
    lit = 1000 * (1 + 0.02 * np.arange(3)[:, None] - 0.01 * np.arange(3)[None, :])
    plane = np.kron(lit, np.ones((64, 64))).round().astype(np.uint16)[np.newaxis, np.newaxis]
    tilt = mosaic_numbers(scan_of(plane, "slide", tiles=TileGrid(3, 3, (64, 64))))["tilt"]
    mean = lit.mean()
    assert tilt["down"] == pytest.approx(100 * 20 / mean / 0.0064, rel=0.01)
    assert tilt["right"] == pytest.approx(-100 * 10 / mean / 0.0064, rel=0.01)


def test_repeated_frames_give_the_points_and_the_line_of_a_known_gain():
    found = frames_numbers(scan_of(slide(frames=12, gain=3.0), "slide"))
    assert found["line"]["slope"] == pytest.approx(3.0, abs=5 * found["line"]["slope_error"])
    assert found["gain"]["value"] == pytest.approx(1 / found["line"]["slope"], rel=1e-4)
    assert len(found["mean_counts"]) == len(found["variance_counts2"]) == found["line"]["squares"]
    assert len(found["frame_mean_counts"]) == 12
    assert (found["time_step_s"], found["read_noise"]) == (2.0, None)


def test_the_line_is_that_of_the_gain_also_where_dark_frames_have_fewer_channels():
    lit = np.stack([slide(frames=6, seed=seed)[:, 0] for seed in (1, 2)], axis=1)[:, :, np.newaxis]
    without = np.random.default_rng(3).normal(100, 4, (6, 1, 1, 128, 128)).round().astype(np.uint16)
    beside = Beside(dark=ImageStack(without, Metadata({})), dark_name="dark")
    stack = ImageStack(lit, Metadata({}))
    done = measure_stack(stack, standard_kind="slide", attribute_ids=["gain_e_per_adu"], bit_depth=12, beside=beside)
    found = frames_numbers(Scan(stack, done, beside, 1))
    assert found["gain"]["value"] == pytest.approx(1 / found["line"]["slope"], rel=1e-4)
    assert found["gain"]["n"] == found["line"]["squares"] > len(found["mean_counts"])


def test_frames_that_do_not_tell_a_gain_say_why():
    found = frames_numbers(scan_of(np.full((3, 1, 64, 64), 500, np.uint16), "slide"))
    assert found["line"] is None
    assert "bright and dim" in found["why_no_line"]


def test_each_slice_of_a_slide_has_its_mean():
    stack = np.stack([slide((32, 32), (16, 16))[0, 0] // (1 + abs(z - 2)) for z in range(5)])[np.newaxis]
    found = depth_numbers(scan_of(stack, "slide"))
    assert found["mean_counts"] == pytest.approx([plane.mean() for plane in stack[0]], rel=1e-4)
    assert (found["z_step_um"], found["width"]) == (0.2, None)


def test_numbers_are_kept_to_five_digits_and_what_is_not_finite_is_none():
    assert compact([1.2345678, np.nan, np.inf, 0]) == [1.2346, None, None, 0.0]
    assert compact(123456.7) == 123460.0


def test_a_black_slide_has_nothing_to_draw():
    black = scan_of(np.zeros((1, 1, 64, 64), np.uint16), "slide", tiles=TileGrid(2, 2, (32, 32)))
    assert field_numbers(black) is None
    assert mosaic_numbers(black) is None


@pytest.mark.django_db
@pytest.mark.usefixtures("no_workers")
class TestOnTheWayThroughTheWorker:
    """The worker notes them beside the previews."""

    def take(self, path, pixels, kind, axes):
        file = io.BytesIO()
        known = {"axes": axes, "PhysicalSizeX": 0.1, "PhysicalSizeY": 0.1, "PhysicalSizeZ": 0.2}
        tifffile.imwrite(file, pixels, ome=True, metadata=known | {"SignificantBits": 12})
        sample = acquisitions.standard(path.instrument.facility, kind=kind)
        return measured(
            file.getvalue(),
            path,
            standard=sample,
            optical_path=path,
            instrument=path.instrument,
            acquired_at=catalogue.START,
        )

    def test_a_stack_of_beads_has_them_and_a_plain_scan_of_marbles_has_no_file_at_all(self, path):
        row = self.take(path, acquisitions.beads()[0], StandardKind.BEADS, "ZYX")
        found = figures_of(row)
        assert [list(one) for one in found["channels"]] == [["beads"]]
        assert len(found["channels"][0]["beads"]["measured"]) == 9
        marbles = self.take(path, acquisitions.field(2)[0, 0], StandardKind.MARBLES, "YX")
        assert not figures_path(marbles).exists()
        assert figures_of(marbles) is None

    def test_frames_of_a_slide_have_its_light_and_its_noise(self, path):
        row = self.take(path, slide(frames=4)[:, 0], StandardKind.SLIDE, "TYX")
        assert set(figures_of(row)["channels"][0]) == {"field", "frames"}

    def test_a_scan_that_turns_out_to_be_something_else_shows_nothing_of_before(self, path):
        row = self.take(path, acquisitions.beads()[0], StandardKind.BEADS, "ZYX")
        row.standard = acquisitions.standard(row.facility, kind=StandardKind.MARBLES)
        assert figures_of(row) == {"channels": [{}]}

    def test_a_disk_that_refuses_is_told(self, path, monkeypatch):
        def full(*_, **__):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("pathlib.Path.write_text", full)
        row = acquisitions.acquisition(
            path.instrument.facility, size_t=1, size_z=1,
            standard=acquisitions.standard(path.instrument.facility, kind=StandardKind.SLIDE),
        )  # fmt: skip
        scan = scan_of(slide(), "slide")
        with pytest.raises(StorageError, match="drawings"):
            figures.figures_write(row, scan.stack, scan.measured, scan.beside)
        assert not list(figures_path(row).parent.glob("*.part"))

    def test_the_file_is_strict_json(self, path):
        row = self.take(path, slide()[0, 0], StandardKind.SLIDE, "YX")

        def refuse(word):
            raise AssertionError(word)

        written = json.loads(figures_path(row).read_text(), parse_constant=refuse)
        assert [sorted(channel) for channel in written["channels"]] == [["field"]]
