"""The charts of standard samples in a real browser, under the strict Content-Security-Policy."""

from __future__ import annotations

import numpy as np
import pytest
from playwright.sync_api import expect

from common.models import JobState
from metrology.attributes.measure import Beside, measure_stack
from metrology.imaging.stack import ImageStack, Metadata, Sourced
from metrology.models import StandardKind
from metrology.runtime.figures import figures_write
from tests.factories import acquisitions

pytestmark = [
    pytest.mark.usefixtures("no_workers"),
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(180),
]

expect.set_options(timeout=15_000)


def drawn(facility, pixels, kind):
    """A measured acquisition with its drawings; pixels: TZYX."""
    sizes = {"pixel_size_um": 0.1, "z_step_um": 0.2}
    stack = ImageStack(pixels[:, np.newaxis], Metadata({name: Sourced(size, "test") for name, size in sizes.items()}))
    times, _, slices, rows, columns = stack.shape_tczyx
    row = acquisitions.acquisition(
        facility, standard=acquisitions.standard(facility, kind=kind), state=JobState.DONE, size_t=times, size_c=1,
        size_z=slices, size_y=rows, size_x=columns, bit_depth=12,
    )  # fmt: skip
    ids = {"beads": ["fwhm_lateral_x"], "slide": ["field_centring_robust", "gain_e_per_adu"]}[kind]
    measured = measure_stack(stack, standard_kind=kind, attribute_ids=ids, bit_depth=12)
    figures_write(row, stack, measured, Beside())
    return row


def test_beads_are_drawn_with_sections_profiles_and_maps_and_follow_the_theme(page, room):
    page.goto(drawn(room, acquisitions.beads(), StandardKind.BEADS).get_absolute_url())
    page.get_by_role("heading", name="Charts").scroll_into_view_if_needed()
    expect(page.locator(".drawing .js-plotly-plot")).to_have_count(5)
    expect(page.locator(".drawing .heatmaplayer image")).to_have_count(3)
    assert page.locator(".drawing .error").count() == 0
    lateral = page.locator(".drawing", has=page.get_by_role("heading", name="Lateral width over the field"))
    expect(lateral).to_contain_text("9 beads measured.")
    expect(lateral.locator("path.point")).to_have_count(9)
    colours = {one.evaluate("e => getComputedStyle(e).fill") for one in lateral.locator("path.point").all()}
    assert len(colours) > 3  # each in the colour of its width
    paper = page.locator(".drawing .main-svg").first
    light = paper.evaluate("e => e.style.background")
    page.locator("[data-theme-toggle]").click()
    page.wait_for_function(
        "light => document.querySelector('.drawing .main-svg').style.background !== light", arg=light
    )
    lateral.get_by_text("Values").click()
    expect(lateral.get_by_role("row")).to_have_count(10)
    with page.expect_download() as saved:
        lateral.get_by_role("link", name="CSV").click()
    assert saved.value.path().read_text().count("\n") == 10


@pytest.mark.parametrize("width", [1440, 820])
def test_repeated_frames_of_a_slide_are_drawn_at_every_width(page, room, width):
    y, x = np.indices((128, 128))
    light = 500 - 0.03 * ((y - 50) ** 2 + (x - 80) ** 2)
    frames = (2 * np.random.default_rng(0).poisson(light, (6, 1, 128, 128))).astype(np.uint16)
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(drawn(room, frames, StandardKind.SLIDE).get_absolute_url())
    page.get_by_role("heading", name="Charts").scroll_into_view_if_needed()
    expect(page.locator(".drawing .js-plotly-plot")).to_have_count(5)
    for name in (
        "Light over the field",
        "Along a row",
        "Along a column",
        "Photon transfer",
        "Brightness over the frames",
    ):
        expect(page.get_by_role("heading", name=name)).to_be_visible()
    expect(page.locator(".drawing").filter(has_text="Gain")).to_contain_text("e⁻/ADU")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_charts_of_a_scan_that_was_still_measured_when_its_page_was_opened_come_by_themselves(page, room):
    row = drawn(room, acquisitions.beads(), StandardKind.BEADS)
    row.state, row.stage = JobState.RUNNING, "measuring"
    row.save()
    page.goto(row.get_absolute_url())
    expect(page.get_by_text("measuring", exact=False).first).to_be_visible()
    expect(page.get_by_role("heading", name="Charts")).to_have_count(0)
    row.state = JobState.DONE
    row.save()
    page.get_by_role("heading", name="Charts").scroll_into_view_if_needed()
    expect(page.locator(".drawing .heatmaplayer image")).to_have_count(3)


def test_an_older_scan_says_measure_again(page, room):
    row = acquisitions.acquisition(
        room,
        standard=acquisitions.standard(room, kind=StandardKind.BEADS),
        state=JobState.DONE,
        size_z=9,
        size_c=1,
    )
    page.goto(row.get_absolute_url())
    page.get_by_role("heading", name="Charts").scroll_into_view_if_needed()
    expect(page.get_by_text("measure again to see")).to_be_visible()
