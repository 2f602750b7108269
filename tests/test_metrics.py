"""Scores: relabelling, AUROC, forecast errors."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from nri_core.errors import DataError
from nri_core.graph import off_diagonal
from nri_core.metrics import auroc, best_relabelling, calibration, forecast_error, score_edges, static_error
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


def test_a_type_that_sends_nothing_is_not_taken_for_one_that_acts() -> None:
    """All pairs act, says the belief; a quarter do. Renamed freely, it would say that none does."""
    data = truth(sims=40)
    edges = (data.edge_types > 0) & (np.random.default_rng(0).random(data.edge_types.shape) < 0.5)
    data = replace(data, edge_types=edges.astype(int), edge_type_names=("none", "edge"))
    all_act = replace(belief(np.ones_like(data.edge_types), 2), edge_type_names=("none", "type 1"))
    score, share = score_edges(all_act, data), edges[:, off_diagonal(data.num_nodes)].mean()
    assert score.relabelling == (0, 1) and score.accuracy == pytest.approx(share) and share < 0.3
    assert score_edges(replace(all_act, edge_type_names=("type 0", "type 1")), data).accuracy == pytest.approx(1 - share)
    assert best_relabelling(np.array([[5, 9, 9], [80, 0, 10], [70, 2, 0]]), [(0, 0)]) == (0, 2, 1)
    assert best_relabelling(np.array([[5, 9], [80, 1], [10, 20]]), [(0, 0)]) == (0, 0, 1), "a surplus type may be silent too"


def test_surplus_inferred_types_join_the_true_type_they_overlap_most() -> None:
    assert best_relabelling(np.array([[90, 0], [5, 60], [0, 30]])) == (0, 1, 1)


def test_types_that_join_add_up() -> None:
    """Three inferred types for two true ones: what two of them believed is believed of the one they stand for."""
    data = truth(kinds=2)
    joined = belief(data.edge_types, 3).relabelled((0, 1, 1), ("true 0", "true 1"))
    assert np.allclose(joined.edge_probs[:, off_diagonal(data.num_nodes)].sum(-1), 1)
    assert calibration(belief(data.edge_types, 3), data) is not None


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


@pytest.mark.parametrize("confidence", [0.6, 0.8, 0.95])
def test_belief_that_is_right_as_often_as_it_is_sure_is_calibrated(confidence: float) -> None:
    data = truth(sims=400)
    wrong = np.random.default_rng(3).random(data.edge_types.shape) > confidence
    reliability = calibration(belief(np.where(wrong, 1 - data.edge_types, data.edge_types), 2, confidence), data)
    assert reliability.error < 0.03 and reliability.pairs.tolist() == [400 * 12]
    assert reliability.confidence == pytest.approx([confidence])
    boast = calibration(belief(np.where(wrong, 1 - data.edge_types, data.edge_types), 2, 0.999), data)
    assert boast.error == pytest.approx(0.999 - confidence, abs=0.03)


def test_calibration_does_not_mind_what_types_are_called() -> None:
    data = truth(sims=50)
    assert calibration(belief(1 - data.edge_types, 2, 0.9), data).error == pytest.approx(0.1)
    assert calibration(belief(data.edge_types, 2), Trajectories(data.values, data.feature_names)) is None


def test_the_share_of_the_commonest_type_stands_beside_the_accuracy() -> None:
    edges = np.zeros((4, 5, 5), int)
    edges[:, 0, 1:3] = 1  # 2 of 20 pairs
    data = Trajectories(np.random.default_rng(0).normal(size=(4, 3, 5, 2)), ("x", "y"), edge_types=edges, edge_type_names=("none", "spring"))
    score = score_edges(belief(edges, 2), data)
    assert (score.commonest, score.commonest_share) == (0, pytest.approx(0.9))


def test_entropy_is_zero_when_sure_and_a_bit_when_torn_between_two() -> None:
    edges = truth(sims=2).edge_types
    assert belief(edges, 2, confidence=1.0).entropy == pytest.approx([0, 0])
    assert not np.signbit(belief(edges, 2, confidence=1.0).entropy).any(), "else it is written as -0.00 bits"
    assert belief(edges, 2, confidence=0.5).entropy == pytest.approx([1, 1])
    assert belief(edges, 4, confidence=0.25).entropy == pytest.approx([2, 2])
    torn, sure = belief(edges, 2, confidence=0.6), belief(edges, 2, confidence=0.9)
    assert (torn.entropy > sure.entropy).all() and sure.entropy[0] == pytest.approx(-0.9 * np.log2(0.9) - 0.1 * np.log2(0.1))
