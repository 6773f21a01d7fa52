"""Figures of a training come with names, units and words."""

from __future__ import annotations

from enhancement.models import TrainingRun
from enhancement.selectors.comparison import comparison_table, named_ranges, parameters_text, training_figure


def test_parameters_of_filters_are_written_with_their_unit():
    assert parameters_text({"sigma_px": 1.25, "strength": 0.8}) == "sigma 1.25 px, strength 0.8"


def test_attributes_are_shown_by_the_name_and_unit_of_the_registry():
    (sharpness, cv) = named_ranges({"sharpness": [1.0, 2.0], "cv": [0.1, 0.2]})
    assert (sharpness.name, sharpness.unit, sharpness.second) == ("sharpness", "8-bit eq./px", 2.0)
    assert (cv.name, cv.unit) == ("coefficient of variation", "")


def test_a_training_without_an_epoch_has_an_empty_figure_that_is_read_again():
    figure = training_figure(TrainingRun(state="queued"))
    assert figure["data"] == []
    assert figure["layout"]["meta"]["poll_s"] > 0


def test_before_the_comparison_there_is_no_table():
    assert comparison_table(TrainingRun()) is None
