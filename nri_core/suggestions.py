"""Settings that suit data without labels: what to begin with, and why, in a sentence each."""

from typing import Any, NamedTuple

import numpy as np

from nri_core.settings import MOST_SETS, PHASES, PLANE, TrainConfig
from nri_core.trajectories import Trajectories

MANY_NODES = 10  # from here on a graph of half of all pairs says little
PARTNERS = 3.0  # that a node of many is expected to have
SQUARE = 1.25  # sides of an area that differ by less may be swapped
FEW_RECORDINGS = 20


class Suggestion(NamedTuple):
    """What to set, perhaps nothing, and why."""

    changes: dict[str, Any]
    sentence: str


def suggest(data: Trajectories, config: TrainConfig) -> tuple[Suggestion, ...]:
    """For data like these (some of the simulations tell), starting from a recipe that suits their features."""
    return tuple(found for found in (_kinds(data, config), _silence(data, config), _prior(data, config), _sums(data, config), _area(data), _speed(data)) if found)


def suggested(data: Trajectories, config: TrainConfig) -> TrainConfig:
    """The recipe with everything that is suggested."""
    changes = {name: value for suggestion in suggest(data, config) for name, value in suggestion.changes.items()}
    return TrainConfig.model_validate(config.model_dump() | changes)


def _kinds(data: Trajectories, config: TrainConfig) -> Suggestion:
    if len(data.edge_type_names) > 2:
        return Suggestion({"num_edge_types": len(data.edge_type_names)}, f"Edge types: {len(data.edge_type_names)}, as many as the data name.")
    few = ""
    if data.num_sims < FEW_RECORDINGS:
        few = f" {data.num_sims} stretches of motion are few to tell more kinds apart."
    return Suggestion(
        {"num_edge_types": 2},
        f"Edge types (K): 2, the fewest that make a graph, interaction or none.{few} More kinds always fit what was seen better; whether they fit what was "
        "not seen better, the comparison of kinds tells.",
    )


def _silence(data: Trajectories, config: TrainConfig) -> Suggestion:
    if data.edge_type_names and data.edge_type_names[0] != "none":
        return Suggestion({"skip_first": False}, f"First type: an interaction as well, since the data call it “{data.edge_type_names[0]}”.")
    return Suggestion(
        {"skip_first": True},
        "First type: silent (“skip first”). It sends nothing, so it can only come to mean “no interaction”; without it, which of the types means that would be "
        "chance.",
    )


def _prior(data: Trajectories, config: TrainConfig) -> Suggestion:
    if data.num_nodes < MANY_NODES:
        return Suggestion({"edge_prior": ()}, f"Prior: all types alike. With {data.num_nodes} nodes nothing speaks for few edges or many before the motion does.")
    kinds = len(data.edge_type_names) if len(data.edge_type_names) > 2 else 2
    share = round(min(PARTNERS / (data.num_nodes - 1), 0.5), 2)
    others = round(share / (kinds - 1), 6)
    prior = (round(1 - others * (kinds - 1), 6), *(others,) * (kinds - 1))
    return Suggestion(
        {"edge_prior": prior},
        f"Prior: {', '.join(f'{part:g}' for part in prior)}. Of {data.num_nodes - 1} possible partners a node is expected to have about {PARTNERS:g}; an edge must "
        "be worth its doubt, and the graph stays readable.",
    )


def _sums(data: Trajectories, config: TrainConfig) -> Suggestion | None:
    kinds = max(len(data.edge_type_names), 2)
    if config.objective not in ("distilled", "marginal") or kinds ** (data.num_nodes - 1) <= MOST_SETS:
        return None
    encoder = config.encoder if config.encoder != "none" else "edgewise" if set(PLANE) <= set(data.feature_names) else "mlp"
    return Suggestion(
        {"objective": "elbo", "encoder": encoder, "inference": "encoder", "forecaster": "none", "prediction_steps": 1},
        f"What to minimise: the paper's bound (elbo), read by the encoder. {data.num_nodes} nodes have too many graphs to sum over.",
    )


def _area(data: Trajectories) -> Suggestion | None:
    if not set(PLANE) <= set(data.feature_names) or "z" in data.feature_names:
        return None
    seen = data.values if data.complete else data.values[data.observed]
    width, height = (float(np.ptp(seen[..., data.feature_names.index(name)])) for name in ("x", "y"))
    long, short = max(width, height), max(min(width, height), 1e-12)
    if long / short < SQUARE:
        return None
    return Suggestion(
        {"symmetries": False},
        f"Mirror and swap the axes: no. The area is {long / short:.1f} times as long as wide, so that its two axes are not alike.",
    )


def _speed(data: Trajectories) -> Suggestion | None:
    if set(PHASES) <= set(data.feature_names) or not {"x", "y"} <= set(data.feature_names) or {"vx", "vy"} <= set(data.feature_names):
        return None
    return Suggestion(
        {},
        "There are no velocities: from one frame alone a model cannot know where things are going. Derive velocities under Your data, or choose the rnn decoder, "
        "which remembers.",
    )
