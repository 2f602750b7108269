"""runs submit TRAIN.npz · runs list · runs status|pause|step|unpause|cancel|resume ID · runs ray status|start|stop"""

import argparse
import getpass
from typing import Any

from nri_core.command_line.fields import add_json
from nri_core.command_line.train import add_training_arguments, order
from nri_core.errors import JobError
from nri_core.jobs import Run, Usage, advance, list_runs, open_run, submit, usage
from nri_core.jobs.contract import runs_directory
from nri_core.jobs.engines import RAY_ENGINE
from nri_core.jobs.engines.ray_api import named_cluster
from nri_core.jobs.engines.ray_local import LocalRay

WISHES = {
    "status": "how far a run is",
    "pause": "let a run wait after the epoch at hand, holding its device",
    "step": "let a paused run do one more epoch",
    "unpause": "let a paused run go on",
    "cancel": "stop a run and keep its checkpoint",
    "resume": "let a run that was stopped, lost or failed go on where it was",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A second verb."""
    verbs = parser.add_subparsers(dest="runs_verb", metavar="VERB", required=True)
    start = verbs.add_parser("submit", help="train in a process of its own, which outlives this one")
    add_training_arguments(start)
    start.add_argument("--name", default="", help="name to show in lists")
    start.add_argument("--engine", default="process", help="process: this machine; ray: a Ray cluster (default: process)")
    start.add_argument("--gpus", type=float, default=1.0, metavar="SHARE", help="share of a GPU to take, where it runs on one (default: 1)")
    add_json(verbs.add_parser("list", help="all runs, the newest first"))
    for name, summary in WISHES.items():
        verb = verbs.add_parser(name, help=summary)
        verb.add_argument("id", metavar="ID", help="what submit printed")
        add_json(verb)
    ray = verbs.add_parser("ray", help="the Ray of this machine, which runs start by themselves where $NRI_RAY_ADDRESS names no cluster")
    ray.add_argument("wish", choices=("status", "start", "stop"))
    add_json(ray)


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Print a run's status; for `list`, of each. Whoever looks also moves the queue."""
    if options.runs_verb == "submit":
        submitted = _shown(_submit(options))
        options.failed = submitted["message"] if submitted["state"] == "failed" else ""
        return submitted
    if options.runs_verb == "ray":
        return _ray(options.wish)
    advance()
    if options.runs_verb == "list":
        return _listed(list_runs())
    chosen = open_run(options.id)
    if options.runs_verb != "status":
        getattr(chosen, options.runs_verb)()
    return _shown(chosen)


def _submit(options: argparse.Namespace) -> Run:
    config, train, valid = order(options)
    watch, name = (valid or train).select(slice(0, 1)), options.name or options.train.stem
    return submit(
        train, config, valid=valid, watch=watch, name=name, device=options.device, engine=options.engine, gpus=options.gpus, user=getpass.getuser()
    )


def _ray(wish: str) -> dict[str, Any]:
    local = LocalRay(runs_directory())
    if wish == "start" and named_cluster() is None:
        local.start()
    if wish == "stop":
        if (training := usage().get("ray", Usage(0, 0)).running) and local.cluster():
            raise JobError(f"Expected a Ray that is idle; {training} of its runs train or start. Cancel them first.")
        local.stop()
    about = RAY_ENGINE.about(local.runs_dir)
    return {"ray": about.title, "absent": about.absent}


def _listed(found: list[Run]) -> dict[str, Any]:
    readable, unreadable = [], {}
    for each in found:
        try:
            readable.append(_shown(each))
        except JobError as error:
            unreadable[each.id] = str(error)
    return {"runs": readable} | ({"unreadable": unreadable} if unreadable else {})


def _shown(chosen: Run) -> dict[str, Any]:
    requested = chosen.requested()
    asked = {"engine": requested.engine, "sweep": requested.sweep, "user": requested.user}
    return chosen.status().model_dump(mode="json") | asked
