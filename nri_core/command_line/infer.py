"""infer CHECKPOINT_DIR DATA.npz --out posterior.npz"""

import argparse
from pathlib import Path
from typing import Any

from nri_core.command_line.fields import add_json
from nri_core.exporters import EXPORTERS, check_destination, write_graph
from nri_core.trajectories import Trajectories


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A model, data, and a file whose name ends in its format."""
    parser.add_argument("checkpoint", type=Path, metavar="CHECKPOINT_DIR", help="folder of a trained model")
    parser.add_argument("data", type=Path, metavar="DATA.npz", help="trajectories to infer the graphs of")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help=f"file to write, ending in .{', .'.join(EXPORTERS)}")
    parser.add_argument("--sim", type=int, help="write only this simulation, counted from 0 (GraphML and GEXF hold one: default 0)")
    add_json(parser)


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Infer and write."""
    check_destination(options.out)
    data = Trajectories.load(options.data)
    from nri_core.checkpoint import Checkpoint
    from nri_core.inference import infer_edges

    posterior = infer_edges(Checkpoint.load(options.checkpoint), data)
    write_graph(posterior, options.out, sim=options.sim)
    return {"out": options.out, "num_sims": data.num_sims, "num_nodes": data.num_nodes, "inference": posterior.inference}
