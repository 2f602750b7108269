"""Reading graphs: by the encoder, exactly, per receiver, by search; one answer each for sizes the model never saw."""

from pathlib import Path

import pytest

from nri_core.checkpoint import Checkpoint
from nri_core.errors import CheckpointError
from nri_core.inference import infer_edges
from nri_core.metrics import score_edges
from nri_core.systems import Simulation, Springs, simulate

SHIPPED = Path(__file__).parents[1] / "sample_data" / "models" / "springs5"


@pytest.fixture(scope="module")
def shipped() -> Checkpoint:
    return Checkpoint.load(SHIPPED)


@pytest.mark.parametrize(
    ("num_nodes", "way", "least"), [(2, "exact", 0.99), (3, "exact", 0.99), (5, "exact", 0.999), (8, "per receiver", 0.999), (14, "search", 0.95)]
)
def test_the_springs5_decoder_reads_other_sizes_as_it_is(shipped: Checkpoint, num_nodes: int, way: str, least: float) -> None:
    data = simulate(Springs(), Simulation(num_sims=20, num_nodes=num_nodes, seed=77))
    posterior = infer_edges(shipped, data)
    assert posterior.inference == way and posterior.edge_type_names == ("none", "type 1")
    assert score_edges(posterior, data).accuracy >= least


def test_inference_reads_the_first_frames_of_longer_data(shipped: Checkpoint) -> None:
    data = simulate(Springs(), Simulation(num_sims=5, num_steps=80, seed=5))
    short = data.select(slice(None), frames=slice(0, 49))
    assert (infer_edges(shipped, data).edge_probs == infer_edges(shipped, short).edge_probs).all()


def test_one_simulation_is_read_like_many(shipped: Checkpoint) -> None:
    data = simulate(Springs(), Simulation(num_sims=150, num_nodes=5, seed=5))
    alone = infer_edges(shipped, data.select(slice(140, 141)), inference="encoder")
    together = infer_edges(shipped, data, inference="encoder")
    assert abs(alone.edge_probs - together.edge_probs[140:141]).max() < 1e-4


def test_another_way_of_inference_is_refused(shipped: Checkpoint) -> None:
    with pytest.raises(CheckpointError, match="found 'magic'"):
        infer_edges(shipped, simulate(Springs(), Simulation(num_sims=2, num_steps=10)), inference="magic")
