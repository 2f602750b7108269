"""runs submit TRAIN.npz · runs list · runs status ID · runs cancel ID"""

import argparse
from typing import Any

from nri_core.command_line.fields import add_json
from nri_core.command_line.train import add_training_arguments, order
from nri_core.jobs import list_runs, open_run, submit


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A second verb."""
    verbs = parser.add_subparsers(dest="runs_verb", metavar="VERB", required=True)
    start = verbs.add_parser("submit", help="train in a process of its own, which outlives this one")
    add_training_arguments(start)
    start.add_argument("--name", default="", help="name to show in lists")
    add_json(verbs.add_parser("list", help="all runs, the newest first"))
    for name, summary in (("status", "how far a run is"), ("cancel", "stop a run and keep its checkpoint")):
        verb = verbs.add_parser(name, help=summary)
        verb.add_argument("id", metavar="ID", help="what submit printed")
        add_json(verb)


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Print a run's status; for `list`, of each."""
    if options.runs_verb == "list":
        return {"runs": [found.status().model_dump(mode="json") for found in list_runs()]}
    if options.runs_verb == "submit":
        config, train, valid = order(options)
        watch = (valid or train).select(slice(0, 1))
        chosen = submit(train, config, valid=valid, watch=watch, name=options.name or options.train.stem, device=options.device)
    else:
        chosen = open_run(options.id)
    if options.runs_verb == "cancel":
        chosen.cancel()
    return chosen.status().model_dump(mode="json")
