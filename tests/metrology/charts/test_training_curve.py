from __future__ import annotations

import json
import math

import plotly.graph_objects as go

from metrology.charts.training_curve import training_curve, training_summary


def test_losses_are_drawn_over_epochs_from_one_and_the_best_is_marked():
    figure = training_curve([3.0, 2.0, 1.5], [3.1, 2.2, 2.4], best_epoch=2)
    assert [trace["meta"]["role"] for trace in figure["data"]] == ["train", "validation"]
    assert [trace["name"] for trace in figure["data"]] == ["training", "validation"]
    assert figure["data"][1]["x"] == [1, 2, 3]
    assert [(shape["name"], shape["x0"]) for shape in figure["layout"]["shapes"]] == [("best", 2)]
    assert go.Figure(figure).to_dict()["data"]


def test_a_loss_that_is_no_number_leaves_a_gap():
    figure = training_curve([3.0, math.nan], [None, math.inf])
    assert figure["data"][0]["y"] == [3.0, None]
    assert figure["data"][1]["y"] == [None, None]
    assert "color" not in json.dumps(figure, allow_nan=False)


def test_the_sentence_says_how_far_it_is():
    assert training_summary([3.0, 2.0], [3.1, 2.2], best_epoch=2) == (
        "2 epochs, training loss 2, validation loss 2.2; best epoch 2."
    )
    assert training_summary([], []) == "No epoch is finished yet."
    assert training_curve([], [])["data"] == []
