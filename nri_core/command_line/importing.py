"""import FILE … --out data.npz"""

import argparse
import json
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nri_core.command_line.fields import add_json, assign, describe, listed
from nri_core.errors import ConfigError
from nri_core.importers import READERS, changed, inspect, read, reader_of
from nri_core.importers.contract import Inspection
from nri_core.importers.once import parsed_once
from nri_core.importers.truth import with_truth
from nri_core.preparation import FIXES, Fix, Plan, diagnose, prepare, read_plan, suggest
from nri_core.preparation.cutting import left_out
from nri_core.recording import Recording
from nri_core.storage import write_text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Everything that the page "Your data" asks."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = "fixes (--fix KIND KEY=VALUE …):\n" + "\n".join(f"{kind}: {fix.title}\n{describe(fix)}" for kind, fix in FIXES.items()).replace("%", "%%")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="files of motion; several that belong together, such as a skeleton and its motions")
    parser.add_argument("--out", type=Path, metavar="data.npz", help="file to write; without it, the files are only looked at")
    parser.add_argument("--format", choices=READERS, help="format of the files (default: as recognised)")
    parser.add_argument("--set", nargs="+", default=[], dest="settings", metavar="OPTION=VALUE", help="options of the format that are to differ from the guess")
    parser.add_argument("--fix", nargs="+", action="append", default=[], metavar=("KIND", "KEY=VALUE"), help="a step of the preparation, may be given several times")
    parser.add_argument("--suggested", action="store_true", help="take the fixes and windows that are suggested")
    parser.add_argument("--window", type=int, help="cut windows of so many frames (default: recordings as they are)")
    parser.add_argument("--stride", type=int, help="frames between the starts of two windows (default: one after another)")
    parser.add_argument("--least-seen", type=float, help="share of sightings that a window must have")
    parser.add_argument("--truth", type=Path, metavar="GRAPH", help="a known graph to compare with: edge list, adjacency matrix or GraphML")
    parser.add_argument("--both-ways", action="store_true", help="each edge of the known graph acts both ways (default: from its first node to its second)")
    parser.add_argument("--plan", type=Path, metavar="plan.json", help="everything as saved in a plan")
    parser.add_argument("--save-plan", type=Path, metavar="plan.json", help="write the plan, which repeats this import")
    add_json(parser)


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Look, or read, mend, cut and write."""
    plan = _plan(options)
    with parsed_once():
        inspection, chosen = _understood(options, plan)
        recording = read(options.files, form=inspection.format, options=chosen, progress=_say)
    recording = with_truth(recording, options.truth, both_ways=options.both_ways) if options.truth else recording
    plan = plan.model_copy(update={"form": inspection.format, "options": chosen})
    if options.suggested:
        found = suggest(recording)
        plan = plan.model_copy(update={"fixes": (*plan.fixes, *found.fixes), "window": plan.window or found.window, "stride": plan.stride or found.stride})
    if options.out is None:
        return _seen(inspection, recording)
    prepared = prepare(recording, plan.fixes)
    data = plan.cut(prepared)
    data.save(options.out)
    if options.save_plan:
        write_text(options.save_plan, plan.model_dump_json(indent=2, exclude_none=True))
    return {
        "out": options.out,
        "format": inspection.format,
        "num_sims": data.num_sims,
        "num_steps": data.num_steps,
        "num_nodes": data.num_nodes,
        "feature_names": data.feature_names,
        "dt": data.dt,
        "observed": 1.0 if data.observed is None else float(data.observed.mean()),
        "trials": len(set(data.trials.tolist())),
        "fixes": [fix.model_dump(mode="json") for fix in plan.fixes],
        "left_to_know": [
            *({"finding": f"{finding.severity}: {finding.sentence}"} for finding in diagnose(prepared)),
            *({"finding": f"warning: {said}"} for said in [left_out(prepared, plan.window)] if said),
        ],
    }


def _understood(options: argparse.Namespace, plan: Plan) -> tuple[Inspection, dict[str, Any]]:
    """What the files hold and the options to read them with: guessed, but where the plan or --set says otherwise."""

    def settled(inspection: Inspection) -> dict[str, Any]:
        told = assign(reader_of(inspection.format).options(**{**inspection.options, **plan.options}), options.settings).model_dump(mode="json")
        named = {*plan.options, *(setting.partition("=")[0] for setting in options.settings)}
        return changed(inspection.options, {name: told[name] for name in named}, inspection.preview)

    inspection = inspect(options.files, form=plan.form)
    chosen = settled(inspection)
    written = {name: chosen[name] for name in getattr(reader_of(inspection.format), "written", ())}
    if all(inspection.options[name] == value for name, value in written.items()):
        return inspection, chosen
    inspection = inspect(options.files, form=inspection.format, written=written)
    return inspection, settled(inspection)


def _plan(options: argparse.Namespace) -> Plan:
    plan = read_plan(options.plan) if options.plan else Plan()
    changes = {name: value for name in ("window", "stride", "least_seen") if (value := getattr(options, name)) is not None}
    changes |= {"form": options.format} if options.format else {}
    fixes = [*plan.fixes, *(fix_of(*words) for words in options.fix)]
    return Plan.of(**(plan.model_dump() | changes | {"fixes": [fix.model_dump() for fix in fixes]}))


def fix_of(kind: str, *settings: str) -> Fix:
    """From the words after --fix. Raises ConfigError for a kind or a setting that is none."""
    if kind not in FIXES:
        raise ConfigError(f"Expected --fix KIND KEY=VALUE … with a KIND of {', '.join(FIXES)}; found {kind!r}.")
    values: dict[str, Any] = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals or key not in FIXES[kind].model_fields:
            names = ", ".join(name for name in FIXES[kind].model_fields if name != "kind") or "none"
            raise ConfigError(f"Expected KEY=VALUE after --fix {kind} with a KEY of {names}; found {setting!r}.")
        values[key] = listed(value) if "tuple" in str(FIXES[kind].model_fields[key].annotation) else value
    return FIXES[kind](**values)


def _seen(inspection: Inspection, recording: Recording) -> dict[str, Any]:
    findings = [{"finding": f"{one.severity}: {one.sentence}", "fixes": [spelled(fix) for fix in one.fixes]} for one in diagnose(recording)]
    frames = [trial.num_frames for trial in recording.trials]
    return {
        "format": inspection.format,
        "understood": list(inspection.understood),
        "options": inspection.options,
        "recordings": len(frames),
        "frames": [min(frames), max(frames)],
        "num_nodes": recording.num_nodes,
        "feature_names": recording.feature_names,
        "findings": findings,
        "suggested": suggest(recording).model_dump(mode="json", exclude_none=True, include={"fixes", "window", "stride"}),
    }


def command(files: Sequence[str], plan: Plan, truth: str = "", both_ways: bool = False) -> str:
    """The command line that repeats an import; `truth` is the file of a known graph."""
    words = ["python", "-m", "nri_core", "import", *files, "--out", "data.npz", *(["--format", plan.form] if plan.form else [])]
    settings = [f"{name}={_value(value)}" for name, value in plan.options.items()]
    words += ["--set", *settings] if settings else []
    words += ["--truth", truth, *(["--both-ways"] if both_ways else [])] if truth else []
    text = " ".join([shlex.join(words), *map(spelled, plan.fixes)])
    return text + "".join(f" --{name} {value}" for name in ("window", "stride") if (value := getattr(plan, name)) is not None)


def spelled(fix: Fix) -> str:
    """As an option of this verb."""
    given = fix.model_dump(exclude={"kind"}, exclude_none=True)
    return shlex.join(["--fix", fix.kind, *(f"{key}={_value(value)}" for key, value in given.items())])


def _value(value: Any) -> str:
    if not isinstance(value, list | tuple):
        return "none" if value is None else str(value)
    text = ",".join(map(str, value))
    return text if listed(text) == [*map(str, value)] else json.dumps(list(value))  # names that hold a comma


def _say(share: float) -> None:
    print(f"Read {share:.0%}", file=sys.stderr)
