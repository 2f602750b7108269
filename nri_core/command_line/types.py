"""types TRAIN.npz [--out CHECKPOINT_DIR]"""

import argparse
from pathlib import Path
from typing import Any

from nri_core.command_line.assess import trained
from nri_core.command_line.train import add_training_arguments, order
from nri_core.errors import ConfigError
from nri_core.holdout import split
from nri_core.settings import MOST_EDGE_TYPES


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `train`; each candidate gets the same time."""
    add_training_arguments(parser)
    parser.add_argument("--most", type=int, default=4, metavar="K", help="edge types of the largest candidate, “no interaction” included (default: 4)")
    parser.add_argument("--out", type=Path, metavar="CHECKPOINT_DIR", help="folder to write the chosen model to")


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Train a model of each number of types and compare them by the likelihood of what was held out; no label is read."""
    if not 2 <= options.most <= MOST_EDGE_TYPES:
        raise ConfigError(f"Expected --most from 2 to {MOST_EDGE_TYPES}; found {options.most}.")
    config, train, valid = order(options)
    from nri_core.checkpoint import check_folder  # torch takes seconds to import: faults of the input are told before
    from nri_core.model_choice import CANDIDATES, Kinds, choose_types, log_likelihood, recordings, with_kinds
    from nri_core.training import check

    train, valid = (train, valid) if valid else split(train)
    if options.out:
        check_folder(options.out)
    candidates = [kinds for kinds in (*CANDIDATES, *map(Kinds, range(5, options.most + 1))) if kinds.num_edge_types <= options.most]
    wanted = {kinds: with_kinds(config, kinds) for kinds in candidates}
    for settings in wanted.values():
        check(train.select(slice(0, 2)), settings)
    models = {kinds: trained(train, valid, settings, options.device, kinds.words) for kinds, settings in wanted.items()}
    found = choose_types({kinds: log_likelihood(model, valid) for kinds, model in models.items()}, recordings(valid))
    if options.out:
        models[found.chosen].save(options.out)
    rows = [vars(candidate) | {"kinds": candidate.kinds.words, **candidate.kinds._asdict()} for candidate in found.candidates]
    return {"chosen": found.chosen.words, "best": found.best.words, "candidates": rows, **found.chosen._asdict()}
