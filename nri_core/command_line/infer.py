"""infer CHECKPOINT_DIR|baseline:NAME DATA.npz --out posterior.npz"""

import argparse
from pathlib import Path
from typing import Any

from nri_core.command_line.fields import add_json
from nri_core.command_line.readers import PREFIX, add_reader, by_baseline
from nri_core.errors import ConfigError
from nri_core.exporters import EXPORTERS, check_destination, write_graph
from nri_core.metrics import score_edges
from nri_core.posterior import EdgePosterior
from nri_core.trajectories import Trajectories


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A model or a baseline, data, and a file whose name ends in its format."""
    add_reader(parser)
    parser.add_argument("data", type=Path, metavar="DATA.npz", help="trajectories to infer the graphs of")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help=f"file to write, ending in .{', .'.join(EXPORTERS)}")
    parser.add_argument("--sim", type=int, help="write only this simulation, counted from 0 (GraphML and GEXF hold one: default 0)")
    parser.add_argument("--with", nargs="+", type=Path, default=[], dest="others", metavar="CHECKPOINT_DIR", help="average with these models")
    parser.add_argument("--inference", choices=("encoder", "decoder", "law"), help="how a model reads the graph (default: its own way)")
    parser.add_argument("--stride", type=int, help="the graph of every window, one starting each STRIDE frames (a model, to .npz)")
    add_json(parser)


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Infer and write. `num_sims` counts what was written, `sims_read` what the data hold.

    Where these tell as many true types as were inferred, those go by their names, as `evaluate` matches them.
    """
    check_destination(options.out)
    if options.inference and options.reader.startswith(PREFIX):
        raise ConfigError(f"Expected --inference with a trained model; found {options.reader}, which has one way only. Leave it out.")
    data = Trajectories.load(options.data)
    if options.stride is not None:
        return _windows(options, data)
    posterior, more = by_baseline(options, data) or (_by_model(options, data), {})
    score = score_edges(posterior, data)
    if score and len(posterior.edge_type_names) == len(data.edge_type_names):  # only to call each type as the truth does
        more |= {"types_called": [f"{name}: {data.edge_type_names[kind]}" for name, kind in zip(posterior.edge_type_names, score.relabelling, strict=True)]}
        posterior = posterior.relabelled(score.relabelling, data.edge_type_names)
    written = write_graph(posterior, options.out, sim=options.sim)
    return {
        "out": options.out,
        "num_sims": len(written),
        "sims_read": data.num_sims,
        "num_nodes": data.num_nodes,
        "inference": posterior.inference,
        **more,
    }


def _by_model(options: argparse.Namespace, data: Trajectories) -> EdgePosterior:
    from nri_core.checkpoint import Checkpoint  # after the baselines, which do without torch
    from nri_core.inference import ensemble, infer_edges

    posteriors = [infer_edges(Checkpoint.load(folder), data, inference=options.inference) for folder in (Path(options.reader), *options.others)]
    return posteriors[0] if len(posteriors) == 1 else ensemble(posteriors)


def _windows(options: argparse.Namespace, data: Trajectories) -> dict[str, Any]:
    from nri_core.checkpoint import Checkpoint
    from nri_core.inference import infer_windows

    if options.out.suffix != ".npz" or options.others or options.sim is not None:
        raise ConfigError("Expected --stride with one model and a file that ends in .npz, for all simulations. Leave the rest out.")
    over_time = infer_windows(Checkpoint.load(Path(options.reader)), data, stride=options.stride, inference=options.inference)
    over_time.save(options.out)
    return {"out": options.out, "num_sims": data.num_sims, "num_nodes": data.num_nodes, "starts": over_time.starts}
