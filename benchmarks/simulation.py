"""Springs: simulations a second on one core, and energy drift, at several sizes."""

import time
from typing import Any

import numpy as np
import torch

from nri_core.systems import Simulation, Springs, simulate

SIZES = ((5, 4096), (10, 1024), (50, 40), (100, 8))  # particles, simulations


def main() -> dict[str, Any]:
    """Training simulations (49 frames, 4,900 small steps) a second on one thread; the best of three for each size."""
    torch.set_num_threads(1)
    rates = {}
    for num_nodes, num_sims in SIZES:
        seconds = []
        for seed in range(3):
            started = time.perf_counter()
            data = simulate(Springs(), Simulation(num_sims=num_sims, num_nodes=num_nodes, seed=seed))
            seconds.append(time.perf_counter() - started)
        rates[f"springs-{num_nodes}"] = {"sims_per_second": round(num_sims / min(seconds), 1), "energy_drift": _energy_drift(data.values, data.edge_types)}
    return {"threads": 1, "num_steps": 49, "systems": rates}


def _energy_drift(values: np.ndarray, edge_types: np.ndarray) -> float:
    """Median over simulations of the largest relative change of energy between frames of one simulation."""
    system = Springs()
    energy = system.energy(torch.from_numpy(values.copy()), system.couplings(torch.from_numpy(edge_types.copy()))[:, None])
    return float(((energy.amax(1) - energy.amin(1)) / energy[:, 0]).median())
