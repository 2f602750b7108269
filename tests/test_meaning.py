"""Edge types named by what they do, without labels."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from nri_core.checkpoint import Checkpoint, CheckpointConfig
from nri_core.dataset import Normalizer
from nri_core.inference import infer_edges
from nri_core.meaning import _named, edge_type_meanings
from nri_core.metrics import score_edges
from nri_core.models import NRI, ModelSettings
from nri_core.posterior import EdgePosterior
from nri_core.systems import SYSTEMS, Simulation, simulate
from nri_core.trajectories import Trajectories

MODELS = Path(__file__).parents[1] / "sample_data" / "models"
TRUE_MEANING = {
    "springs5": {"none": "no effect", "spring": "pulls together"},
    "charged5": {"attract": "pulls together", "repel": "pushes apart"},
    "kuramoto5": {"none": "no effect", "coupled": "pulls into step"},
}


def systems(name: str, num_sims: int = 20) -> Trajectories:
    return simulate(SYSTEMS[name](), Simulation(num_sims=num_sims, seed=9))


@pytest.mark.parametrize("name", TRUE_MEANING)
def test_shipped_models_name_their_types_as_the_law_would(name: str) -> None:
    checkpoint, data = Checkpoint.load(MODELS / name), systems(name.rstrip("5"))
    posterior = infer_edges(checkpoint, data)
    unlabelled = replace(data, edge_types=None, edge_type_names=())
    found = [meaning.name for meaning in edge_type_meanings(checkpoint, unlabelled, posterior)]
    relabelling = score_edges(posterior, data).relabelling
    assert found == [TRUE_MEANING[name][data.edge_type_names[kind]] for kind in relabelling]


@pytest.mark.parametrize("name", ["springs", "charged"])
def test_any_decoder_tells_a_type_that_does_nothing_from_one_that_does(name: str) -> None:
    """By the true law as the decoder: springs have a silent type, charges have none."""
    data = systems(name, 4)
    normalizer = Normalizer.fit(data, "unit")
    settings = ModelSettings(decoder="simulated", encoder="mlp", law=name, law_steps=50, skip_first=False)
    model = NRI(settings, feature_names=data.feature_names, num_nodes=5, window=10)
    model.decoder.use_units(normalizer)
    config = CheckpointConfig(
        settings=settings, inference="encoder", feature_names=data.feature_names, window=10, num_nodes=5, dt=data.dt, normalizer=normalizer, unit=normalizer
    )
    probs = np.eye(2)[data.edge_types] * (~np.eye(5, dtype=bool))[..., None]
    truth = EdgePosterior(probs, ("type 0", "type 1"), data.node_names, "truth")
    names = [meaning.name for meaning in edge_type_meanings(Checkpoint(model, config), data, truth)]
    assert names[0] == "no effect" and names[1] == "acts" if name == "springs" else all(found.startswith("acts") for found in names)


def test_types_of_one_sign_are_told_apart_by_their_strength() -> None:
    found = _named(np.array([0.0, -0.05, -0.2, 0.1]), ("pushes", "pulls"))
    assert [meaning.name for meaning in found] == ["no effect", "pulls weakly", "pulls strongly", "pushes"]
    assert [round(meaning.effect, 2) for meaning in found] == [0, -0.25, -1, 0.5]
    assert [meaning.name for meaning in _named(np.array([3.0, 1.0, 2.0]), ("acts", "acts"))] == ["acts, 3 of 3", "acts, 1 of 3", "acts, 2 of 3"]
    assert {meaning.name for meaning in _named(np.zeros(2), ("acts", "acts"))} == {"no effect"}


def test_a_model_without_decoder_names_nothing() -> None:
    data = systems("springs", 2)
    settings = ModelSettings(decoder="none")
    torch.manual_seed(0)
    model = NRI(settings, feature_names=data.feature_names, num_nodes=5, window=10)
    normalizer = Normalizer.fit(data, "unit")
    config = CheckpointConfig(
        settings=settings, inference="encoder", feature_names=data.feature_names, window=10, num_nodes=5, dt=data.dt, normalizer=normalizer, unit=normalizer
    )
    checkpoint = Checkpoint(model, config)
    names = [meaning.name for meaning in edge_type_meanings(checkpoint, data, infer_edges(checkpoint, data))]
    assert names == ["none", "type 1"]
