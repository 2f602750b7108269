"""How a cell is measured: the reference's protocol, on simulations of seeds that no training sees."""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float

from nri_core.checkpoint import Checkpoint
from nri_core.devices import choose_device
from nri_core.errors import NRIError
from nri_core.inference import infer_edges, rollout
from nri_core.metrics import score_edges
from nri_core.network_baselines import BASELINES
from nri_core.network_baselines.states import lstm_correlation
from nri_core.posterior import EdgePosterior
from nri_core.reproduction.cells import described, law_of, num_nodes, settings_of
from nri_core.reproduction.paper import HORIZONS, TEST_SIMS
from nri_core.reproduction.results import Cell, CellResult
from nri_core.settings import TrainConfig
from nri_core.systems import Simulation, System, simulate
from nri_core.systems.kuramoto import PAPER_FEATURES
from nri_core.training import EpochRecord, fit
from nri_core.trajectories import Trajectories

OBSERVED = 49  # frames of a training simulation, and those that inference reads of a test simulation
TEST_FRAMES = 99
START = 49  # the last true frame before a forecast, counted from 0
VALID_SIMS = 100
MOST_TRAIN_SIMS = 50_000  # the paper's
BLOCK = 500  # training simulations are counted in these
SEEDS = {"train": 101, "valid": 102, "test": 103}


class SystemData:
    """The simulations of one system, made when first asked for; `seconds` bounds the making of those to train on."""

    def __init__(self, law: System, nodes: int, *, seconds: float, test_sims: int) -> None:
        self.law, self.nodes, self.seconds, self.test_sims = law, nodes, seconds, test_sims

    @cached_property
    def test(self) -> Trajectories:
        """What every figure is measured on."""
        return self._made("test", self.test_sims, TEST_FRAMES)

    @cached_property
    def valid(self) -> Trajectories:
        """For the choice of the best epoch, where the recipe makes one."""
        return self._made("valid", VALID_SIMS, OBSERVED)

    @cached_property
    def train(self) -> Trajectories:
        """As many as the time allows, up to the paper's number."""
        started = time.perf_counter()
        self._made("train", BLOCK, OBSERVED)
        affordable = int(self.seconds / (time.perf_counter() - started))
        return self._made("train", BLOCK * min(max(affordable, 1), MOST_TRAIN_SIMS // BLOCK), OBSERVED)

    def _made(self, part: str, num_sims: int, num_steps: int) -> Trajectories:
        made = simulate(self.law, Simulation(num_sims=num_sims, num_nodes=self.nodes, num_steps=num_steps, seed=SEEDS[part]))
        return replace(made, values=made.values.astype(np.float32))  # all that training reads, at half the memory


class Bench:
    """Runs cells; keeps the simulations that they share."""

    def __init__(self, *, seconds_for_data: float, test_sims: int, device: str, threads: int) -> None:
        self.amounts = {"seconds": seconds_for_data, "test_sims": test_sims}
        self.device, self.threads = choose_device(device), threads
        self._data: dict[tuple[str, str], SystemData] = {}

    def data(self, cell: Cell) -> SystemData:
        """Both recipes see the same simulations, perhaps as other features."""
        law = law_of(cell)
        key = (cell.system, law.model_dump_json())
        if key not in self._data:
            self._data[key] = SystemData(law, num_nodes(cell.system), **self.amounts)
        return self._data[key]

    def run(self, cell: Cell, seconds: float) -> CellResult:
        """Train for at most `seconds` and measure; what fails says why."""
        try:
            return self._measured(cell, seconds)
        except (NRIError, RuntimeError, MemoryError) as error:  # too little memory on a device is a RuntimeError
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            return CellResult(**described(cell), finished=False, failure=reason)

    def _measured(self, cell: Cell, seconds: float) -> CellResult:
        data, settings = self.data(cell), settings_of(cell)
        known = described(cell) | {"features": data.test.feature_names, "test_sims": data.test.num_sims}
        well_measured = data.test.num_sims >= TEST_SIMS
        if settings is None:
            known["finished"] = well_measured
            return CellResult(**known, **MEASURES[cell.method](None, data.test))
        precision = "tf32" if self.device.type == "cuda" and cell.recipe == "paper" else settings.precision
        settings = settings.model_copy(update={"max_seconds": seconds, "threads": self.threads, "precision": precision})
        train, valid, last = data.train, data.valid, None  # made before the clock of the training starts
        for last in fit(train, valid, settings, device=str(self.device)):
            pass
        return CellResult(
            **known | {"recipe_settings": settings.model_dump(mode="json")},
            **MEASURES[cell.method](last.checkpoint, data.test),
            objective=settings.objective,
            seconds=round(last.seconds, 1),
            draws=last.samples,
            train_sims=train.num_sims,
            finished=well_measured and _finished(last, settings),
            device=str(self.device),
        )


def _finished(last: EpochRecord, settings: TrainConfig) -> bool:
    """Whether every draw that the recipe asks for was made."""
    return last.epoch == settings.epochs and last.samples >= settings.epochs * settings.epoch_size * 0.99


def static(_: Checkpoint | None, test: Trajectories) -> dict[str, Any]:
    """Nothing moves."""
    return {"mse": errors(np.repeat(test.values[:, START, None], HORIZONS[-1], axis=1), test)}


def correlated(_: Checkpoint | None, test: Trajectories) -> dict[str, Any]:
    """Which paths are alike."""
    observed = test.select(slice(None), frames=slice(0, OBSERVED))
    return {"edge_accuracy": score_edges(BASELINES["correlation"](observed), test).accuracy, "inference": "correlation"}


def read_and_forecast(checkpoint: Checkpoint, test: Trajectories) -> dict[str, Any]:
    """The graph from the observed frames, by the recipe's own way and by the encoder alone; a free rollout under it."""
    own = infer_edges(checkpoint, test)
    by_encoder = (
        None if checkpoint.model.encoder is None else score_edges(infer_edges(checkpoint, test, inference="encoder"), test).accuracy
    )
    forecast = {} if checkpoint.model.decoder is None else {"mse": forecast_errors(checkpoint, test, own)}
    accuracy = score_edges(own, test).accuracy
    return {"edge_accuracy": accuracy, "edge_accuracy_encoder": by_encoder, "inference": own.inference, **forecast}


def forecast_without_graph(checkpoint: Checkpoint, test: Trajectories) -> dict[str, Any]:
    """Every pair alike."""
    return {"mse": forecast_errors(checkpoint, test, None)}


def correlate_states(checkpoint: Checkpoint, test: Trajectories) -> dict[str, Any]:
    """Corr. (LSTM), and the forecast of the LSTM that sees one node at a time."""
    accuracy = score_edges(lstm_correlation(test, lstm=checkpoint), test).accuracy
    return {"edge_accuracy": accuracy, "inference": "state_correlation", **forecast_without_graph(checkpoint, test)}


def forecast_true_graph(checkpoint: Checkpoint, test: Trajectories) -> dict[str, Any]:
    """Told the edges, in training and now."""
    return {"mse": forecast_errors(checkpoint, test, EdgePosterior.certain(test.edge_types, checkpoint.edge_type_names, test.node_names, "true"))}


MEASURES: dict[str, Callable[[Checkpoint | None, Trajectories], dict[str, Any]]] = {
    "static": static,
    "correlation": correlated,
    "lstm": correlate_states,
    "joint_lstm": forecast_without_graph,
    "marginal": read_and_forecast,
    "nri": read_and_forecast,
    "nri_simulated": read_and_forecast,
    "supervised": read_and_forecast,
    "true_graph": forecast_true_graph,
    "full_graph": forecast_without_graph,
}


def forecast_errors(checkpoint: Checkpoint, test: Trajectories, graph: EdgePosterior | None) -> dict[str, float]:
    """Free rollout from the true frame 49, as the reference's test does."""
    return errors(rollout(checkpoint, test, graph, start=START, num_steps=HORIZONS[-1]).values, test)


def errors(forecast: Float[np.ndarray, "sim horizon node dim"], test: Trajectories) -> dict[str, float]:
    """Mean squared error over simulations, nodes and features at each horizon, in the paper's units."""
    scale, dims = units(test)
    difference = (forecast - test.values[:, START + 1 : START + 1 + forecast.shape[1]])[..., dims] / scale
    by_horizon = np.square(difference.astype(np.float64)).mean((0, 2, 3))
    return {str(horizon): float(by_horizon[horizon - 1]) for horizon in HORIZONS}


# Half the range of locations and of velocities over 50,000 training simulations: the reference's units are its training
# set's, but errors in units that move with a cell's budget could not be compared.
HALF_RANGES: dict[tuple[str, int], tuple[float, float]] = {
    ("springs", 5): (4.308, 1.546),
    ("charged", 5): (5.0, 6.450),
    ("springs", 10): (3.889, 2.055),
    ("charged", 10): (5.0, 8.087),
}


def units(test: Trajectories) -> tuple[Float[np.ndarray, "*#sim dim"], list[int]]:
    """What 1 means in each feature that the paper's errors are taken over, and which features those are."""
    if "omega" not in test.feature_names:
        location, velocity = HALF_RANGES[test.metadata["system"], test.num_nodes]
        return np.array([velocity if name in ("vx", "vy") else location for name in test.feature_names]), list(range(4))
    dims = [test.feature_names.index(name) for name in PAPER_FEATURES]
    if "phase" not in test.feature_names:
        return np.ones(len(dims)), dims
    return _kuramoto_scale(test), dims


def _kuramoto_scale(test: Trajectories) -> Float[np.ndarray, "sim 1 node 3"]:
    """The paper scales each oscillator's rate by its own extremes; one that is constant is 0 whatever is forecast."""
    rate = test.values[..., test.feature_names.index("dphi")]
    half = (rate.max(1, keepdims=True) - rate.min(1, keepdims=True)) / 2
    return np.stack([np.where(half > 1e-6, half, np.inf), np.ones_like(half), np.full_like(half, 4.5)], axis=-1)
