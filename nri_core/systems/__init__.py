"""The physical systems: each is a law written once, used for data, for the simulated decoder and for what-if questions."""

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field

from nri_core.errors import DataError
from nri_core.systems.charged import Charged
from nri_core.systems.springs import Springs
from nri_core.trajectories import Trajectories

System = Springs | Charged
SYSTEMS: dict[str, type[System]] = {"springs": Springs, "charged": Charged}

MAX_SIMS_AT_ONCE = 1024  # keeps the working set of N = 5 in the cache
MAX_VALUES = 400_000_000  # float64 numbers of one dataset, 3.2 GB


class Simulation(BaseModel):
    """How much to simulate."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    num_sims: int = Field(1000, ge=1, le=1_000_000, description="Number of simulations, each with its own graph")
    num_nodes: int = Field(5, ge=2, le=100, description="Particles in each simulation")
    num_steps: int = Field(49, ge=2, le=10_000, description="Frames to keep of each simulation")
    seed: int = Field(0, ge=0, le=2**31 - 1, description="The same seed gives the same simulations")


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
        values = torch.cat([_frames(system, state, system.couplings(graph), simulation.num_steps) for state, graph in chunks])
        if system.noise:
            values += system.noise * torch.randn(values.shape, generator=generator, dtype=values.dtype)
    return Trajectories(
        values=values.numpy(),
        feature_names=system.feature_names,
        dt=system.time_step * system.steps_per_frame,
        edge_types=edges.numpy().astype(np.int64),
        edge_type_names=system.edge_type_names,
        metadata={"system": _name(system), "parameters": system.model_dump(mode="json"), "seed": simulation.seed},
    )


def _frames(system: System, state: torch.Tensor, couplings: torch.Tensor, num_steps: int) -> torch.Tensor:
    frames = []
    for _ in range(num_steps):
        state = system.advance(state, couplings, num_steps=system.steps_per_frame)
        frames.append(state)
    return torch.stack(frames, dim=1)


def _name(system: System) -> str:
    return next(name for name, law in SYSTEMS.items() if isinstance(system, law))
