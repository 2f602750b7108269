"""All graphs of a system, by how well a model predicts under each: the sum that inference takes, and the search that needs no label."""

from pathlib import Path

import numpy as np
import pytest

from nri_core.candidates import Candidates, unexplained
from nri_core.checkpoint import Checkpoint
from nri_core.errors import CheckpointError
from nri_core.graph import off_diagonal
from nri_core.inference import infer_edges
from nri_core.trajectories import Trajectories

SAMPLE_DATA = Path(__file__).parents[1] / "sample_data"


@pytest.fixture(scope="module")
def model() -> Checkpoint:
    return Checkpoint.load(SAMPLE_DATA / "models" / "springs5")


@pytest.fixture(scope="module")
def data() -> Trajectories:
    return Trajectories.load(SAMPLE_DATA / "springs5.npz").select(slice(0, 2), frames=slice(0, 12))


@pytest.fixture(scope="module")
def candidates(model: Checkpoint, data: Trajectories) -> Candidates:
    return Candidates.of(model, data)


def test_their_numbers_name_them(candidates: Candidates) -> None:
    assert len(candidates.log_probs) == 1024
    for number in (0, 1, 512, 777, 1023):
        assert candidates.number(candidates.graph(number)) == number
    assert candidates.graph(512)[0, 1] == candidates.graph(512)[1, 0] == 1 and candidates.graph(512).sum() == 2


def test_their_weights_are_the_posterior(model: Checkpoint, data: Trajectories, candidates: Candidates) -> None:
    weights = candidates.log_probs * data.num_nodes * (data.num_steps - 1)
    weights = np.exp(weights - weights.max())
    graphs = np.stack([candidates.graph(number) for number in range(1024)])
    marginal = np.einsum("g,gij->ij", weights / weights.sum(), graphs)
    expected = infer_edges(model, data, inference="decoder").edge_probs[0, ..., 1]
    np.testing.assert_allclose(marginal, expected, atol=1e-4)


def test_the_search_climbs_to_the_hidden_graph(data: Trajectories, candidates: Candidates) -> None:
    graph, ranks = np.zeros((5, 5), int), []
    for _ in range(20):
        ranks.append(candidates.rank(graph))
        better = candidates.better(graph)
        if np.array_equal(better, graph):
            break
        assert (better != graph).sum() in (2, 4)
        graph = better
    assert ranks == sorted(ranks, reverse=True) and ranks[-1] == 1
    np.testing.assert_array_equal(graph, data.edge_types[0])
    np.testing.assert_array_equal(candidates.best(), graph)


def test_the_true_graph_explains_the_motion(model: Checkpoint, data: Trajectories) -> None:
    wrong = (1 - data.edge_types) * off_diagonal(5)
    right_share, wrong_share = (unexplained(model, data, graph).mean() for graph in (data.edge_types, wrong))
    assert right_share < 0.05 < 0.5 < wrong_share


def test_systems_with_too_many_graphs_are_refused(model: Checkpoint) -> None:
    ten = Trajectories.load(SAMPLE_DATA / "springs10.npz").select(slice(0, 1), frames=slice(0, 6))
    with pytest.raises(CheckpointError, match="one by one"):
        Candidates.of(model, ten)
