"""Simulations a second on one core, and energy drift, for each system at several sizes."""

import itertools
import time
from typing import Any

import numpy as np
import torch

from nri_core.systems import SYSTEMS, Charged, Simulation, Springs, couplings, simulate

SIZES = ((5, 2048), (10, 512), (50, 20), (100, 8))  # particles, simulations


def main() -> dict[str, Any]:
    """Training simulations (49 frames: 4,900 small steps, 490 for oscillators) a second on one thread; the best of three for each size."""
    torch.set_num_threads(1)
    rates = {}
    for (name, law), (num_nodes, num_sims) in itertools.product(SYSTEMS.items(), SIZES):
        system, seconds = law(), []
        for seed in range(3):
            started = time.perf_counter()
            data = simulate(system, Simulation(num_sims=num_sims, num_nodes=num_nodes, seed=seed))
            seconds.append(time.perf_counter() - started)
        rates[f"{name}-{num_nodes}"] = {"sims_per_second": round(num_sims / min(seconds), 1)}
        if isinstance(system, Springs | Charged):  # oscillators keep none
            rates[f"{name}-{num_nodes}"]["energy_drift"] = _energy_drift(system, data.values, data.edge_types)
    return {"threads": 1, "num_steps": 49, "systems": rates}


def _energy_drift(system: Springs | Charged, values: np.ndarray, edge_types: np.ndarray) -> float:
    """Median over simulations of the largest relative change of energy between frames of one simulation."""
    energy = system.energy(torch.from_numpy(values.copy()), couplings(system, torch.from_numpy(edge_types.copy()))[:, None])
    return float(((energy.amax(1) - energy.amin(1)) / energy[:, 0].abs()).median())
