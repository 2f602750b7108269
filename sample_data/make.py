"""Make the files of this folder: `python -m sample_data.make [NAME …]` (about half an hour and a few minutes for the tour's; equal files each time on one machine)."""

import argparse
import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from nri_core.checkpoint import Checkpoint
from nri_core.evaluation import evaluate
from nri_core.holdout import split
from nri_core.inference import infer_edges, rollout
from nri_core.metrics import score_edges
from nri_core.settings import PRESETS, TrainConfig, suited
from nri_core.storage import write_text
from nri_core.systems import SYSTEMS, Simulation, Springs, System, simulate
from nri_core.training import fit
from nri_core.trajectories import Trajectories

COMMAND = "python -m sample_data.make"
NUM_SHOWN = 36
SEEDS = {"training": 1, "test": 2, "shown": 3}  # of the simulations: what is scored and shown was never trained on


@dataclass(frozen=True)
class Shipped:
    """A system, and what its recipe changes in the `live` preset."""

    system: str
    num_nodes: int
    changes: dict[str, object]

    def simulations(self, purpose: str, num_sims: int, num_steps: int) -> Trajectories:
        """Made afresh for a purpose, each from a seed of its own."""
        size = Simulation(num_sims=num_sims, num_nodes=self.num_nodes, num_steps=num_steps, seed=SEEDS[purpose])
        return simulate(SYSTEMS[self.system](), size)


LARGE = {"encoder_hidden": 64, "batch_size": 8, "epochs": 53, "epoch_size": 512}
SHIPPED = {
    "springs5": Shipped("springs", 5, {"encoder_hidden": 64, "epochs": 180}),
    "springs10": Shipped("springs", 10, LARGE | {"epochs": 30}),
    "charged5": Shipped("charged", 5, {"encoder_hidden": 64, "forecaster": "stepped", "inference": "law"}),
    "charged10": Shipped("charged", 10, LARGE | {"forecaster": "stepped", "inference": "law"}),
    "kuramoto5": Shipped("kuramoto", 5, {"encoder_hidden": 64, "epochs": 120}),
}


@dataclass(frozen=True)
class Taught:
    """A small model that a lesson of the tour needs: the law whose motion it learns from, and its recipe."""

    law: System
    recipe: TrainConfig
    num_sims: int
    why: str

    def simulations(self, purpose: str, num_sims: int, num_steps: int) -> Trajectories:
        """Made afresh for a purpose, each from a seed of its own."""
        return simulate(self.law, Simulation(num_sims=num_sims, num_nodes=5, num_steps=num_steps, seed=SEEDS[purpose]))


TWO_STRENGTHS = Springs(strengths=(0.05, 0.2), probability=2 / 3)
ONE_STEP = TrainConfig(
    encoder="edgewise", decoder="mlp", likelihood="gaussian", objective="elbo", inference="encoder", normalization="unit",
    prediction_steps=1, batch_size=32, epochs=30, epoch_size=256,
)  # fmt: skip
KINDS = PRESETS["live"].model_copy(update={"objective": "marginal", "encoder": "none", "window": 25, "epochs": 16})
TAUGHT = {
    "one_step": Taught(Springs(), ONE_STEP, 3000, "the paper's objective, one frame ahead: its graph is one and the same for every system"),
    **{
        f"kinds{kinds}": Taught(TWO_STRENGTHS, KINDS.model_copy(update={"num_edge_types": kinds}), 3000, f"{kinds} kinds of edge where there are three")
        for kinds in (2, 3, 4)
    },
}


def train(shipped: Shipped, seed: int, command: str) -> Checkpoint:
    """The model, with its figures on 1,000 fresh simulations in its metadata."""
    training, validation = split(shipped.simulations("training", 20_000, 49))
    recipe = suited(PRESETS["live"], training.edge_type_names, training.feature_names).model_dump() | shipped.changes | {"seed": seed}
    for record in fit(training, validation, TrainConfig(**recipe)):
        print(f"epoch {record.epoch} of {record.num_epochs}: {json.dumps(record.metrics())}", file=sys.stderr, flush=True)
    figures = evaluate(record.checkpoint, shipped.simulations("test", 1000, 99)) | {"test_seed": SEEDS["test"]}
    return record.checkpoint.described(figures=figures, training_seconds=round(record.seconds), seed=seed, command=command)


def make(name: str, folder: Path, seed: int) -> None:
    """Write a model, systems that it never saw, their inferred graphs and their forecasts."""
    shipped = SHIPPED[name]
    checkpoint = train(shipped, seed, f"{COMMAND} {name}" + (f" --seed {seed}" if seed else ""))
    checkpoint.save(folder / "models" / name)
    print(f"{name}, seed {seed}: {json.dumps(checkpoint.config.metadata['figures'])}", flush=True)
    simulated = shipped.simulations("shown", NUM_SHOWN, 99)
    systems = replace(simulated, values=simulated.values.astype(np.float32))
    posterior = infer_edges(checkpoint, systems)
    start = checkpoint.config.window - 1
    forecast = rollout(checkpoint, systems, posterior, start=start, num_steps=systems.num_steps - start - 1)
    systems.save(folder / f"{name}.npz")
    posterior.relabelled(score_edges(posterior, systems).relabelling, systems.edge_type_names).save(folder / f"{name}_posterior.npz")
    replace(forecast, values=forecast.values.astype(np.float32)).save(folder / f"{name}_forecast.npz")


def teach(name: str, folder: Path, seed: int) -> None:
    """Write a model of the tour, with its figures on 200 fresh simulations in its metadata."""
    taught = TAUGHT[name]
    training, validation = split(taught.simulations("training", taught.num_sims, 49))
    for record in fit(training, validation, taught.recipe.model_copy(update={"seed": seed})):
        print(f"{name}, epoch {record.epoch} of {record.num_epochs}", file=sys.stderr, flush=True)
    figures = evaluate(record.checkpoint, taught.simulations("test", 200, 99)) | {"test_seed": SEEDS["test"]}
    command = f"{COMMAND} {name}" + (f" --seed {seed}" if seed else "")
    record.checkpoint.described(figures=figures, training_seconds=round(record.seconds), seed=seed, command=command).save(folder / "lessons" / name)
    print(f"{name}, seed {seed}: {json.dumps(figures)}", flush=True)


def readme() -> str:
    """What lies here, from the same table that makes it."""
    rows = [f"| `{name}` | {shipped.system} | {shipped.num_nodes} | `{json.dumps(shipped.changes)}` |" for name, shipped in SHIPPED.items()]
    taught = [f"| `{name}` | {model.why} | {model.num_sims:,} simulations, `{json.dumps(_told(model))}` |" for name, model in TAUGHT.items()]
    return "\n".join([
        "# Sample data",
        "",
        f"Made by `{COMMAND}`; no file here but the presets is written by hand. Everything is simulated by this project; edges are never shown to a model.",
        "",
        "| name | system | nodes | recipe: the `live` preset with |",
        "|---|---|---|---|",
        *rows,
        "",
        f"For each name: `models/NAME/` is the model (its README says how it was trained and how good it is on 1,000 fresh simulations), "
        f"`NAME.npz` {NUM_SHOWN} systems of 99 frames that it never saw, `NAME_posterior.npz` the edges it inferred from their first 49 frames, its types "
        "named by the truth, and `NAME_forecast.npz` the 50 frames that it predicts after those. "
        f"`{COMMAND} NAME --seed 1 --out FOLDER` repeats one from another seed.",
        "",
        f"`lessons/NAME/`: small models of the tour (Learn), made by `{COMMAND} {' '.join(TAUGHT)}`, each card with its figures on 200 fresh simulations:",
        "",
        "| name | what for | learned from |",
        "|---|---|---|",
        *taught,
        "",
        "`presets/NAME.json`: the examples of Learn: what is simulated, who reads it, and the figures that must come out. Written by hand; `tests/test_presets.py` "
        "runs every one and holds it to what it says.",
        "",
    ])  # fmt: skip


def _told(model: Taught) -> dict[str, object]:
    """What the recipe changes in the `live` preset, and what the law changes in its defaults."""
    law = {name: value for name, value in model.law.model_dump(mode="json").items() if value != type(model.law)().model_dump(mode="json")[name]}
    recipe = {name: value for name, value in model.recipe.model_dump().items() if value != PRESETS["live"].model_dump()[name]}
    return law | recipe


def main() -> None:
    """All of them, or the named ones."""
    parser = argparse.ArgumentParser(prog=COMMAND, description="Train the shipped models and write what Explore shows.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join((*SHIPPED, *TAUGHT)))
    parser.add_argument("--seed", type=int, default=0, help="of the training (default: 0)")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="folder to write to (default: this one)")
    options = parser.parse_args()
    if unknown := set(options.names) - set(SHIPPED) - set(TAUGHT):
        parser.error(f"expected names of {', '.join((*SHIPPED, *TAUGHT))}; found {', '.join(sorted(unknown))}")
    options.out.mkdir(parents=True, exist_ok=True)
    for name in options.names or (*SHIPPED, *TAUGHT):
        (make if name in SHIPPED else teach)(name, options.out, options.seed)
    write_text(options.out / "README.md", readme())


if __name__ == "__main__":
    main()
