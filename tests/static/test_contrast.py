"""Text is readable: WCAG 2.2 contrast of the colours in tokens.css, computed, in both themes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TOKENS = (Path(__file__).parents[2] / "static" / "css" / "tokens.css").read_text()
COLOUR = re.compile(r"--([a-z-]+):\s*(#[0-9a-f]{6});")
LIGHT = dict(COLOUR.findall(TOKENS.split(':root[data-theme="dark"]')[0]))
DARK = LIGHT | dict(COLOUR.findall(TOKENS.split(':root[data-theme="dark"]')[1].split("@media")[0]))
THEMES = {"light": LIGHT, "dark": DARK}
GROUNDS = ("ground", "surface", "sunken")
STATUSES = ("control", "watch", "degraded", "none")


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2, definition of "relative luminance")."""
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first: str, second: str) -> float:
    """Contrast ratio (WCAG 2.2, definition of "contrast ratio")."""
    lighter, darker = sorted((luminance(first), luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_black_on_white_has_the_ratio_of_the_standard():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("ink", ["ink", "ink-soft", "accent", *STATUSES])
def test_text_reaches_aa_on_every_ground(theme, ground, ink):
    colours = THEMES[theme]
    assert contrast(colours[ink], colours[ground]) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("status", STATUSES)
def test_status_reaches_aa_on_its_own_wash(theme, status):
    colours = THEMES[theme]
    assert contrast(colours[status], colours[f"{status}-wash"]) >= 4.5
    assert contrast(colours["ink"], colours[f"{status}-wash"]) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
def test_buttons_images_and_borders_of_fields_reach_aa(theme):
    colours = THEMES[theme]
    assert contrast(colours["accent-ink"], colours["accent"]) >= 4.5
    assert contrast(colours["image-ink"], colours["image-ground"]) >= 4.5
    assert contrast(colours["line-strong"], colours["surface"]) >= 3  # 1.4.11, parts of controls


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("role", ["points", "ewma", "centre", "limit", "tolerance", "action", "flag", "event", "train"])
def test_what_a_chart_argues_with_reaches_three_to_one(theme, role):
    colours = THEMES[theme]
    assert contrast(colours[f"chart-{role}"], colours["surface"]) >= 3


def test_the_dark_theme_redefines_every_colour_except_those_of_images():
    redefined = dict(COLOUR.findall(TOKENS.split(':root[data-theme="dark"]')[1]))
    assert [name for name in LIGHT if name not in redefined and not name.startswith("image-")] == []
