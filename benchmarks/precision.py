"""What rougher arithmetic costs in what is learned: `live` on springs-5 and charged-5 in float32 and bf16, equal seeds and draws."""

import sys
import time
from typing import Any

from nri_core.evaluation import evaluate
from nri_core.holdout import split
from nri_core.settings import PRESETS, suited
from nri_core.systems import SYSTEMS, Simulation, simulate
from nri_core.training import fit

SYSTEMS_TRIED = ("springs", "charged")
SEEDS = (0, 1)
EPOCHS = 20  # of the 90 of the recipe: 5,120 draws
TRAINING = Simulation(num_sims=2000, seed=101)
FRESH = Simulation(num_sims=300, num_steps=70, seed=202)


def main() -> dict[str, Any]:
    """Figures on 300 fresh simulations of another seed, and the processor time of each training."""
    return {"rows": [_row(system, precision, seed) for system in SYSTEMS_TRIED for seed in SEEDS for precision in ("float32", "bf16")]}


def _row(system: str, precision: str, seed: int) -> dict[str, Any]:
    law = SYSTEMS[system]()
    train, valid = split(simulate(law, TRAINING))
    changes = {"seed": seed, "precision": precision, "epochs": EPOCHS}
    config = suited(PRESETS["live"], train.edge_type_names, train.feature_names).model_copy(update=changes)
    began = time.process_time()
    *_, last = fit(train, valid, config)
    seconds = time.process_time() - began
    told = evaluate(last.checkpoint, simulate(law, FRESH))
    figures = {name: told[name] for name in ("edge_accuracy", "edge_accuracy_encoder", "rollout_mse")}
    row = {"system": system, "precision": precision, "seed": seed, "draws": last.samples, "processor_seconds": round(seconds, 1), **figures}
    print(row, file=sys.stderr, flush=True)
    return row
