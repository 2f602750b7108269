"""sweep start SWEEP.yaml TRAIN.npz · sweep table SWEEP · sweep combine SWEEP --out CHECKPOINT_DIR"""

import argparse
from pathlib import Path
from typing import Any

from nri_core.command_line.fields import add_json
from nri_core.jobs.sweep import Sweep, average, read_sweep, row_of, runs_of, start_sweep, sweep_table
from nri_core.trajectories import Trajectories


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A second verb."""
    verbs = parser.add_subparsers(dest="sweep_verb", metavar="VERB", required=True)
    start = verbs.add_parser("start", help="submit every combination of settings and seeds")
    start.add_argument("file", type=Path, metavar="SWEEP.yaml", help="settings × seeds; its keys are listed below")
    start.add_argument("train", type=Path, metavar="TRAIN.npz", help="trajectories to learn from")
    start.add_argument("--valid", type=Path, metavar="VALID.npz", help="trajectories to validate on (default: some of TRAIN are held out)")
    start.formatter_class = argparse.RawDescriptionHelpFormatter
    start.epilog = "keys of SWEEP.yaml, all optional:\n" + "\n".join(f"  {name:<8} {field.description}" for name, field in Sweep.model_fields.items())
    add_json(start)
    table = verbs.add_parser("table", help="mean and spread over the seeds of each combination")
    combine = verbs.add_parser("combine", help="one model, an ensemble, of the runs of one row that have a model")
    combine.add_argument("--out", type=Path, required=True, metavar="CHECKPOINT_DIR", help="folder to write the ensemble to")
    combine.add_argument("--row", type=int, help="which settings, by the table (only needed where there are several)")
    for verb in (table, combine):
        verb.add_argument("sweep", metavar="SWEEP", help="what start printed")
        add_json(verb)


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Start, tabulate or combine."""
    if options.sweep_verb == "start":
        sweep = read_sweep(options.file)
        started = start_sweep(sweep, Trajectories.load(options.train), valid=options.valid and Trajectories.load(options.valid))
        return {"sweep": started[0].requested().sweep, "runs": [run.id for run in started]}
    runs = runs_of(options.sweep)
    if options.sweep_verb == "table":
        return {"sweep": options.sweep, "rows": sweep_table(runs)}
    from nri_core.checkpoint import check_folder

    check_folder(options.out)
    together = average([run for run in row_of(runs, options.row) if run.checkpoint_dir is not None])
    together.save(options.out)
    return {"checkpoint": options.out, "members": len(together.members)}
