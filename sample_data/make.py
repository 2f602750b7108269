"""Make every file of this folder: `python -m sample_data.make` (about four minutes; equal files each time on one machine)."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from nri_core.checkpoint import Checkpoint
from nri_core.dataset import split
from nri_core.evaluation import evaluate
from nri_core.inference import infer_edges, rollout
from nri_core.metrics import score_edges
from nri_core.settings import PRESETS, TrainConfig
from nri_core.storage import write_text
from nri_core.systems import Simulation, Springs, simulate
from nri_core.training import fit

COMMAND = "python -m sample_data.make"
TRAINING = Simulation(num_sims=20_000, seed=1)
TEST = Simulation(num_sims=1000, num_steps=99, seed=2)  # fresh: of another seed than training
SHOWN = Simulation(num_sims=36, num_steps=99, seed=3)
RECIPE = TrainConfig(**PRESETS["live"].model_dump() | {"epochs": 180, "encoder_hidden": 64})

README = f"""# Sample data

Made by `{COMMAND}`; no file here is written by hand. Everything is simulated by this project.

| file | what it holds |
|---|---|
| `springs5.npz` | {SHOWN.num_sims} systems of {SHOWN.num_nodes} particles, {SHOWN.num_steps} frames (seed {SHOWN.seed}) |
| `springs5_posterior.npz` | the edge posterior that the model inferred from the first 49 frames, its types named by the truth |
| `springs5_forecast.npz` | the {SHOWN.num_steps - 49} frames that the model predicts after those |
| `models/springs5/` | the model; its README says how it was trained and how good it is |
"""


def train() -> Checkpoint:
    """The springs-5 model, with its figures on fresh simulations in its metadata."""
    training, validation = split(simulate(Springs(), TRAINING))
    for record in fit(training, validation, RECIPE):
        print(f"epoch {record.epoch} of {record.num_epochs}: {record.metrics()}", file=sys.stderr)
    checkpoint = record.checkpoint
    figures = evaluate(checkpoint, simulate(Springs(), TEST)) | {"test_seed": TEST.seed}
    return checkpoint.described(figures=figures, command=COMMAND)


def make(folder: Path) -> None:
    """Write the model, the systems, their inferred graphs and their forecasts."""
    checkpoint = train()
    checkpoint.save(folder / "models" / "springs5")
    simulated = simulate(Springs(), SHOWN)
    systems = replace(simulated, values=simulated.values.astype(np.float32))
    posterior = infer_edges(checkpoint, systems)
    forecast = rollout(checkpoint, systems, posterior, start=checkpoint.config.window - 1, num_steps=systems.num_steps - checkpoint.config.window)
    systems.save(folder / "springs5.npz")
    posterior.relabelled(score_edges(posterior, systems).relabelling, systems.edge_type_names).save(folder / "springs5_posterior.npz")
    replace(forecast, values=forecast.values.astype(np.float32)).save(folder / "springs5_forecast.npz")
    write_text(folder / "README.md", README)


if __name__ == "__main__":
    make(Path(__file__).parent)
