"""Charts of standard samples: what they draw is what they say and what their tables hold."""

from __future__ import annotations

import json

import pytest

from metrology.charts.bead_charts import bead_drawings, beads_counted
from metrology.charts.field_charts import depth_drawings, field_drawings
from metrology.charts.frames_charts import frames_drawings
from metrology.charts.mosaic_charts import mosaic_drawings


def bead(x, y, width=0.3, error=0.004):
    widths = {f"fwhm_{axis}_um": value for axis, value in (("x", width), ("y", width), ("z", 3 * width))}
    errors = {f"fwhm_{axis}_error_um": error for axis in "xyz"}
    return {"x_um": x, "y_um": y, "z_um": 2.0, **widths, **errors}


def profile(width):
    places = [-0.4, -0.2, 0.0, 0.2, 0.4]
    gaussian = {"height": 1.0, "base": 0.0, "centre_um": 0.0, "fwhm_um": width, "fwhm_error_um": 0.01}
    return {"position_um": places, "intensity": [0.1, 0.5, 1.0, 0.5, 0.1], "gaussian": gaussian}


def slope(value, error):
    return {
        "middle_um": 0.3,
        "per_um_down": 0.0,
        "per_um_right": value,
        "per_um_down_error": error,
        "per_um_right_error": error,
    }


def bead_numbers(**changes):
    beads = [bead(x, y, 0.30 + 0.002 * x) for x in (2, 6, 10) for y in (2, 6, 10)]
    return {
        "field_yx_um": [12.0, 14.0],
        "measured": beads,
        "rejected": [{"x_um": 0.2, "y_um": 5.0, "reason": "edge"}, {"x_um": 4.0, "y_um": 4.0, "reason": "crowded"}],
        "reasons": {"edge": 1, "crowded": 1},
        "psf": {
            "beads": 9, "step_zyx_um": [0.2, 0.1, 0.1],
            "xy": [[0, 0.5, 0], [0.5, 1, 0.5], [0, 0.5, 0]], "xz": [[0, 0.2, 0]] * 5, "yz": [[0, 0.2, 0]] * 5,
            "profiles": {"z": profile(0.9), "y": profile(0.31), "x": profile(0.30)},
        },
        "trend": {"x": slope(0.002, 0.0001), "y": slope(0.002, 0.0001), "z": slope(0.0, 0.01)},
        "theory": {"lateral_um": 0.25, "axial_um": 0.7},
        "medians": {"x": {"value": 0.312, "uncertainty": 0.005, "n": 9}, "y": None, "z": None},
    } | changes  # fmt: skip


def field_numbers(**changes):
    line = {
        "at_px": 30,
        "position_px": [10.0, 30.0, 50.0],
        "measured_percent": [80, 100, 81],
        "fitted_percent": [80, 99, 80],
    }
    return {
        "size_yx_px": [60, 60], "pixel_size_yx_um": [0.5, 0.5], "rows_px": [15.0, 45.0], "columns_px": [15.0, 45.0],
        "measured_percent": [[90, 100], [80, 95]], "fitted_percent": [[91, 99], [81, 94]], "top_yx_px": [20, 40],
        "row": line, "column": line, "tiles": 1,
        "uniformity": {"value": 66.8, "uncertainty": None, "n": 9}, "centring": {"value": 90.0, "uncertainty": 0.5, "n": 9},
    } | changes  # fmt: skip


def frames_numbers(**changes):
    return {
        "mean_counts": [100.0, 200.0, 400.0], "variance_counts2": [310.0, 620.0, 1190.0],
        "line": {"slope": 3.0, "slope_error": 0.05, "intercept": 10.0, "intercept_error": 4.0, "squares": 256},
        "why_no_line": "", "frame_mean_counts": [500.0, 495.0, 490.0], "time_step_s": 1.5,
        "gain": {"value": 0.333, "uncertainty": 0.0056, "n": 256}, "read_noise": None, "offset": None, "bleaching": None,
    } | changes  # fmt: skip


def mosaic_numbers(**changes):
    return {
        "tile_mean_counts": [[100.0, 110.0], [120.0, 130.0]], "relative_percent": [[87.0, 95.7], [104.3, 113.0]],
        "tilt": {"down": 2.0, "right": 1.0, "down_error": 0.1, "right_error": 0.1}, "steepest": None,
        "seams": {"value": 0.05, "uncertainty": 0.01, "n": 4}, "range": None,
    } | changes  # fmt: skip


def every_drawing():
    yield from bead_drawings(bead_numbers())
    yield from bead_drawings(bead_numbers(psf=None, measured=[], trend=None))
    yield from field_drawings(field_numbers())
    yield from field_drawings(
        field_numbers(pixel_size_yx_um=None, top_yx_px=None, uniformity=None, centring=None, tiles=25)
    )
    yield from depth_drawings({"mean_counts": [1.0, 5.0, 2.0], "z_step_um": 0.5, "width": None})
    yield from frames_drawings(frames_numbers())
    yield from mosaic_drawings(mosaic_numbers())


@pytest.mark.parametrize("drawing", list(every_drawing()), ids=lambda one: one.name)
def test_every_chart_has_words_numbers_roles_and_no_colours(drawing):
    text = json.dumps(drawing.figure, allow_nan=False)
    assert drawing.summary.endswith(".")
    assert drawing.rows
    assert len({len(column.values) for column in drawing.columns}) == 1
    assert all(trace["meta"]["role"] for trace in drawing.figure["data"])
    assert "rgb" not in text
    assert '"#' not in text


def test_the_three_sections_have_one_scale_and_a_bar_of_the_length_that_is_said():
    (sections,) = (one for one in bead_drawings(bead_numbers()) if one.name == "psf")
    layout = sections.figure["layout"]
    assert {layout[f"yaxis{n}"]["scaleanchor"] for n in ("", "2", "3")} == {"x", "x2", "x3"}
    assert {layout[f"xaxis{n}"].get("scaleanchor") for n in ("2", "3")} == {"x"}
    (bar,) = layout["shapes"]
    assert bar["x1"] - bar["x0"] == pytest.approx(0.1)
    assert "0.1 µm" in sections.summary
    assert layout["annotations"][0]["text"] == "0.1 µm"
    assert len(sections.rows) == 9 + 15 + 15


def test_profiles_say_their_widths_with_errors_theory_and_the_median_of_the_beads():
    lateral = next(one for one in bead_drawings(bead_numbers()) if one.name == "profile-lateral")
    for words in (
        "0.300 ± 0.010\u00a0µm along x",
        "0.310 ± 0.010\u00a0µm along y",
        "Theory allows 0.25 µm",
        "0.3120 ± 0.0050",
    ):
        assert words.replace(" ± ", "\u00a0±\u00a0") in lateral.summary
    curve = lateral.figure["data"][1]
    half = [x for x, y in zip(curve["x"], curve["y"], strict=True) if y >= 0.5]
    assert half[-1] - half[0] == pytest.approx(0.30, abs=0.017)


def test_a_profile_that_no_gaussian_fits_is_drawn_all_the_same_and_says_so():
    numbers = bead_numbers(theory=None)
    numbers["psf"]["profiles"]["z"]["gaussian"] = None
    axial = next(one for one in bead_drawings(numbers) if one.name == "profile-axial")
    assert "no Gaussian fits along z" in axial.summary
    assert "Theory" not in axial.summary
    assert [trace["mode"] for trace in axial.figure["data"]] == ["markers"]


def test_each_bead_has_its_width_as_its_colour_and_rejected_ones_are_hollow():
    field = next(one for one in bead_drawings(bead_numbers()) if one.name == "fwhm-lateral")
    measured, rejected = field.figure["data"]
    assert measured["marker"]["color"] == pytest.approx([0.304] * 3 + [0.312] * 3 + [0.32] * 3)
    assert rejected["marker"]["symbol"].endswith("-open")
    assert rejected["text"] == ["too near an edge or an end of the stack", "too near another"]
    assert (
        "9 beads measured, 2 rejected (1 too near an edge or an end of the stack, 1 too near another)." in field.summary
    )
    assert field.figure["layout"]["xaxis"]["range"] == [0, 14.0]
    assert field.figure["layout"]["yaxis"]["range"] == [12.0, 0]
    assert len(field.rows) == 9


def test_chance_does_not_fill_the_scale_of_colours():
    even = bead_numbers(measured=[bead(x, 2 * x, 0.300 + 0.0001 * x) for x in range(9)])
    marker = next(one for one in bead_drawings(even) if one.name == "fwhm-lateral").figure["data"][0]["marker"]
    assert marker["cmax"] - marker["cmin"] >= 0.19 * 0.3


def test_one_clump_does_not_wash_out_the_colours_of_the_others():
    beads = [bead(x, 2 * x, 0.300 + 0.005 * x) for x in range(24)]
    spoilt = bead_numbers(measured=[*beads, bead(5, 5, 1.2)])
    marker = next(one for one in bead_drawings(spoilt) if one.name == "fwhm-lateral").figure["data"][0]["marker"]
    assert marker["cmax"] < 0.5
    assert marker["cmin"] <= 0.310


def test_a_slope_is_told_where_it_is_clear_and_the_beads_are_many():
    clear, level = (
        next(one for one in bead_drawings(bead_numbers()) if one.name == n) for n in ("fwhm-lateral", "fwhm-axial")
    )
    assert "per µm to the right" in clear.summary
    assert "downwards" not in clear.summary
    assert "does not change clearly" in level.summary
    few = bead_numbers(measured=bead_numbers()["measured"][:5])
    assert "change" not in next(one for one in bead_drawings(few) if one.name == "fwhm-lateral").summary


def test_without_any_bead_there_is_no_chart_and_with_rejected_ones_only_their_places():
    nothing = bead_numbers(psf=None, measured=[], rejected=[], reasons={}, trend=None)
    assert bead_drawings(nothing) == []
    assert beads_counted(nothing) == "0 beads measured."
    (only,) = bead_drawings(bead_numbers(psf=None, measured=[], trend=None))
    assert only.name == "rejected"
    assert only.rows[0] == (0.2, 5.0, "too near an edge or an end of the stack")


def test_the_light_says_where_it_is_centred_in_micrometres_or_pixels():
    light = field_drawings(field_numbers())[0]
    assert "centred 5 µm right of and 5 µm above the middle" in light.summary
    assert "Robust uniformity 66.80\u00a0%" in light.summary
    top = light.figure["data"][-1]
    assert (top["x"], top["y"]) == ([20.0], [10.0])
    unsized = field_drawings(field_numbers(pixel_size_yx_um=None))[0]
    assert "10 px right" in unsized.summary
    tiled = field_drawings(field_numbers(tiles=25, top_yx_px=None))[0]
    assert "mean of the 25 tiles" in tiled.summary
    assert "no brightest place" in tiled.summary


def test_a_top_outside_the_field_is_said_but_not_drawn():
    outside = field_drawings(field_numbers(top_yx_px=[-30, 40]))[0]
    assert "above the middle" in outside.summary
    assert [trace.get("name") for trace in outside.figure["data"]] == [None, "fitted", "middle"]


def test_the_line_of_photon_transfer_goes_through_its_points_and_says_the_gain():
    transfer, means = frames_drawings(frames_numbers())
    line = transfer.figure["data"][1]
    assert (line["x"], line["y"]) == ([100.0, 400.0], [310.0, 1210.0])
    assert "0.3330\u00a0±\u00a00.0056\u00a0e⁻/ADU" in transfer.summary
    assert "takes frames without light" in transfer.summary
    assert means.rows == [(0.0, 500.0), (1.5, 495.0), (3.0, 490.0)]


def test_with_dark_frames_read_noise_and_offset_are_said():
    known = {"value": 4.2, "uncertainty": 0.1, "n": 9}
    said = frames_drawings(frames_numbers(read_noise=known, offset={**known, "value": 100.0}))[0].summary
    assert "Read noise 4.20\u00a0±\u00a00.10\u00a0counts." in said
    assert "Offset 100.00" in said
    assert "without light" not in said


def test_frames_without_a_line_say_why_and_without_squares_only_their_means_are_drawn():
    transfer, _ = frames_drawings(frames_numbers(line=None, gain=None, why_no_line="Too dim. Take brighter frames."))
    assert "Too dim." in transfer.summary
    assert len(transfer.figure["data"]) == 1
    assert [one.name for one in frames_drawings(frames_numbers(mean_counts=[], variance_counts2=[], line=None))] == [
        "frame-means"
    ]


def test_tiles_say_their_tilt_and_their_seams():
    (tiles,) = mosaic_drawings(mosaic_numbers())
    assert tiles.rows[1] == (1, 2, 110.0, 95.7)
    assert "2.00\u00a0±\u00a00.10\u00a0%/mm downwards" in tiles.summary
    assert "5.0\u00a0±\u00a01.0\u00a0%" in tiles.summary
    (bare,) = mosaic_drawings(mosaic_numbers(tilt=None, seams=None))
    assert "plane" not in bare.summary
