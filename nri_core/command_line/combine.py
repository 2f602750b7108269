"""combine CHECKPOINT_DIR … --data DATA.npz --out CHECKPOINT_DIR"""

import argparse
import shlex
import sys
from pathlib import Path
from typing import Any

from nri_core.command_line.fields import add_json
from nri_core.trajectories import Trajectories


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Models, data to match their edge types on, and where to save."""
    parser.add_argument("models", nargs="+", type=Path, metavar="CHECKPOINT_DIR", help="trainings of one recipe on the same data, ensembles included")
    parser.add_argument("--data", type=Path, required=True, metavar="DATA.npz", help="trajectories on which edge types are matched; no label is read")
    parser.add_argument("--out", type=Path, required=True, metavar="CHECKPOINT_DIR", help="folder to write the ensemble to")
    add_json(parser)


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Load, match, save."""
    data = Trajectories.load(options.data)
    from nri_core.checkpoint import Checkpoint, check_folder  # torch takes seconds to import: faults of the input are told before
    from nri_core.inference import combine

    check_folder(options.out)
    together = combine([Checkpoint.load(folder) for folder in options.models], data)
    command = "python -m nri_core " + shlex.join(sys.argv[1:])
    together.described(members=[folder.name for folder in options.models], command=command).save(options.out)
    return {"checkpoint": options.out, "members": len(together.members), "relabellings": together.config.relabellings}
