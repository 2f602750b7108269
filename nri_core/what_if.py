"""What if: other starts, other graphs; what would really follow by the known law, and what a model forecasts.

A graph is int [node, node] = [receiver, sender], a type for each ordered pair; `CUT` stands for no interaction at all, also where no type is silent.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int

from nri_core.checkpoint import Checkpoint
from nri_core.errors import DataError
from nri_core.graph import edge_list, off_diagonal
from nri_core.inference import rollout
from nri_core.metrics import forecast_error
from nri_core.posterior import EdgePosterior
from nri_core.systems import System, couplings, metadata_of, system_of
from nri_core.trajectories import Trajectories

CUT = -1
HORIZON = 20  # frames over which errors are averaged: later ones are decided by chaos
SAMPLES = 20


def law_of(data: Trajectories) -> System | None:
    """The law that simulated the data, as their metadata tell it; None where they tell none, or where a frame is not the whole state."""
    try:
        system = system_of(data.metadata)
    except DataError:
        return None
    return system if data.feature_names == system.feature_names and data.complete else None


def simulate_from(
    system: System, start: Float[np.ndarray, "sim node dim"], edge_types: Int[np.ndarray, "sim node node"], *, num_steps: int, coarseness: int = 1
) -> Trajectories:
    """`num_steps` frames of the law, the first of them `start` itself: float64; the values that go on are those of `simulate`, to the bit.

    What follows from the state (an oscillator's rate and sine) is made to agree with it in the first frame too. `coarseness` > 1
    takes so many steps of the law in one, for a picture while somebody waits. Raises DataError where the motion leaves the finite numbers.
    """
    state, graph = torch.from_numpy(start.astype(np.float64)), torch.from_numpy(edge_types.astype(np.int64))
    with torch.inference_mode():
        pairs = couplings(system, graph.clamp_min(0)) * (graph >= 0)
        frames = [system.advance(state, pairs, num_steps=0)]
        steps = {"num_steps": max(system.steps_per_frame // coarseness, 1), "time_step": system.time_step * coarseness}
        for _ in range(num_steps - 1):
            frames.append(system.advance(frames[-1], pairs, **steps))
        values = torch.stack(frames, dim=1).numpy().copy()
    if not np.isfinite(values).all():
        raise DataError("The law leaves the finite numbers from this start. Move the particles apart, or undo the last change.")
    return Trajectories(
        values,
        system.feature_names,
        dt=system.time_step * system.steps_per_frame,
        edge_types=np.maximum(edge_types, 0),
        edge_type_names=system.edge_type_names,
        metadata=metadata_of(system),
    )


def counterfactual(
    system: System, data: Trajectories, edge_types: Int[np.ndarray, "sim node node"], *, start: int, num_steps: int | None = None, coarseness: int = 1
) -> Trajectories:
    """The data up to the frame `start`, and what the law makes of it from there under `edge_types`: `num_steps` frames in all (None: as many as the data)."""
    frames = data.num_steps if num_steps is None else num_steps
    if not 0 <= start < min(data.num_steps, frames):
        raise DataError(f"Expected a start between frame 0 and {min(data.num_steps, frames) - 1}; found {start}.")
    after = simulate_from(system, data.values[:, start], edge_types, num_steps=frames - start, coarseness=coarseness)
    values = np.concatenate([data.values[:, : start + 1].astype(np.float64), after.values[:, 1:]], axis=1)
    return replace(data, values=values, observed=None)


def edited(graph: Int[np.ndarray, "node node"], changes: Mapping[tuple[int, int], int], *, both_ways: bool) -> Int[np.ndarray, "node node"]:
    """The graph with other types for some (receiver, sender); `both_ways` changes the other direction alike. Raises DataError."""
    graph, nodes = graph.copy(), range(len(graph))
    for (receiver, sender), kind in changes.items():
        if receiver == sender or receiver not in nodes or sender not in nodes:
            raise DataError(f"Expected a pair of two of the nodes 1 to {len(graph)}; found {sender + 1}-{receiver + 1}.")
        graph[receiver, sender] = kind
        if both_ways:
            graph[sender, receiver] = kind
    return graph


def forecasts(checkpoint: Checkpoint, data: Trajectories, graphs: Int[np.ndarray, "graph node node"], *, start: int, num_steps: int) -> Trajectories:
    """What the model predicts for one system under each graph, all in one call: float [graph, time, node, dim].

    Types are numbered as the model does. Raises DataError for more than one system.
    """
    if data.num_sims != 1:
        raise DataError(f"Expected one system; found {data.num_sims}.")
    return rollout(checkpoint, data.select(np.zeros(len(graphs), int)), graphs, start=start, num_steps=num_steps)


@dataclass(frozen=True, eq=False)
class EdgeImportance:
    """How much each pair matters: `pairs` int [pair, 2] = (receiver, sender), one of both directions where the model knows but one.

    error     mean squared forecast error under the graph as it was inferred, in the reference's units, over the horizon
    without   the same with that pair cut
    truly     mean squared distance, same units, between what the law makes of the system with and without the pair; None without a known law
    """

    pairs: Int[np.ndarray, "pair 2"]
    error: float
    without: Float[np.ndarray, " pair"]
    truly: Float[np.ndarray, " pair"] | None

    @property
    def change(self) -> Float[np.ndarray, " pair"]:
        """How much worse the forecast becomes without the pair; negative where it becomes better."""
        return self.without - self.error


def edge_importance(
    checkpoint: Checkpoint,
    data: Trajectories,
    graph: Int[np.ndarray, "node node"],
    *,
    start: int,
    horizon: int = HORIZON,
    system: System | None = None,
    true: Int[np.ndarray, "node node"] | None = None,
    coarseness: int = 1,
) -> EdgeImportance:
    """Cut each pair of one system in turn, in one batch: of the inferred `graph` for the model, of the `true` one (None: the data's) for the law.

    `graph` numbers its types as the model does. Raises DataError where no frame follows `start`, and CheckpointError for a model that cannot forecast.
    """
    ahead = min(horizon, data.num_steps - 1 - start)
    if ahead < 1:
        raise DataError(f"Expected frames after frame {start} to compare a forecast with; these data end at frame {data.num_steps - 1}.")
    both_ways = checkpoint.config.settings.undirected
    pairs = changeable_pairs(data.num_nodes, both_ways=both_ways)
    graphs = _each_cut(graph, pairs, both_ways=both_ways)
    forecast = forecasts(checkpoint, data, graphs, start=start, num_steps=ahead)
    errors = mean_error(forecast, data.select(np.zeros(len(graphs), int)))
    truly = None
    if system is not None and (true is not None or (data.edge_types is not None and data.edge_types.ndim == 3)):
        true = data.edge_types[0] if true is None else true
        *_, moved = what_follows(system, data, _each_cut(true, pairs, both_ways=both_ways), forecast, coarseness=coarseness)
        truly = moved[1:]
    return EdgeImportance(pairs, float(errors[0]), errors[1:], truly)


def _each_cut(graph: Int[np.ndarray, "node node"], pairs: Int[np.ndarray, "pair 2"], *, both_ways: bool) -> Int[np.ndarray, "graph node node"]:
    """The graph as it is, then without each pair in turn."""
    return np.stack([graph, *(edited(graph, {(receiver, sender): CUT}, both_ways=both_ways) for receiver, sender in pairs.tolist())])


def what_follows(
    system: System,
    data: Trajectories,
    graphs: Int[np.ndarray, "graph node node"],
    forecast: Trajectories,
    *,
    horizon: int | None = None,
    coarseness: int = 1,
) -> tuple[Trajectories, Trajectories, Float[np.ndarray, " graph"]]:
    """What the law makes of one system under each graph from the forecast's start on: all of it, the frames that the forecast is about, and how far
    those are from what it makes of the first graph (mean square over `horizon` frames, in the reference's units).

    The first is simulated too: what was recorded, begun again from a frame, drifts away from itself where a system is chaotic.
    """
    same, start = np.zeros(len(graphs), int), forecast.metadata["start"]
    frames = min(start + 1 + forecast.num_steps, data.num_steps)
    worlds = counterfactual(system, data.select(same), graphs, start=start, num_steps=frames, coarseness=coarseness)
    happened = replace(forecast.select(same), values=worlds.values[:, start + 1 :])
    return worlds, happened, mean_error(happened, worlds.select(same), horizon=horizon)


def mean_error(forecast: Trajectories, truth: Trajectories, *, horizon: int | None = None) -> Float[np.ndarray, " sim"]:
    """Mean squared forecast error over the first `horizon` frames ahead (None: all), in the reference's units; NaN where nothing was seen."""
    errors = forecast_error(forecast, truth)[:, :horizon]
    there = ~np.isnan(errors)
    return np.where(there, errors, 0).sum(1) / np.where(there.any(1), there.sum(1), np.nan)


def changeable_pairs(num_nodes: int, *, both_ways: bool) -> Int[np.ndarray, "pair 2"]:
    """(receiver, sender) of every ordered pair, or, where both directions change alike, of every pair once."""
    pairs = np.stack(edge_list(num_nodes), axis=1)
    return pairs[pairs[:, 0] > pairs[:, 1]] if both_ways else pairs


@dataclass(frozen=True, eq=False)
class SampledForecasts:
    """Graphs drawn from a belief, `graphs` int [sample, node, node], and the forecast under each; `distinct` counts the different graphs."""

    graphs: Int[np.ndarray, "sample node node"]
    forecast: Trajectories
    distinct: int

    @cached_property
    def different(self) -> Trajectories:
        """One forecast for each different graph."""
        return self.forecast.select(np.unique(self.graphs, axis=0, return_index=True)[1])


def sampled_forecasts(
    checkpoint: Checkpoint,
    data: Trajectories,
    posterior: EdgePosterior,
    *,
    start: int,
    num_steps: int,
    num_samples: int = SAMPLES,
    temperature: float = 1.0,
    seed: int = 0,
    changes: Mapping[tuple[int, int], int] = MappingProxyType({}),
) -> SampledForecasts:
    """Forecasts of one system under graphs drawn pair by pair from p(z_ij | x)^(1/temperature), normalised; equal seeds draw equal graphs.

    Both directions are drawn as one where the model ties them. `changes`: pairs that have a type whatever is drawn. Raises DataError for a temperature that is not above 0.
    """
    both_ways = checkpoint.config.settings.undirected
    drawn = sampled_graphs(posterior.edge_probs[0], both_ways=both_ways, num_samples=num_samples, temperature=temperature, seed=seed)
    graphs = np.stack([edited(graph, changes, both_ways=both_ways) for graph in drawn])
    distinct, place = np.unique(graphs, axis=0, return_inverse=True)
    forecast = forecasts(checkpoint, data, distinct, start=start, num_steps=num_steps)
    return SampledForecasts(graphs, replace(forecast, values=forecast.values[place.ravel()]), len(distinct))


def sampled_graphs(
    edge_probs: Float[np.ndarray, "node node type"], *, both_ways: bool, num_samples: int, temperature: float, seed: int
) -> Int[np.ndarray, "sample node node"]:
    """Independent draws for each pair; the diagonal is 0."""
    if not temperature > 0 or num_samples < 1:
        raise DataError(f"Expected a temperature above 0 and at least 1 sample; found {temperature} and {num_samples}.")
    nodes = len(edge_probs)
    log_probs = np.log(np.clip(edge_probs, 1e-12, 1)) / temperature
    shares = np.exp(log_probs - log_probs.max(-1, keepdims=True)).cumsum(-1)
    chance = np.random.default_rng(seed).random((num_samples, nodes, nodes, 1)) * shares[..., -1:]
    graphs = (chance > shares).sum(-1) * off_diagonal(nodes)
    return np.tril(graphs) + np.tril(graphs).swapaxes(1, 2) if both_ways else graphs


def answer_to_cut(
    checkpoint: Checkpoint,
    data: Trajectories,
    graph: Int[np.ndarray, "node node"],
    changes: Mapping[tuple[int, int], int],
    *,
    start: int,
    num_steps: int,
) -> tuple[Trajectories, dict[str, Any]]:
    """The forecast under the changed graph, and `error` and `error_changed` of both graphs against the data as they are."""
    both_ways = checkpoint.config.settings.undirected
    graphs = np.stack([graph, edited(graph, changes, both_ways=both_ways)])
    both = forecasts(checkpoint, data, graphs, start=start, num_steps=num_steps)
    before, after = mean_error(both, data.select(np.zeros(2, int)))
    return both.select(slice(1, 2)), {"error": float(before), "error_changed": float(after)}


def answer_of_law(
    system: System,
    data: Trajectories,
    true: Int[np.ndarray, "node node"],
    changed: Int[np.ndarray, "node node"],
    forecast: Trajectories,
    *,
    horizon: int | None = None,
    coarseness: int = 1,
) -> tuple[Trajectories, float, float]:
    """What happens under the `changed` graph in the frames of the forecast; how far that is from what happens under the `true` one, and how far the
    forecast, made under the same change, is from it, as `what_follows` measures. Where nothing truly changes, what happens is what was recorded."""
    if (true == changed).all():
        start, same = forecast.metadata["start"], float(mean_error(forecast, data, horizon=horizon)[0])
        return replace(forecast, values=data.values[:, start + 1 : start + 1 + forecast.num_steps]), 0.0, same
    worlds, happened, moved = what_follows(system, data, np.stack([true, changed]), forecast, horizon=horizon, coarseness=coarseness)
    missed = mean_error(forecast, worlds.select(slice(1, 2)), horizon=horizon)
    return happened.select(slice(1, 2)), float(moved[1]), float(missed[0])
