from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrology.charts.sparkline import SparklinePoint, sparkline

SVG = "{http://www.w3.org/2000/svg}"


def parsed(points, **options):
    return ET.fromstring(  # noqa: S314 (our own output)
        sparkline(points, **({"title": "Width", "summary": "8 points, in control."} | options))
    )


def classes(svg):
    return [element.get("class") for element in svg.iter() if element.get("class")]


def test_it_is_an_image_with_a_name_for_screen_readers_and_no_inline_style():
    svg = parsed([SparklinePoint(1.0), SparklinePoint(2.0)])
    assert svg.get("role") == "img"
    assert svg.get("aria-label") == "Width. 8 points, in control."
    assert svg.find(f"{SVG}title").text == "Width"
    assert svg.find(f"{SVG}desc").text == "8 points, in control."
    assert all(element.get("style") is None and element.get("id") is None for element in svg.iter())


@given(st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6)), max_size=30))
def test_every_point_lies_inside_the_drawing(values):
    svg = parsed([SparklinePoint(value) for value in values], band=(-1.0, 1.0))
    line = svg.find(f"{SVG}polyline")
    drawn = [value for value in values if value is not None]
    assert (line is None) == (not drawn)
    if line is not None:
        pairs = [tuple(map(float, pair.split(","))) for pair in line.get("points").split()]
        assert len(pairs) == len(drawn)
        assert all(0 <= x <= 120 and 0 <= y <= 28 for x, y in pairs)


def test_higher_values_are_drawn_higher():
    first, last = parsed([SparklinePoint(1.0), SparklinePoint(2.0)]).find(f"{SVG}polyline").get("points").split()
    assert float(first.split(",")[1]) > float(last.split(",")[1])


def test_flagged_and_invalid_points_are_marked_and_invalid_ones_leave_the_line():
    svg = parsed([SparklinePoint(1.0), SparklinePoint(5.0, "invalid"), SparklinePoint(2.0, "flag")])
    assert classes(svg).count("sparkline-flag") == classes(svg).count("sparkline-invalid") == 1
    assert len(svg.find(f"{SVG}polyline").get("points").split()) == 2


def test_text_is_escaped():
    svg = parsed([SparklinePoint(1.0)], title='<script>"&', summary="a < b")
    assert svg.find(f"{SVG}title").text == '<script>"&'
    assert svg.get("aria-label") == '<script>"&. a < b'


@pytest.mark.parametrize("values", [[], [None], [3.0], [3.0, 3.0]])
def test_degenerate_series_are_drawn_without_error(values):
    assert classes(parsed([SparklinePoint(value) for value in values]))[0] == "sparkline"
