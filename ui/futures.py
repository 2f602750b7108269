"""What follows from a change on the page "What if": simulation, inference, forecast and the true answer, kept for all sessions."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import streamlit as st
from jaxtyping import Int

from nri_core.checkpoint import Checkpoint
from nri_core.inference import forecast_start, infer_edges
from nri_core.posterior import EdgePosterior
from nri_core.systems import System
from nri_core.trajectories import NONE, Trajectories
from nri_core.what_if import (
    CUT,
    HORIZON,
    EdgeImportance,
    SampledForecasts,
    answer_of_law,
    edge_importance,
    edited,
    forecasts,
    law_of,
    mean_error,
    sampled_forecasts,
    simulate_from,
)
from ui import readings
from ui.edits import Edits, Limits
from ui.state import Dataset, Model

ROUGH, ROUGH_AHEAD = 5, 10  # while a drag goes on: steps of the law taken in one, and frames forecast by those that average many paths
MOST_NODES = 20  # more are too close together to be taken hold of

Graph = Int[np.ndarray, "node node"]


@dataclass(frozen=True, eq=False)
class Scene:
    """One system and the model that reads it. `types` are shown, `none` among them; `of_model` says which the model's types stand for."""

    subject: str
    one: Trajectories
    checkpoint: Checkpoint
    law: System | None
    types: tuple[str, ...]
    of_model: tuple[int, ...]

    @cached_property
    def limits(self) -> Limits:
        """What can be changed: all where the law is known, else the inferred graph."""
        names = self.one.feature_names
        if self.one.num_nodes > MOST_NODES:
            return Limits((), self.one.num_nodes, len(self.types), 1.0)
        allowed = ("start", *(["velocity"] if "vx" in names else []), "truth") if self.law else ()
        tied = (*(["inferred"] if self.both_ways else []), *([] if getattr(self.law, "directed", False) else ["truth"]))
        reach = float(getattr(self.law, "box_size", 1000.0))
        allowed += ("inferred",) if self.forecasts else ()
        return Limits(allowed, self.one.num_nodes, len(self.types), reach, round="phase" in names and "x" not in names, tied=tied, inferred_types=self.known)

    @property
    def known(self) -> tuple[int, ...]:
        """Which of the types shown the model can mean: those of its own, and none."""
        return tuple(sorted({*self.of_model, self.types.index(NONE)}))

    @property
    def forecasts(self) -> bool:
        """Whether the model has a decoder, and there are frames after those that it reads."""
        return self.checkpoint.model.decoder is not None and self.start < self.one.num_steps - 1

    @property
    def both_ways(self) -> bool:
        return self.checkpoint.config.settings.undirected

    @cached_property
    def start(self) -> int:
        """The frame that the forecast starts from."""
        return forecast_start(self.checkpoint, self.one)

    def to_model(self, shown: Mapping[tuple[int, int], int]) -> dict[tuple[int, int], int]:
        """Types as they are shown in the model's numbering; `none` is no interaction where no type of the model stands for it."""
        return {pair: self.of_model.index(kind) if kind in self.of_model else CUT for pair, kind in shown.items()}

    def to_law(self, graph: Graph) -> Graph:
        """Types as they are shown in the numbering of the law."""
        known = self.law.edge_type_names
        return np.array([known.index(name) if name in known else CUT for name in self.types])[graph]


@dataclass(frozen=True, eq=False)
class Picture:
    """What follows from the changes: the system as it moves then, the belief about it, the forecast, and what would truly happen under the changed graph."""

    world: Trajectories
    belief: EdgePosterior
    graph: Graph  # inferred, before it was changed, as the model numbers types
    shown: EdgePosterior
    forecast: Trajectories | None
    other: Trajectories | None
    figures: Mapping[str, float]


def scene(dataset: Dataset, system: int, model: Model) -> Scene:
    """One system of the data as this model reads it. Raises NRIError."""
    checkpoint, data = readings.checkpoint(model.folder), dataset.trajectories
    one = data.select(slice(system, system + 1))
    law = law_of(one)
    if law is not None and (one.edge_types is None or one.edge_types.ndim != 3 or one.edge_type_names != tuple(law.edge_type_names)):
        law = None
    reader = readings.by_model(model.folder, None, one).key
    subject = hashlib.sha256(f"{data.digest} {system} {reader}".encode()).hexdigest()[:16]
    names, of_model = readings.type_names(model.folder, data)
    types = names if NONE in names else (*names, NONE)
    return Scene(subject, one, checkpoint, law, types, of_model)


@st.cache_resource(max_entries=256, show_spinner=False)
def picture(subject: str, text: str, rough: bool, _scene: Scene, _edits: Edits) -> Picture:
    """Everything that follows from the changes; `rough` while a drag goes on."""
    coarseness = ROUGH if rough else 1
    world, true = _world(_scene, _edits, coarseness)
    belief = infer_edges(_scene.checkpoint, world)
    graph, figures = belief.edge_types[0], {}
    forecast = other = None
    if _scene.forecasts:
        changes = _scene.to_model(_edits.inferred)
        graphs = [edited(graph, changes, both_ways=_scene.both_ways), *([graph] if changes else [])]
        left = world.num_steps - _scene.start - 1
        ahead = min(ROUGH_AHEAD, left) if rough and _scene.checkpoint.model.forecaster is not None else left  # those that average many paths take their time
        paths = forecasts(_scene.checkpoint, world, np.stack(graphs), start=_scene.start, num_steps=ahead)
        forecast = paths.select(slice(0, 1))
        errors = mean_error(paths, world.select(np.zeros(len(graphs), int)), horizon=HORIZON)
        figures = {"after": float(errors[0]), "before": float(errors[-1])}
        if changes and _scene.law is not None:
            other, more = _answer(_scene, _edits, world, true, forecast, coarseness)
            figures |= more
    return Picture(world, belief, graph, _shown(_scene, belief, _edits), forecast, other, figures)


def _world(scene: Scene, edits: Edits, coarseness: int) -> tuple[Trajectories, Graph | None]:
    """The system after changes of its start or its true graph, and that graph; as it was recorded where there are none."""
    one, names = scene.one, scene.one.feature_names
    if scene.law is None:
        return (one if one.edge_types is None else replace(one, edge_type_names=scene.types)), None
    true = edited(one.edge_types[0], edits.truth, both_ways="truth" in scene.limits.tied)
    if not edits.world:
        return replace(one, edge_type_names=scene.types), true
    first = one.values[:, 0].astype(np.float64)
    for node, features, at in edits.placed(round=scene.limits.round):
        first[0, node, [names.index(name) for name in features]] = at
    moved = simulate_from(scene.law, first, scene.to_law(true)[None], num_steps=one.num_steps, coarseness=coarseness)
    return replace(one, values=moved.values, edge_types=true[None], edge_type_names=scene.types), true


def _answer(scene: Scene, edits: Edits, world: Trajectories, true: Graph, forecast: Trajectories, coarseness: int) -> tuple[Trajectories, dict[str, float]]:
    """What would truly happen if the same pairs of the true graph changed where the forecast starts, and how well the model tells."""
    changed = edited(true, edits.inferred, both_ways=scene.both_ways)
    happened, moved, missed = answer_of_law(scene.law, world, scene.to_law(true), scene.to_law(changed), forecast, horizon=HORIZON, coarseness=coarseness)
    return happened, {"moved": moved, "missed": missed}


def _shown(scene: Scene, belief: EdgePosterior, edits: Edits) -> EdgePosterior:
    """The belief under the names that are shown; a pair that was changed is certain."""
    named = belief.relabelled(scene.of_model, scene.types)
    probs = named.edge_probs.copy()
    for (receiver, sender), kind in edits.inferred.items():
        for ends in ((receiver, sender), *([(sender, receiver)] if scene.both_ways else [])):
            probs[0][ends] = np.eye(len(scene.types))[kind]
    return replace(named, edge_probs=probs)


@st.cache_resource(max_entries=64, show_spinner=False)
def sampled(subject: str, text: str, temperature: float, _scene: Scene, _edits: Edits, _picture: Picture) -> SampledForecasts:
    ahead = _picture.world.num_steps - _scene.start - 1
    changes = _scene.to_model(_edits.inferred)
    return sampled_forecasts(_scene.checkpoint, _picture.world, _picture.belief, start=_scene.start, num_steps=ahead, temperature=temperature, changes=changes)


@st.cache_resource(max_entries=64, show_spinner="Cutting every pair in turn")
def ranked(subject: str, text: str, _scene: Scene, _edits: Edits, _picture: Picture) -> EdgeImportance:
    world, law = _picture.world, _scene.law
    graph = edited(_picture.graph, _scene.to_model(_edits.inferred), both_ways=_scene.both_ways)
    true = None if law is None else _scene.to_law(world.edge_types[0])
    return edge_importance(_scene.checkpoint, world, graph, start=_scene.start, system=law, true=true)
