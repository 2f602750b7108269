"""evaluate CHECKPOINT_DIR DATA.npz"""

import argparse
from pathlib import Path
from typing import Any

from nri_core.command_line.fields import add_json
from nri_core.trajectories import Trajectories


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A model and data with known edges."""
    parser.add_argument("checkpoint", type=Path, metavar="CHECKPOINT_DIR", help="folder of a trained model")
    parser.add_argument("data", type=Path, metavar="DATA.npz", help="trajectories; with `edge_types` for edge accuracy")
    add_json(parser)


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Edge accuracy and rollout error."""
    data = Trajectories.load(options.data)
    from nri_core.checkpoint import Checkpoint
    from nri_core.evaluation import evaluate

    return evaluate(Checkpoint.load(options.checkpoint), data)
