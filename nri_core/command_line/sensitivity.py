"""sensitivity CHECKPOINT_DIR [--by frames|noise|nodes] [--data DATA.npz]"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nri_core.command_line.fields import add_fields, add_json, chosen
from nri_core.errors import ConfigError
from nri_core.network_baselines import BASELINES, reader_of
from nri_core.trajectories import Trajectories

if TYPE_CHECKING:
    from nri_core.checkpoint import Checkpoint
    from nri_core.sensitivity import Effort, Point, Question

BY = ("frames", "noise", "nodes")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A model, what changes, and how many systems a point rests on."""
    from nri_core.sensitivity import Effort

    parser.add_argument("reader", type=Path, metavar="CHECKPOINT_DIR", help="folder of a trained model")
    parser.add_argument("--by", choices=BY, default="frames", help="what changes: frames seen, noise on them, or number of nodes (default: frames)")
    parser.add_argument("--values", type=float, nargs="+", help="the values to try, rising (default: the usual ones)")
    parser.add_argument("--data", type=Path, metavar="DATA.npz", help="with --by frames or noise (then in shares of each feature's spread): systems with a known graph (default: fresh ones of the model's law)")
    parser.add_argument("--inference", choices=("encoder", "decoder", "law"), help="how the model reads the graph (default: its own way)")
    parser.add_argument("--beside", choices=BASELINES, help="a classical method on the same systems, for contrast; known_law is told the model's law")
    add_fields(parser, Effort)
    add_json(parser)


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Point after point; progress goes to stderr."""
    if options.data and options.by == "nodes":
        raise ConfigError("Expected --data with --by frames or noise: other sizes take fresh systems of the model's law. Leave it out.")
    if options.by != "noise" and any(value != round(value) for value in options.values or ()):
        raise ConfigError(f"Expected whole numbers of {options.by}; found {', '.join(f'{value:g}' for value in options.values)}.")
    from nri_core.checkpoint import Checkpoint
    from nri_core.sensitivity import Effort, as_reader, curve, enough

    checkpoint = Checkpoint.load(options.reader)
    question = _question(options, checkpoint, chosen(options, Effort))
    points = list(_told(curve(as_reader(checkpoint, options.inference), question)))
    result = {"by": options.by, "points": [_row(point) for point in points]} | ({"enough": enough(points)} if options.by == "frames" else {})
    if options.beside:
        told = _told_the_law(checkpoint) if options.beside == "known_law" else {}
        beside = curve(reader_of(options.beside, **told), question)
        result |= {"beside": options.beside, "beside_points": [_row(point) for point in _told(beside)]}
    return result


def _question(options: argparse.Namespace, checkpoint: "Checkpoint", effort: "Effort") -> "Question":
    from nri_core import sensitivity

    config = checkpoint.config
    if options.by == "noise" and options.data:
        return sensitivity.noise_on(Trajectories.load(options.data), options.values or sensitivity.NOISES, frames=config.window)
    if options.by == "noise":
        return sensitivity.by_noise(sensitivity.law_learned(checkpoint), options.values or sensitivity.NOISES, frames=config.window, nodes=config.num_nodes, effort=effort)
    whole = [int(value) for value in options.values or ()]
    if options.by == "nodes":
        return sensitivity.by_nodes(sensitivity.law_learned(checkpoint), whole or sensitivity.NODES, frames=config.window, effort=effort)
    if options.data:
        data = Trajectories.load(options.data)
        return sensitivity.by_frames(data, whole or sensitivity.usual_frames(config.window, data.num_steps))
    frames = whole or sensitivity.usual_frames(config.window, 4 * config.window)
    return sensitivity.fresh_by_frames(sensitivity.law_learned(checkpoint), frames, nodes=config.num_nodes, effort=effort)


def _told_the_law(checkpoint: "Checkpoint") -> dict[str, Any]:
    from nri_core.sensitivity import law_learned

    return {"law": checkpoint.config.metadata["data"]["system"], "couplings": law_learned(checkpoint).coupling_of_type}


def _row(point: "Point") -> dict[str, Any]:
    return vars(point) | {"why": point.why or None}


def _told(points: "Iterator[Point]") -> "Iterator[Point]":
    for point in points:
        right = point.why if point.accuracy is None else f"{100 * point.accuracy:.1f} % right"
        print(f"{point.at:g}: {right}", file=sys.stderr, flush=True)
        yield point
