"""The command line: a verb a module, each with `add_arguments(parser)` and `run(options) -> dict`, the result to print.

Exit code 0; 2 with one line on stderr when the input is at fault; 1 with one line there when what was asked for was begun and failed at once, which
a verb tells in `options.failed`. Results go to stdout, progress to stderr.
"""

import argparse
import os
import sys
from importlib import import_module
from typing import Any, NoReturn

from pydantic import ValidationError
from pydantic_core import to_json

from nri_core.command_line.fields import explain
from nri_core.errors import NRIError

VERBS = {
    "simulate": "make trajectories by a physical law",
    "import": "make trajectories of your own files: tables, arrays, motion capture, tracking",
    "train": "learn a model from trajectories, without labels",
    "evaluate": "compare what a model infers and forecasts with the truth",
    "infer": "write the graph that a model infers",
    "what-if": "cut or change edges of an inferred graph: what the model forecasts then, and what would truly happen",
    "stages": "what a model computes on the way from motion to the next state, with the numbers of one edge",
    "export": "write trajectories, pictures, a film, or one HTML file with the player",
    "types": "how many kinds of interaction: by the likelihood of held-out motion, without labels",
    "assess": "what can be concluded without knowing the truth",
    "sensitivity": "how much a model needs: accuracy against frames, noise and number of nodes",
    "combine": "make one model, an ensemble, of several trainings",
    "runs": "train in the background: submit, list, status, pause, cancel, resume, …",
    "sweep": "many runs from one file of settings and seeds: start, table, combine",
    "reproduce": "run the paper's tables again, for as long as you like",
    "bench": "print the figures of a benchmark",
}


MODULES = {"import": "importing", "what-if": "what_if"}  # words that Python does not take for names


class Parser(argparse.ArgumentParser):
    """argparse, saying in one line what is wrong."""

    def error(self, message: str) -> NoReturn:
        """One line, not the usage as well."""
        self.exit(2, f"{self.prog}: {_one_line(message)}. See {self.prog} --help\n")


def main(arguments: list[str]) -> int:
    """Run one command; returns the exit code."""
    try:
        options = _parse(arguments)
        result = options.run(options)
    except (NRIError, ValidationError) as error:
        return _complained(explain(error) if isinstance(error, ValidationError) else str(error), code=2)
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130
    told = _told(to_json(result, inf_nan_mode="null").decode() if options.json else _readable(result))
    return _complained(options.failed, code=1) if getattr(options, "failed", "") else told


def _complained(text: str, *, code: int) -> int:
    print(f"python -m nri_core: {_one_line(text)}", file=sys.stderr)
    return code


def _told(text: str) -> int:
    """Print it; who reads only the beginning (`| head`) has no wish to be told of the rest."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nothing is left to be said at the end either
    return 0


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = Parser(prog="python -m nri_core", description="Infer who acts on whom from how things move.")
    verbs = parser.add_subparsers(metavar="VERB", required=True)
    for name, summary in VERBS.items():
        verb = verbs.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
        if arguments[:1] == [name]:  # the others are not imported: some need torch, which takes seconds
            module = import_module(f"nri_core.command_line.{MODULES.get(name, name)}")
            module.add_arguments(verb)
            verb.set_defaults(run=module.run)
    return parser.parse_args(arguments)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _readable(result: dict[str, Any]) -> str:
    return "\n".join(line for name, value in result.items() for line in _lines(name, value))


def _lines(name: str, value: Any) -> list[str]:
    """A list of records takes a line for each."""
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        return [f"{name}:", *("  " + ", ".join(f"{key} {_short(item[key])}" for key in item if item[key] is not None) for item in value)]
    return [f"{name}: {value}"]


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return "(" + ", ".join(f"{key} {_short(item)}" for key, item in value.items()) + ")"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
