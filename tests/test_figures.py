"""Figures: which way round, what the axes say, what is left out."""

import numpy as np
import plotly.graph_objects as go
import pytest

from nri_core.metrics import Calibration
from nri_core.sensitivity import Point
from ui import curves, figures

TYPES, NODES = ("none", "spring"), ("a", "b", "c")


def records(count: int) -> list[dict[str, float | None]]:
    shown = {"loss": 2.0, "valid_loss": 2.5, "edge_accuracy": 0.75, "edge_accuracy_encoder": None}
    return [{"seconds": float(epoch), **shown} for epoch in range(1, count + 1)]


def every_figure() -> list[go.Figure]:
    probs = np.full((3, 3, 2), 0.5)
    errors = np.array([0.1, 0.2])
    return [
        curves.losses(records(3)),
        curves.accuracies(records(3)),
        figures.true_matrix(np.zeros((3, 3), int), TYPES, NODES),
        figures.inferred_matrix(probs, TYPES, NODES),
        figures.errors_by_horizon(errors, errors[None], errors[None], system=1),
        figures.reliability(Calibration(np.array([0.6, 0.9]), np.array([0.5, 0.95]), np.array([10, 40]), 0.06)),
    ]


def cells(figure: go.Figure, name: str) -> np.ndarray:
    """Where the heatmap of one edge type is filled."""
    names = [trace.name for trace in figure.data if trace.type == "scatter"]
    heatmaps = [trace for trace in figure.data if trace.type == "heatmap"]
    return np.isfinite(np.array(heatmaps[names.index(name)].z, float))


@pytest.mark.parametrize("figure", every_figure(), ids=lambda figure: figure.layout.title.text)
def test_every_axis_says_what_it_is(figure: go.Figure) -> None:
    """By a title, or, where there is no room for one, by the unit at its ticks."""
    x, y = figure.layout.xaxis, figure.layout.yaxis
    assert figure.layout.title.text and (x.title.text or x.ticksuffix == " s") and y.title.text


def test_a_row_of_the_matrix_receives() -> None:
    edges = np.zeros((3, 3), int)
    edges[0, 2] = 1  # a receives from c
    figure = figures.true_matrix(edges, TYPES, NODES)
    assert figure.layout.yaxis.title.text == "Receiver" and figure.layout.yaxis.autorange == "reversed"
    spring = cells(figure, "spring")
    assert spring[0, 2] and spring.sum() == 1
    assert cells(figure, "none").sum() == 5, "the diagonal stays empty"


def test_the_inferred_matrix_shows_the_most_probable_type_and_its_probability() -> None:
    probs = np.zeros((3, 3, 2))
    probs[..., 1], probs[..., 0] = 0.25, 0.75
    probs[1, 0] = 0.125, 0.875
    figure = figures.inferred_matrix(probs, TYPES, NODES)
    assert np.argwhere(cells(figure, "spring")).tolist() == [[1, 0]]
    written = {text for trace in figure.data if trace.type == "heatmap" for row in trace.text for text in row}
    assert written == {"", "0.75", "0.88"}


def test_a_cell_without_a_number_is_certain() -> None:
    probs = np.zeros((3, 3, 2))
    probs[..., 0] = 1.0
    assert {text for trace in figures.inferred_matrix(probs, TYPES, NODES).data if trace.type == "heatmap" for row in trace.text for text in row} == {""}


def test_one_wild_system_moves_the_mean_and_not_the_median() -> None:
    errors = np.array([[0.1, 0.2], [0.1, 0.2], [0.1, 90.0]])
    lines = {trace.name: trace.y[1] for trace in figures.errors_by_horizon(errors[0], errors, errors, system=1).data}
    assert lines["median of all systems"] == 0.2 and lines["mean of all systems"] > 30


def test_what_is_not_known_is_not_drawn() -> None:
    assert [trace.name for trace in curves.accuracies(records(2)).data] == ["best way"]


def test_an_accuracy_below_that_of_two_types_by_chance_is_in_sight() -> None:
    low, _ = curves.accuracies([{"seconds": 1.0, "edge_accuracy": 0.75, "edge_accuracy_encoder": 0.31}]).layout.yaxis.range
    assert low < 31 and curves.accuracies(records(2)).layout.yaxis.range[0] == 45


def test_one_epoch_is_visible_as_a_point() -> None:
    assert {trace.mode for trace in curves.losses(records(1)).data} == {"markers"}


def test_accuracy_against_noise_has_a_place_for_each_value_and_a_band() -> None:
    points = [Point(0.0, 8, 0.9, 0.1, 0.8, 1.0, 0.5), Point(0.1, 8, why="too noisy"), Point(1.0, 8, 0.6, 0.1, 0.4, 0.7, 0.5)]
    figure = figures.accuracy_by({"<i>mine</i>": points, "other": []}, (0.0, 0.1, 1.0, 2.0), "Noise", spaced=True)
    low, high, mean, *_, beat = figure.data
    assert list(mean.x) == ["0", "1"] and list(mean.y) == [90, 60] and mean.name == "&lt;i&gt;mine&lt;/i&gt;"
    assert (low.y, high.y) == ((80, 40), (100, 70)) and high.fill == "tonexty"
    assert list(beat.y) == [50, 50]
    assert list(figure.layout.xaxis.categoryarray) == ["0", "0.1", "1", "2"], "what is still to come has its place"
    assert figures.accuracy_by({"mine": []}, (3.0, 49.0), "Frames").layout.xaxis.type == "log"
