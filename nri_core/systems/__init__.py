"""The physical systems: each is a law written once, used for data, for the simulated decoder and for what-if questions.

A system draws graphs and starts; `advance(state, couplings, num_steps=…)` moves a state of its `feature_names` on, in any
floating type and on any device, differentiable in the couplings; `observe` makes the exact motion what one gets to see.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from torch import Tensor

from nri_core.errors import DataError
from nri_core.systems.charged import Charged
from nri_core.systems.kuramoto import Kuramoto
from nri_core.systems.springs import Springs
from nri_core.trajectories import Trajectories

System = Springs | Charged | Kuramoto
SYSTEMS: dict[str, type[System]] = {"springs": Springs, "charged": Charged, "kuramoto": Kuramoto}

MAX_SIMS_AT_ONCE = 1024  # keeps the working set of N = 5 in the cache
MAX_VALUES = 400_000_000  # float64 numbers of one dataset, 3.2 GB


class Simulation(BaseModel):
    """How much to simulate."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    num_sims: int = Field(1000, ge=1, le=1_000_000, description="Number of simulations, each with its own graph")
    num_nodes: int = Field(5, ge=2, le=100, description="Particles in each simulation")
    num_steps: int = Field(49, ge=2, le=10_000, description="Frames to keep of each simulation")
    seed: int = Field(0, ge=0, le=2**31 - 1, description="The same seed gives the same simulations")


def system_of(metadata: Mapping[str, Any]) -> System:
    """The law, with its parameters, that `metadata` of simulated data name. Raises DataError where they name none, or none that there is."""
    name, parameters = metadata.get("system"), metadata.get("parameters", {})
    if not isinstance(name, str) or name not in SYSTEMS:
        raise DataError(f"Expected data simulated by one of {', '.join(SYSTEMS)}; found {'none of them' if name is None else repr(name)}. Choose simulated data.")
    try:
        return SYSTEMS[name].model_validate(parameters)
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"])) or "parameters"
        raise DataError(f"Expected the parameters of {name}; found something else under {where}. Simulate the data again.") from error


def metadata_of(system: System) -> dict[str, Any]:
    """What `system_of` reads."""
    return {"system": _name(system), "parameters": system.model_dump(mode="json")}


def couplings(system: System, edge_types: Int[Tensor, "*batch node node"]) -> Float[Tensor, "*batch node node"]:
    """The coupling of each pair by its edge type, float64; 0 on the diagonal."""
    of_type = torch.tensor(system.coupling_of_type, dtype=torch.float64, device=edge_types.device)
    return of_type[edge_types] * _others(of_type, edge_types.shape[-1])


def soft_couplings(system: System, weights: Float[Tensor, "*batch node node type"]) -> Float[Tensor, "*batch node node"]:
    """The mean coupling of each pair under `weights` over the edge types, which it is differentiable in; 0 on the diagonal."""
    return weights @ weights.new_tensor(system.coupling_of_type) * _others(weights, weights.shape[-2])


def _others(like: Tensor, num_nodes: int) -> Float[Tensor, "node node"]:
    return 1 - torch.eye(num_nodes, dtype=like.dtype, device=like.device)


def simulate(system: System, simulation: Simulation) -> Trajectories:
    """Random graphs, random starts, the law: float64, seeded; equal arguments give equal bytes.

    The first frame lies one frame after the start, as in the reference code (its counter overwrites frame 0).
    Raises DataError when the result would not fit in memory, or when a law leaves the finite numbers.
    """
    size = simulation.num_sims * simulation.num_steps * simulation.num_nodes * len(system.feature_names)
    if size > MAX_VALUES:
        raise DataError(f"Expected at most {MAX_VALUES:,} values; these settings make {size:,}. Lower simulations, frames or particles.")
    generator = torch.Generator().manual_seed(simulation.seed)
    edges = system.draw_edges(simulation.num_sims, simulation.num_nodes, generator)
    start = system.draw_start(simulation.num_sims, simulation.num_nodes, generator)
    at_once = max(MAX_SIMS_AT_ONCE * 25 // simulation.num_nodes**2, 8)
    with torch.inference_mode():
        chunks = zip(start.split(at_once), edges.split(at_once), strict=True)
        values = torch.cat([_frames(system, state, couplings(system, graph), simulation.num_steps) for state, graph in chunks])
    exact = Trajectories(
        values=values.numpy(),
        feature_names=system.feature_names,
        dt=system.time_step * system.steps_per_frame,
        edge_types=edges.numpy().astype(np.int64),
        edge_type_names=system.edge_type_names,
        metadata=metadata_of(system) | {"seed": simulation.seed},
    )
    return system.observe(exact, generator)


def _frames(system: System, state: Tensor, pairs: Tensor, num_steps: int) -> Tensor:
    frames = []
    for _ in range(num_steps):
        state = system.advance(state, pairs, num_steps=system.steps_per_frame)
        frames.append(state)
    return torch.stack(frames, dim=1)


def _name(system: System) -> str:
    return next(name for name, law in SYSTEMS.items() if isinstance(system, law))
