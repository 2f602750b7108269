"""What training spends on telling of itself: validation loss, accuracies, forecasts and the watched graph, as a share of an epoch."""

import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from nri_core.holdout import split
from nri_core.inference import infer_edges
from nri_core.models.objectives import Batch
from nri_core.settings import PRESETS
from nri_core.systems import Simulation, Springs, simulate
from nri_core.training import fit
from nri_core.training.report import epochs_between_forecasts, forecast_errors, looked_at, quick, report

EPOCHS, REPEATS = 4, 5
RECIPES = (("live", 5), ("live", 10), ("paper", 5))


def main() -> dict[str, Any]:
    """Medians of seconds of the CPU, which other programs do not lengthen; forecasts count for as many epochs as they are apart."""
    return {"rows": [_row(preset, num_nodes) for preset, num_nodes in RECIPES]}


def _row(preset: str, num_nodes: int) -> dict[str, Any]:
    config = PRESETS[preset].model_copy(update={"threads": 1})
    train, valid = split(simulate(Springs(), Simulation(num_sims=1000, num_nodes=num_nodes, seed=101)))
    records = fit(train, valid, config, device="cpu", watch=valid.select(slice(0, 1)))
    checkpoint, few = next(records).checkpoint, looked_at(valid, config)
    epoch = _seconds(lambda: next(records), EPOCHS if preset == "live" else 1)
    batch = Batch(checkpoint.tensor(few.select(slice(None), frames=slice(0, checkpoint.config.window))))
    own = report(checkpoint, batch, few, config).own
    parts = {
        "loss and accuracies": _seconds(lambda: report(checkpoint, batch, few, config)),
        "forecasts": _seconds(lambda: forecast_errors(checkpoint, few, own)) / epochs_between_forecasts(config),
        "watched graph": _seconds(lambda: infer_edges(checkpoint, valid.select(slice(0, 1)), inference=quick(config.inference))),
    }
    row = {"recipe": f"{preset}, springs-{num_nodes}", "epoch_seconds": round(epoch, 3), "share": round(sum(parts.values()) / epoch, 3)}
    row |= {name: round(seconds / epoch, 4) for name, seconds in parts.items()}
    print(row, file=sys.stderr, flush=True)
    return row


def _seconds(run: Callable[[], object], repeats: int = REPEATS) -> float:
    times = []
    for _ in range(repeats):
        began = time.process_time()
        run()
        times.append(time.process_time() - began)
    return statistics.median(times)
