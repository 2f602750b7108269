"""evaluate CHECKPOINT_DIR|baseline:NAME DATA.npz"""

import argparse
from pathlib import Path
from typing import Any

from nri_core.command_line.fields import add_json
from nri_core.command_line.readers import add_reader, by_baseline
from nri_core.metrics import edge_figures
from nri_core.trajectories import Trajectories


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A model or a baseline, and data with known edges."""
    add_reader(parser)
    parser.add_argument("data", type=Path, metavar="DATA.npz", help="trajectories; with `edge_types` for edge accuracy")
    add_json(parser)


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Edge accuracy and rollout error; a baseline does not forecast."""
    data = Trajectories.load(options.data)
    if found := by_baseline(options, data):
        posterior, more = found
        return edge_figures(posterior, data) | {"edge_accuracy_encoder": None, "rollout_mse": {}, "static_mse": {}} | more
    from nri_core.checkpoint import Checkpoint  # after the baselines, which do without torch
    from nri_core.evaluation import evaluate

    return evaluate(Checkpoint.load(Path(options.reader)), data)
