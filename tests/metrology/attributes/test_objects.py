from __future__ import annotations

import numpy as np
import pytest

from common.errors import ConstantImageError, TooFewObjectsError
from metrology.attributes import objects
from metrology.attributes.views import PlaneView
from metrology.imaging.readers import read

# MetroloJ-for-python's own figures of the two detectors, from its cv.csv
EXPECTED = [(5458, 0.2089685755515431), (15215, 0.2137268087420222)]


@pytest.mark.real_data
@pytest.mark.parametrize("detector", [0, 1])
def test_the_real_rainbow_beads_have_the_figures_of_metroloj_for_python(real_data, detector):
    stack = read(real_data / "field" / "rainbow_beads_two_detectors.tif")
    times, channels, slices = stack.shape_tczyx[:3]
    planes = [stack.plane(t=t, c=c, z=z) for t, c, z in np.ndindex(times, channels, slices)]
    found = objects.metroloj_cv(PlaneView(planes[detector], bit_depth=8))
    assert (found.n, found.value) == (EXPECTED[detector][0], pytest.approx(EXPECTED[detector][1], rel=1e-9))


def test_objects_of_two_brightnesses_have_the_variation_between_them():
    plane = np.zeros((64, 64), np.uint16)
    plane[10:20, 10:20], plane[40:50, 40:50] = 200, 300
    plane[:5, :5] = 4000  # touches the border
    found = objects.metroloj_cv(PlaneView(np.minimum(plane, 300), bit_depth=12))
    assert (found.value, found.n) == (pytest.approx(50 / 250), 200)


def test_a_field_without_whole_objects_is_refused():
    plane = np.zeros((32, 32), np.uint16)
    plane[:, :8] = 100
    with pytest.raises(TooFewObjectsError, match="wholly"):
        objects.metroloj_cv(PlaneView(plane, bit_depth=8))
    with pytest.raises(ConstantImageError):
        objects.metroloj_cv(PlaneView(np.ones((32, 32), np.uint16), bit_depth=8))
