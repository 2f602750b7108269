"""Scores: relabelling, AUROC, forecast errors."""

import itertools

import numpy as np
import pytest

from nri_core.errors import DataError
from nri_core.graph import off_diagonal
from nri_core.metrics import auroc, best_relabelling, forecast_error, score_edges, static_error
from nri_core.posterior import EdgePosterior
from nri_core.trajectories import Trajectories


def truth(kinds: int = 2, nodes: int = 4, sims: int = 6, seed: int = 0) -> Trajectories:
    generator = np.random.default_rng(seed)
    edges = generator.integers(0, kinds, (sims, nodes, nodes))
    names = tuple(f"true {kind}" for kind in range(kinds))
    return Trajectories(generator.normal(size=(sims, 9, nodes, 2)), ("x", "y"), edge_types=edges, edge_type_names=names)


def belief(edge_types: np.ndarray, kinds: int, confidence: float = 0.9) -> EdgePosterior:
    probs = np.full((*edge_types.shape, kinds), (1 - confidence) / (kinds - 1))
    np.put_along_axis(probs, edge_types[..., None], confidence, axis=-1)
    probs[:, ~off_diagonal(edge_types.shape[1])] = 0
    nodes = tuple(str(node) for node in range(edge_types.shape[1]))
    return EdgePosterior(probs, tuple(f"type {kind}" for kind in range(kinds)), nodes, "encoder")


@pytest.mark.parametrize("relabelling", list(itertools.permutations(range(3))))
def test_any_renaming_of_the_types_scores_the_same(relabelling: tuple[int, ...]) -> None:
    data = truth(kinds=3)
    inverse = np.argsort(relabelling)
    score = score_edges(belief(inverse[data.edge_types], 3), data)
    assert score.accuracy == 1 and score.relabelling == relabelling
    assert (score.accuracy_by_sim == 1).all()
    assert (score.accuracy_raw == 1) == (relabelling == (0, 1, 2))


def test_one_relabelling_holds_for_the_whole_set() -> None:
    """Half of the simulations flipped is half wrong: not perfect twice."""
    data = truth(sims=10)
    edges = data.edge_types.copy()
    edges[:5] = 1 - edges[:5]
    score = score_edges(belief(edges, 2), data)
    assert score.accuracy == pytest.approx(0.5)
    assert set(score.accuracy_by_sim.tolist()) == {0.0, 1.0}


def test_best_relabelling_beats_every_other_assignment() -> None:
    generator = np.random.default_rng(1)
    for _ in range(50):
        confusion = generator.integers(0, 100, (4, 4))
        best = max(sum(confusion[k, p[k]] for k in range(4)) for p in itertools.permutations(range(4)))
        assert sum(confusion[k, kind] for k, kind in enumerate(best_relabelling(confusion))) == best


def test_surplus_inferred_types_join_the_true_type_they_overlap_most() -> None:
    assert best_relabelling(np.array([[90, 0], [5, 60], [0, 30]])) == (0, 1, 1)


def test_auroc_counts_pairs_in_order() -> None:
    score, positive = np.array([0.1, 0.4, 0.35, 0.8, 0.4]), np.array([False, False, True, True, True])
    ordered = [(s > t) + 0.5 * (s == t) for s, t in itertools.product(score[positive], score[~positive])]
    assert auroc(score, positive) == pytest.approx(np.mean(ordered))
    assert auroc(score, np.ones(5, bool)) is None


def test_no_truth_no_score_and_other_shapes_are_refused() -> None:
    data = truth()
    unlabelled = Trajectories(data.values.copy(), ("x", "y"))
    assert score_edges(belief(data.edge_types, 2), unlabelled) is None
    with pytest.raises(DataError, match="posterior of 6 simulations"):
        score_edges(belief(data.edge_types[:3], 2), data)


def test_types_that_change_over_time_are_scored_frame_by_frame() -> None:
    data = truth()
    over_time = np.repeat(data.edge_types[:, None], 9, axis=1)
    over_time[:, 6:] = 1 - over_time[:, 6:]
    moving = Trajectories(data.values.copy(), ("x", "y"), edge_types=over_time)
    assert score_edges(belief(data.edge_types, 2), moving).accuracy == pytest.approx(6 / 9)


def test_forecast_error_is_in_the_units_it_carries() -> None:
    data = truth()
    ahead = data.values[:, 4:8] + np.array([2.0, 0.0])
    forecast = Trajectories(ahead, ("x", "y"), metadata={"start": 3, "unit_scale": [2.0, 5.0]})
    assert np.allclose(forecast_error(forecast, data), 0.5)
    still = static_error(forecast, data)
    expected = np.square((data.values[:, 3] - data.values[:, 5]) / [2.0, 5.0]).mean((1, 2))
    assert still.shape == (6, 4) and np.allclose(still[:, 1], expected)


def test_a_forecast_past_the_end_is_scored_as_far_as_the_truth_goes() -> None:
    data = truth()
    forecast = Trajectories(np.zeros((6, 50, 4, 2)), ("x", "y"), metadata={"start": 3, "unit_scale": [1.0, 1.0]})
    assert forecast_error(forecast, data).shape == (6, 5)
