"""What nobody observed neither counts nor matters: in normalising, calibrating, every encoder, decoder and objective, and in what is read and forecast."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from jaxtyping import Bool

from nri_core.checkpoint import Checkpoint
from nri_core.dataset import Normalizer, as_tensor, sightings
from nri_core.errors import DataError
from nri_core.evaluation import evaluate
from nri_core.inference import infer_edges, rollout
from nri_core.meaning import edge_type_meanings
from nri_core.metrics import forecast_error, mean_over_sims, score_edges, static_error
from nri_core.models import NRI
from nri_core.models.objectives import OBJECTIVES, Batch
from nri_core.models.search import search
from nri_core.network_baselines import BASELINES
from nri_core.settings import PRESETS, TrainConfig
from nri_core.systems import Kuramoto, Simulation, Springs, simulate
from nri_core.training import fit
from nri_core.trajectories import Trajectories

TINY = {"epochs": 2, "epoch_size": 6, "batch_size": 3, "encoder_hidden": 4, "decoder_hidden": 4, "window": 16}
PAPER = TINY | {"objective": "elbo", "inference": "encoder", "symmetries": False}
RECIPES = {
    "live": TINY,
    "law": TINY | {"forecaster": "stepped", "forecast_members": 1, "inference": "law"},
    "three types": TINY | {"num_edge_types": 3, "undirected": False},
    "marginal": TINY | {"objective": "marginal", "encoder": "none", "decoder": "mlp"},
    "mlp": PAPER | {"encoder": "mlp", "decoder": "mlp", "likelihood": "scaled"},
    "cnn": PAPER | {"encoder": "cnn", "decoder": "rnn", "burn_in": 4},
    "simulated": PAPER | {"decoder": "simulated", "likelihood": "gaussian", "prediction_steps": 3},
    "lstm": TINY | {"encoder": "none", "decoder": "lstm", "objective": "full_graph", "inference": "none", "burn_in": 4},
    "phase": TINY | {"encoder": "phase", "decoder": "phase", "symmetries": False},
}


def gaps(data: Trajectories, *, share: float = 0.2) -> Bool[np.ndarray, "sim time node"]:
    """Random frames, a node that comes late, one that leaves early, and one that never came."""
    observed = np.random.default_rng(0).random(data.values.shape[:3]) > share
    observed[0, :6, 0] = observed[0, -6:, 1] = observed[1, :, 2] = False
    return observed


def masked(data: Trajectories, *, junk: float = np.nan) -> Trajectories:
    observed = gaps(data)
    return replace(data, values=np.where(observed[..., None], data.values, junk), observed=observed)


FAST = ("mlp",)  # the others search all graphs, twice
EACH = [name if name in FAST else pytest.param(name, marks=pytest.mark.slow) for name in RECIPES]


@pytest.fixture(scope="module")
def springs() -> Trajectories:
    return simulate(Springs(), Simulation(num_sims=6, num_steps=24))


@pytest.fixture(scope="module")
def phases() -> Trajectories:
    return simulate(Kuramoto(), Simulation(num_sims=6, num_steps=24))


def trained(data: Trajectories, recipe: str) -> tuple[Checkpoint, float]:
    for record in fit(data, data, TrainConfig(**RECIPES[recipe]), device="cpu"):
        pass
    return record.checkpoint, record.valid_loss


@pytest.mark.parametrize("recipe", EACH)
def test_what_was_not_seen_does_not_matter(recipe: str, springs: Trajectories, phases: Trajectories) -> None:
    data = phases if recipe == "phase" else springs
    found = []
    for junk in (np.nan, 1e6):
        given = masked(data, junk=junk)
        checkpoint, loss = trained(given, recipe)
        start = checkpoint.config.window - 1
        own = None if recipe == "lstm" else infer_edges(checkpoint, given)
        forecast = rollout(checkpoint, given, own, start=start, num_steps=5)
        assert np.isfinite(loss) and np.isfinite(forecast.values).all()
        meanings = () if own is None else tuple(meaning.effect for meaning in edge_type_meanings(checkpoint, given, own))
        found.append((loss, None if own is None else own.edge_probs.tobytes(), forecast.values.tobytes(), meanings, evaluate(checkpoint, given)))
    assert found[0] == found[1]


@pytest.mark.parametrize("recipe", EACH)
def test_a_mask_without_gaps_is_no_mask(recipe: str, springs: Trajectories, phases: Trajectories) -> None:
    data = phases if recipe == "phase" else springs
    whole = replace(data, observed=np.ones(data.values.shape[:3], bool))
    weights = [trained(given, recipe)[0].model.state_dict() for given in (data, whole)]
    assert all(torch.equal(value, weights[1][name]) for name, value in weights[0].items())


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_masked_path_agrees_with_the_other(recipe: str, springs: Trajectories, phases: Trajectories) -> None:
    """Given a mask of nothing but sightings, every objective gives the loss it gives without one."""
    model, values, config = network(recipe, phases if recipe == "phase" else springs)
    everything = torch.ones(values.shape[:3], dtype=torch.bool)
    losses = [loss_of(model, Batch(values, observed=observed), config) for observed in (None, everything)]
    assert torch.allclose(*losses, rtol=1e-5)


@pytest.mark.parametrize("recipe", [name for name in RECIPES if name != "law"])
def test_fillings_get_no_gradient(recipe: str, springs: Trajectories, phases: Trajectories) -> None:
    """Not even the straight line that fills a gap is looked at."""
    data = masked(phases if recipe == "phase" else springs)
    model, values, config = network(recipe, data)
    observed = sightings(data.select(slice(None), frames=slice(0, 16)), values.device)
    values.requires_grad_()
    loss_of(model, Batch(values, observed=observed), config).backward()
    assert values.grad[observed].abs().sum() > 0
    assert not values.grad[~observed].any()


def network(recipe: str, data: Trajectories) -> tuple[NRI, torch.Tensor, TrainConfig]:
    """Untrained; the values are those of the first frames."""
    config = TrainConfig(**RECIPES[recipe])
    first = data.select(slice(None), frames=slice(0, config.window))
    normalizer = Normalizer.fit(data, config.normalization)
    values = as_tensor(first, normalizer, torch.device("cpu"))
    torch.manual_seed(0)
    model = NRI(config, feature_names=data.feature_names, num_nodes=data.num_nodes, window=config.window)
    if config.decoder == "simulated":
        model.decoder.use_units(normalizer)
    model.calibrate(values, sightings(first, values.device))
    return model, values, config


def loss_of(model: NRI, batch: Batch, config: TrainConfig) -> torch.Tensor:
    return OBJECTIVES[config.objective](model, batch, config, torch.Generator().manual_seed(0)).terms["loss"]


@pytest.mark.slow
def test_large_graphs_are_searched_around_gaps() -> None:
    """Fifteen nodes: expectation propagation and climbing instead of tables."""
    data = simulate(Springs(), Simulation(num_sims=3, num_nodes=15, num_steps=20))
    model, _, config = network("live", data)
    posteriors = []
    for junk in (np.nan, -1e6):
        first = masked(data, junk=junk).select(slice(None), frames=slice(0, config.window))
        values = as_tensor(first, Normalizer.fit(data, config.normalization), torch.device("cpu"))
        with torch.no_grad():
            posteriors.append(search(model, values, sightings(first, values.device)))
    assert torch.isfinite(posteriors[0]).all()
    assert torch.equal(*posteriors)


@given(st.integers(0, 2**12 - 1))
@settings(max_examples=30, deadline=None)
def test_gaps_are_bridged_by_straight_lines(bits: int) -> None:
    observed = np.array([bits >> frame & 1 for frame in range(12)], bool)
    line = 3.0 + 0.5 * np.arange(12.0)
    values = np.stack([np.where(observed, line, np.nan), line], axis=-1)[None, :, :, None]
    data = Trajectories(values, ("x",), observed=np.stack([observed, np.ones(12, bool)], axis=-1)[None]).filled()
    filled, places = data.values[0, :, 0, 0], np.flatnonzero(observed)
    expected = np.clip(np.arange(12), places[0], places[-1]) if len(places) else None
    assert np.allclose(filled, line.mean() if expected is None else line[expected])
    assert (data.values[0, :, 1, 0] == line).all()


def test_scales_come_from_what_was_seen(springs: Trajectories) -> None:
    observed = gaps(springs)
    given = replace(springs, values=np.where(observed[..., None], springs.values, 1e9), observed=observed)
    for kind in ("unit", "standard"):
        assert max(np.abs(np.array(Normalizer.fit(given, kind).scale) / Normalizer.fit(springs, kind).scale - 1)) < 0.2


def test_forecasts_are_judged_by_what_was_seen(springs: Trajectories) -> None:
    forecast = replace(springs.select(slice(None), frames=slice(11, 16)), metadata={"start": 10, "unit_scale": [1.0] * 4})
    observed = np.ones(springs.values.shape[:3], bool)
    observed[:, 12, 1] = observed[2, 10] = False
    off = springs.values.copy()
    off[:, 12, 1] = 1e6
    off[:, 11, 0] += 1.0
    errors = forecast_error(forecast, replace(springs, values=off, observed=observed))
    assert np.allclose(np.delete(errors, 2, axis=0), [1 / 5, 0, 0, 0, 0])
    assert np.isnan(errors[2]).all()
    assert np.allclose(mean_over_sims(errors), [1 / 5, 0, 0, 0, 0])
    assert np.isnan(static_error(forecast, replace(springs, observed=observed))[2]).all()


def test_nobody_seen_twice_is_refused(springs: Trajectories) -> None:
    observed = np.zeros(springs.values.shape[:3], bool)
    observed[:, ::2] = True
    with pytest.raises(DataError, match="seen together in two frames in a row"):
        next(fit(replace(springs, observed=observed), springs, TrainConfig(**TINY), device="cpu"))


@pytest.mark.parametrize("name", [name for name in BASELINES if name != "known_law"])
def test_baselines_bridge_gaps(name: str, springs: Trajectories) -> None:
    few = np.ones(springs.values.shape[:3], bool)
    few[:, 5:8, 1] = False
    posteriors = [BASELINES[name](replace(springs, values=np.where(few[..., None], springs.values, junk), observed=few)) for junk in (np.nan, 1e6)]
    assert (posteriors[0].edge_probs == posteriors[1].edge_probs).all()


@pytest.mark.slow
def test_learns_from_data_with_a_third_missing() -> None:
    """Springs, 30 % of all sightings gone: what is left tells the graph all the same."""
    whole = simulate(Springs(), Simulation(num_sims=300, seed=1))
    observed = np.random.default_rng(0).random(whole.values.shape[:3]) > 0.3
    data = replace(whole, values=np.where(observed[..., None], whole.values, np.nan), observed=observed)
    config = PRESETS["live"].model_copy(update={"epochs": 12})
    for record in fit(data.select(slice(0, 250)), data.select(slice(250, None)), config, device="cpu"):
        pass
    held_out = data.select(slice(250, None))
    assert score_edges(infer_edges(record.checkpoint, held_out), held_out).accuracy > 0.97
