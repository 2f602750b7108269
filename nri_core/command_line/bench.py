"""bench NAME: a script of `benchmarks/`, which prints the figures that the README quotes"""

import argparse
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from nri_core.command_line.fields import add_json

PROJECT = Path(__file__).parents[2]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The names are those of the files."""
    names = sorted(path.stem for path in (PROJECT / "benchmarks").glob("[!_]*.py"))
    parser.add_argument("name", choices=names, metavar="NAME", help=", ".join(names))
    add_json(parser)


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Call its `main()`."""
    sys.path.insert(0, str(PROJECT))
    return import_module(f"benchmarks.{options.name}").main()
