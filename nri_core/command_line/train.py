"""train TRAIN.npz --out CHECKPOINT_DIR"""

import argparse
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from nri_core.command_line.fields import add_json, assign, describe
from nri_core.errors import ConfigError
from nri_core.holdout import split
from nri_core.settings import PRESETS, TrainConfig, suited
from nri_core.trajectories import Trajectories

if TYPE_CHECKING:
    from nri_core.training import EpochRecord


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `runs submit` has too, and where to save."""
    add_training_arguments(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="CHECKPOINT_DIR", help="folder to write the model to")
    parser.epilog = f"two processes, one model: python -m torch.distributed.run --nproc_per_node 2 -m nri_core train …\n\n{parser.epilog}"


def add_training_arguments(parser: argparse.ArgumentParser) -> None:
    """Data, recipe, limits."""
    parser.add_argument("train", type=Path, metavar="TRAIN.npz", help="trajectories to learn from")
    parser.add_argument("--valid", type=Path, metavar="VALID.npz", help="trajectories to validate on (default: some of TRAIN are held out)")
    parser.add_argument("--preset", choices=PRESETS, default="live", help="live: minutes on a laptop; paper: the reference's recipe")
    parser.add_argument("--max-seconds", help="stop after this long; the learning rate follows")
    parser.add_argument("--seed", help="the same seed gives the same run (default: 0)")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda (default: auto)")
    parser.add_argument("--set", action="extend", nargs="+", default=[], metavar="KEY=VALUE", help="change settings, listed below")
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = f"settings of --set, with the defaults of live:\n{describe(TrainConfig)}"
    add_json(parser)


class Order(NamedTuple):
    """What is to be trained on what; `valid` only if it was named."""

    config: TrainConfig
    train: Trajectories
    valid: Trajectories | None


def order(options: argparse.Namespace) -> Order:
    """The preset, suited to the edge types that the data name, with what was changed."""
    train, valid = Trajectories.load(options.train), options.valid and Trajectories.load(options.valid)
    shorthands = [f"{key}={value}" for key in ("max_seconds", "seed") if (value := getattr(options, key)) is not None]
    return Order(assign(suited(PRESETS[options.preset], train.edge_type_names, train.feature_names), [*options.set, *shorthands]), train, valid)


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Train here and now, a line an epoch on stderr; Ctrl-C stops and keeps the model.

    Several processes started by `python -m torch.distributed.run --nproc_per_node 2 -m nri_core train …` train one model
    together; the first one tells and saves.
    """
    config, train, valid = order(options)
    from nri_core.checkpoint import check_folder  # torch takes seconds to import: faults of the input are told before
    from nri_core.training import Ranks, fit

    ranks = Ranks.launched()
    check_folder(options.out)  # an hour's training must not end at a locked door
    train, valid = (train, valid) if valid else split(train)
    records, last = fit(train, valid, config, device=options.device), None
    if not ranks.first:
        sys.exit(next(records, None))
    for last in _until_interrupted(records):
        print(_progress(last), file=sys.stderr, flush=True)
    if last is None:
        raise ConfigError("Stopped before the first epoch was done; there is no model to save.")
    launcher = f"torch.distributed.run --nproc_per_node {ranks.local_count} -m " if ranks.count > 1 else ""
    command = f"python -m {launcher}nri_core {shlex.join(sys.argv[1:])}"
    last.checkpoint.described(preset=options.preset, seed=config.seed, figures=last.metrics(), command=command).save(options.out)
    return {"checkpoint": options.out, **last.metrics()}


def _until_interrupted(records: "Iterator[EpochRecord]") -> "Iterator[EpochRecord]":
    try:
        yield from records
    except KeyboardInterrupt:
        print("Stopped; the last model is kept.", file=sys.stderr)


def _progress(record: "EpochRecord") -> str:
    accuracy = "" if record.edge_accuracy is None else f"  edges {100 * record.edge_accuracy:.1f} %"
    return (
        f"epoch {record.epoch}/{record.num_epochs}  {record.seconds:.1f} s, {record.seconds_left:.0f} s left  "
        f"loss {record.losses['loss']:.4g}{accuracy}"
    )
