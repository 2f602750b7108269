"""Memory that one training step takes against the number of nodes: the paper's model and recipe, a process for each size."""

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import torch

from nri_core.dataset import Normalizer, as_tensor
from nri_core.models import NRI, nri
from nri_core.models.objectives import OBJECTIVES, Batch
from nri_core.settings import PRESETS, TrainConfig
from nri_core.systems import Simulation, Springs, simulate

NODES = (5, 10, 20, 30, 50, 75, 100)
WHOLE = (5, 10, 20)  # also without pieces: beyond these a step does not fit everywhere
SIMS = 8


def main(nodes: tuple[int, ...] = NODES, *, sims: int = SIMS, hidden: int = 256) -> dict[str, Any]:
    """Gigabytes at the peak and seconds of one step; each row is also written to stderr as soon as it is there."""
    rows = []
    for num_nodes in nodes:
        for pieces in (True, False) if num_nodes in WHOLE else (True,):
            command = [sys.executable, "-m", "benchmarks.memory", str(num_nodes), str(sims), str(hidden), *([] if pieces else ["--whole"])]
            done = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, text=True, check=True)
            rows.append({"nodes": num_nodes, "sims": sims, "pieces": pieces, **json.loads(done.stdout)})
            print(rows[-1], file=sys.stderr, flush=True)
    return {"model": f"paper's: MLP encoder and decoder, {hidden} hidden units, elbo, 49 frames", "threads": 1, "rows": rows}


def step(num_nodes: int, sims: int, hidden: int, *, pieces: bool) -> dict[str, float]:
    """One step in this process; the peak counts everything since it started, and what Python and torch take is told beside it."""
    torch.set_num_threads(1)
    if not pieces:
        nri.MOST_PAIR_VALUES = sys.maxsize
    recipe = PRESETS["paper"].model_copy(update={"encoder_hidden": hidden, "decoder_hidden": hidden})
    data = simulate(Springs(), Simulation(num_sims=sims, num_nodes=num_nodes, seed=1))
    values = as_tensor(data, Normalizer.fit(data, recipe.normalization), torch.device("cpu"))
    model = NRI(recipe, feature_names=data.feature_names, num_nodes=num_nodes, window=data.num_steps)
    optimizer = torch.optim.Adam(model.parameters(), lr=recipe.learning_rate, fused=True)
    before, started = _peak(), time.process_time()
    loss_of(model, Batch(values), recipe).backward()
    optimizer.step()
    return {"gigabytes": _peak(), "gigabytes_before": before, "processor_seconds": round(time.process_time() - started, 1)}


def loss_of(model: NRI, batch: Batch, recipe: TrainConfig) -> torch.Tensor:
    """The negative bound."""
    return OBJECTIVES["elbo"](model, batch, recipe, torch.Generator().manual_seed(0)).terms["loss"]


def _peak() -> float:
    """Of resident memory, in 10⁹ bytes; Linux counts in KiB, macOS in bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9, 2)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("nodes", "sims", "hidden"):
        parser.add_argument(name, type=int)
    parser.add_argument("--whole", action="store_true", help="every pair at once")
    options = parser.parse_args()
    print(json.dumps(step(options.nodes, options.sims, options.hidden, pieces=not options.whole)))
