"""One training in one process and in two under torchrun, in turns: simulations a second, and how far the losses differ.

Each process has one CPU thread, so that two of them use two cores where one uses one. On two GPUs run it with `--device cuda`.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from nri_core.systems import Simulation, Springs, simulate

ROUNDS = 3
PROCESSES = (1, 2)
RECIPES = {
    "live, springs-5": ("live", {"epochs": 6}),
    "live, springs-5, batches of 128": ("live", {"epochs": 3, "epoch_size": 1280, "batch_size": 128}),
    "paper, springs-5": ("paper", {"epochs": 2, "epoch_size": 512}),
}


def main(device: str = "cpu", rounds: int = ROUNDS) -> dict[str, Any]:
    """The fastest of the rounds, which other programs disturbed least; the difference of losses is relative, after the last epoch of either."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "springs.npz"
        simulate(Springs(), Simulation(num_sims=2000, seed=101)).save(data)
        return {"device": device, "cores": os.cpu_count(), "rows": [_row(name, data, device, rounds) for name in RECIPES]}


def _row(name: str, data: Path, device: str, rounds: int) -> dict[str, Any]:
    found: dict[int, list[dict[str, Any]]] = {count: [] for count in PROCESSES}
    for _ in range(rounds):
        for count in PROCESSES:
            found[count].append(_train(count, data, device, *RECIPES[name]))
    speed = {count: max(result["samples_per_second"] for result in results) for count, results in found.items()}
    losses = [results[0]["loss"] for results in found.values()]
    row = {
        "recipe": name,
        **{f"{count} process{'es' * (count > 1)}": round(speed[count], 1) for count in PROCESSES},
        "times": round(speed[2] / speed[1], 2),
        "loss_difference": abs(losses[1] - losses[0]) / abs(losses[0]),
    }
    print(row, file=sys.stderr, flush=True)
    return row


def _train(count: int, data: Path, device: str, preset: str, changes: dict[str, int]) -> dict[str, Any]:
    launcher = ["torch.distributed.run", "--nproc_per_node", str(count), "-m"] if count > 1 else []
    settings = [f"{key}={value}" for key, value in (changes | {"threads": 1}).items()]
    command = [sys.executable, "-m", *launcher, "nri_core", "train", str(data), "--out", str(data.with_name("model")), "--device", device, "--json"]
    command += ["--preset", preset, "--set", *settings]
    run = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    return json.loads(run.stdout)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    print(json.dumps(main(**vars(parser.parse_args())), indent=2))
