"""assess TRAIN.npz [--model CHECKPOINT_DIR]"""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nri_core.command_line.train import add_training_arguments, order
from nri_core.errors import ConfigError
from nri_core.holdout import split
from nri_core.settings import TrainConfig
from nri_core.trajectories import Trajectories

if TYPE_CHECKING:
    from nri_core.checkpoint import Checkpoint


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `train`, or a model that was trained with them."""
    add_training_arguments(parser)
    parser.add_argument("--model", type=Path, metavar="CHECKPOINT_DIR", help="a model trained on TRAIN: its recipe is repeated (default: train one first)")


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Train what is to be compared, one after the other, then compare on held-out data."""
    config, train, valid = order(options)
    from nri_core.checkpoint import Checkpoint  # torch takes seconds to import: faults of the input are told before
    from nri_core.credibility import assess, figures, trainings

    train, valid = (train, valid) if valid else split(train)
    model = None if options.model is None else Checkpoint.load(options.model)
    config = config if model is None else recipe_of(model)
    further = trainings(train, config)  # refused before the first hour of training, not after it
    model = model or trained(train, valid, config, options.device, "the model itself")
    others = {name: trained(data, valid, settings, options.device, name) for name, (data, settings) in further.items()}
    return figures(assess(model, others, valid))


def recipe_of(model: "Checkpoint") -> TrainConfig:
    """How it was trained. Raises ConfigError where that is not known."""
    recipe = model.config.metadata.get("recipe")
    if not recipe or model.others:
        raise ConfigError("Expected one model that knows its recipe; this one is an ensemble or of an older version. Train it again, or leave out --model.")
    return TrainConfig.model_validate(recipe)


def trained(train: Trajectories, valid: Trajectories, config: TrainConfig, device: str, name: str) -> "Checkpoint":
    """After the last epoch; a line an epoch on stderr."""
    from nri_core.training import fit

    for record in fit(train, valid, config, device=device):
        print(f"{name}: epoch {record.epoch}/{record.num_epochs}  {record.seconds:.1f} s, {record.seconds_left:.0f} s left", file=sys.stderr, flush=True)
    return record.checkpoint
