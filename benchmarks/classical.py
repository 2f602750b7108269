"""Classical network inference on 1,000 simulations of each system, the reference's settings: accuracy, AUROC and seconds."""

import itertools
import time
from typing import Any

from nri_core.metrics import score_edges
from nri_core.network_baselines import BASELINES, law_fit
from nri_core.systems import SYSTEMS, Simulation, simulate
from nri_core.trajectories import Trajectories

SIZES = (5, 10)
NUM_SIMS = 1000
SEED = 505
LAWS_OF = {"springs": ("springs", "charged"), "charged": ("charged", "springs"), "kuramoto": ("kuramoto",)}  # the right one first


def main() -> dict[str, Any]:
    """Edge accuracy up to one relabelling of the whole set. Half of the pairs are called edges; `known_law` has its physical threshold.

    `law_fit` needs no labels: near 1 for a true law.
    """
    tables = {}
    for system, num_nodes in itertools.product(SYSTEMS, SIZES):
        data = simulate(SYSTEMS[system](), Simulation(num_sims=NUM_SIMS, num_nodes=num_nodes, seed=SEED))
        rows = {name: _row(name, data) for name in BASELINES if name != "known_law"}
        rows["granger, directed"] = _row("granger", data, undirected=False)
        for law in LAWS_OF[system]:
            rows[f"known_law {law}"] = _row("known_law", data, law=law)
            rows[f"known_law {law}, directed"] = _row("known_law", data, law=law, undirected=False)
        tables[f"{system}-{num_nodes}"] = rows
    return {"num_sims": NUM_SIMS, "num_steps": 49, "seed": SEED, "tables": tables}


def _row(name: str, data: Trajectories, **options: Any) -> dict[str, float | None]:
    started = time.perf_counter()
    posterior = BASELINES[name](data, **options)
    seconds = time.perf_counter() - started
    score = score_edges(posterior, data)
    fit = {"law_fit": round(law_fit(data, posterior, law=options["law"]), 3)} if "law" in options else {}
    return {"accuracy": round(score.accuracy, 4), "auroc": round(score.auroc, 4), "seconds": round(seconds, 2), **fit}
