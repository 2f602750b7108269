"""reproduce table1|table2 --budget MINUTES"""

import argparse
import sys
from pathlib import Path
from typing import Any

from nri_core.command_line.fields import add_json
from nri_core.errors import ConfigError
from nri_core.jobs.run import runs_directory
from nri_core.reproduction.paper import ERRORS, SYSTEMS, TABLES
from nri_core.reproduction.results import FOLDER
from nri_core.reproduction.tables import markdown


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which part of which table, and for how long."""
    parser.add_argument("table", choices=TABLES, help="table1: edge accuracy; table2: forecast error")
    parser.add_argument("--budget", type=float, required=True, metavar="MINUTES", help="stop after about this long; a later call goes on")
    parser.add_argument(
        "--systems", nargs="+", metavar="SYSTEM", help=f"some of {', '.join(SYSTEMS)} (default: all that the paper's table has)"
    )
    parser.add_argument("--seeds", type=int, default=1, help="trainings of each cell (the paper: 5; default: 1)")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help=f"folder of the results (default: runs/{FOLDER})")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda (default: auto)")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads; 0: one for each core (default: 1)")
    add_json(parser)


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Spend the budget, write the table; progress goes to stderr."""
    if not 0 < options.budget <= 1_000_000:
        raise ConfigError(f"Expected a --budget above 0 and at most 1,000,000 minutes; found {options.budget:g}.")
    if not 1 <= options.seeds <= 100:
        raise ConfigError(f"Expected 1 to 100 --seeds; found {options.seeds}.")
    folder = options.out or runs_directory() / FOLDER
    from nri_core.reproduction.cells import cells_of  # torch takes seconds to import: faults of the input are told before
    from nri_core.reproduction.run import reproduce

    cells = cells_of(options.table, options.systems or (SYSTEMS if options.table == "table1" else tuple(ERRORS)), options.seeds)
    table, paths = reproduce(
        options.table,
        cells,
        minutes=options.budget,
        folder=folder,
        command=_command(options),
        device=options.device,
        threads=options.threads,
        report=lambda line: print(line, file=sys.stderr, flush=True),
    )
    if not options.json:
        print(markdown(table))
    return {"json": paths[0], "markdown": paths[1], "systems": table.systems, "entries": len(table.entries)}


def _command(options: argparse.Namespace) -> str:
    """What to type for the same again, wherever its results lie."""
    systems = f" --systems {' '.join(options.systems)}" if options.systems else ""
    seeds = f" --seeds {options.seeds}" if options.seeds > 1 else ""
    return f"python -m nri_core reproduce {options.table} --budget {options.budget:g}{systems}{seeds}"
