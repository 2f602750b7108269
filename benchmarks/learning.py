"""Learning curves on springs-5 by both presets and on charged-5 by live: three seeds, training seconds and simulations drawn."""

import sys
from typing import Any

from nri_core.evaluation import evaluate
from nri_core.holdout import split
from nri_core.settings import PRESETS, suited
from nri_core.systems import SYSTEMS, Simulation, simulate
from nri_core.training import EpochRecord, fit

SEEDS = (0, 1, 2)
SECONDS = {"live": 90.0, "paper": 60.0}  # of training; live ends by itself before, paper has barely begun by then
RUNS = (("springs", "live"), ("springs", "paper"), ("charged", "live"))
TRAINING = Simulation(num_sims=10_000, seed=101)
FRESH = Simulation(num_sims=1000, num_steps=70, seed=202)
MARKS = (10.0, 60.0)  # seconds after which the model of the moment is tried on the fresh simulations


def main() -> dict[str, Any]:
    """Curves on 64 held-out simulations as training goes on, and figures on 1,000 fresh ones of another seed at 10 s, 60 s and the end."""
    return {"runs": [_run(system, preset, seed) for system, preset in RUNS for seed in SEEDS]}


def _run(system: str, preset: str, seed: int) -> dict[str, Any]:
    law = SYSTEMS[system]()
    train, valid = split(simulate(law, TRAINING))
    fresh = simulate(law, FRESH)
    config = suited(PRESETS[preset], train.edge_type_names, train.feature_names).model_copy(update={"seed": seed, "max_seconds": SECONDS[preset]})
    curve, tried, marks = [], {}, list(MARKS)
    for record in fit(train, valid, config):
        curve.append(_point(record))
        if marks and record.seconds >= marks[0]:
            tried[f"{marks.pop(0):g} s"] = _point(record) | evaluate(record.checkpoint, fresh)
    end = _point(record) | evaluate(record.checkpoint, fresh)
    print(f"{system}, {preset}, seed {seed}: {end}", file=sys.stderr)
    first = {
        f"{name} {share:.0%}": next((point["seconds"] for point in curve if (point[name] or 0) >= share), None)
        for name, share in (("edge_accuracy", 0.9), ("edge_accuracy", 0.99), ("edge_accuracy_encoder", 0.95))
    }
    run = {"system": system, "preset": preset, "seed": seed}
    return run | {"first_reached_seconds": first, "on_fresh": tried | {"end": end}, "curve": curve[:: max(len(curve) // 30, 1)]}


def _point(record: EpochRecord) -> dict[str, Any]:
    names = ("seconds", "samples", "edge_accuracy", "edge_accuracy_encoder")
    return {name: round(getattr(record, name), 4) for name in names}
