"""What is wrong with a recording, in sentences, each with the fixes that mend it."""

from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np

from nri_core.preparation.contract import Fix
from nri_core.preparation.gaps import Gather, Interpolate, KeepComplete, Resample, stretches
from nri_core.preparation.motion import MarkJumps, MarkOutliers, SwapBack, Velocities, far_out, switches
from nri_core.preparation.parts import ChooseNodes, CutAtBreaks, DropConstant, DropTrials, SplitTrials, breaks, flat_features, still_nodes
from nri_core.recording import Recording

SHORT_GAP = 10  # frames
FEWEST_FRAMES, FEWEST_TRIALS, MOST_USEFUL_NODES = 20, 10, 50
EVEN = 0.01  # share of the usual step by which steps may differ
JUMP = 10.0  # times the usual step of all nodes
PAUSE = 10.0  # times the usual step in time
MOVES = {"resample", "swap_back", "mark_jumps", "mark_outliers", "interpolate", "smooth"}  # fixes after which derived velocities no longer hold
FAR = 2.0  # widths of the range of 98 % of the values


class Finding(NamedTuple):
    """Something to know. A problem stands in the way of training; a warning may spoil it; a note only informs."""

    code: str
    severity: Literal["problem", "warning", "note"]
    sentence: str
    fixes: tuple[Fix, ...] = ()


def diagnose(recording: Recording) -> tuple[Finding, ...]:
    """Everything that was found, problems first; empty for a recording that can be learned from as it is."""
    found = [finding for check in CHECKS for finding in check(recording)]
    order = ("problem", "warning", "note")
    return tuple(sorted(found, key=lambda finding: order.index(finding.severity)))


def _remarks(recording: Recording) -> list[Finding]:
    return [Finding(remark.code, "warning" if "duplicate" in remark.code or "infinite" in remark.code else "note", remark.text) for remark in recording.remarks]


def _nodes(recording: Recording) -> list[Finding]:
    if recording.num_nodes < 2:
        return [Finding("one node", "problem", "There is only one node, and nobody else to act on it. Check the column that names who moves.")]
    found = []
    if still := still_nodes(recording):
        names = _some([recording.node_names[node] for node in sorted(still)])
        found.append(Finding("constant nodes", "problem" if len(still) > recording.num_nodes - 2 else "warning", f"Never moving, or never seen: {names}.", (DropConstant(),)))
    if recording.num_nodes > MOST_USEFUL_NODES:
        busiest = sorted(np.argsort(-sum(trial.seen.sum(0) for trial in recording.trials), kind="stable")[:10].tolist())
        choose = ChooseNodes(names=tuple(recording.node_names[node] for node in busiest))
        pairs = recording.num_nodes * (recording.num_nodes - 1)
        found.append(Finding("many nodes", "warning", f"{recording.num_nodes} nodes make {pairs:,} ordered pairs: training takes long and needs much data.", (choose,)))
    return found


def _features(recording: Recording) -> list[Finding]:
    found = []
    if flat := flat_features(recording) - set(recording.location):
        names = _some([recording.feature_names[dim] for dim in sorted(flat)])
        found.append(Finding("constant features", "problem", f"These features never change, so there is nothing to learn from them: {names}.", (DropConstant(),)))
    names = recording.feature_names
    if recording.location and not {f"v{names[place]}" for place in recording.location} <= set(names):
        text = "There are positions but no velocities. Most models predict better when they read both."
        found.append(Finding("no velocities", "warning", text, (Velocities(),)))
    done = [step["kind"] for step in recording.metadata.get("preparation", ())]
    if "velocities" in done and set(done[len(done) - done[::-1].index("velocities") :]) & MOVES:
        found.append(Finding("old velocities", "warning", "Positions were changed after the velocities were derived from them. Derive them again.", (Velocities(),)))
    return found


def _time(recording: Recording) -> list[Finding]:
    steps = np.concatenate([np.diff(trial.times) for trial in recording.trials])
    if not len(steps):
        return []
    usual = recording.frame_time
    uneven = np.abs(steps - usual) > EVEN * usual
    if not uneven.any():
        return []
    whole = np.abs(steps / usual - np.round(steps / usual)) < EVEN
    fixes: tuple[Fix, ...] = (Resample(rate=min(1 / usual, 1e6)),)
    if steps.max() > PAUSE * usual:  # what would be mostly empty when resampled is better cut
        fixes = (CutAtBreaks(pause=PAUSE), *fixes) if steps.sum() > 2 * usual * len(steps) else (*fixes, CutAtBreaks(pause=PAUSE))
    if whole.all():
        missing = int(np.round(steps / usual).sum() - len(steps))
        where = next(trial for trial in recording.trials if (np.diff(trial.times) > 1.5 * usual).any())
        after = where.times[:-1][np.diff(where.times) > 1.5 * usual][0]
        text = f"{counted(missing, 'frame')} missing as a whole, the first after time {after:g} of recording {where.name or '1'}. Models expect even steps."
        return [Finding("missing frames", "problem", text, fixes)]
    text = f"The time between frames is not even: usually {usual:.4g}, but from {steps.min():.4g} to {steps.max():.4g}. Models expect even steps."
    return [Finding("irregular sampling", "problem", text, fixes)]


def _breaks(recording: Recording) -> list[Finding]:
    """Recordings that stand one after another in the file, as if they were one."""
    found = breaks(recording)
    if not any(found):
        return []
    trial, frames = next((trial, frames) for trial, frames in zip(recording.trials, found, strict=True) if frames)
    text = (
        f"Nearly everybody jumps at once, {counted(sum(map(len, found)), 'time')}, first at time {trial.times[frames[0]]:g} of recording {trial.name or '1'}: "
        "as if several recordings stood one after another."
    )
    return [Finding("breaks", "warning", text, (CutAtBreaks(),))]


def _presence(recording: Recording) -> list[Finding]:
    """Gaps, and nodes that come and go."""
    seen = sum(trial.seen.sum() for trial in recording.trials) / max(recording.num_frames * recording.num_nodes, 1)
    if seen == 1:
        return []
    gaps, outside = [], set[int]()
    for trial in recording.trials:
        for node in np.flatnonzero(~trial.seen.all(0)):
            runs = stretches(~trial.seen[:, node])
            inner = [stop - start for start, stop in runs if start > 0 and stop < trial.num_frames]
            gaps += inner
            if len(inner) < len(runs):
                outside.add(node)
    found = []
    if gaps:
        worst = max(gaps)
        fixes: tuple[Fix, ...] = (Interpolate(longest=min(worst, SHORT_GAP)),)
        fixes += () if worst <= SHORT_GAP else (KeepComplete(),)
        text = f"{counted(len(gaps), 'gap')} in which a node is lost for a while, of up to {counted(worst, 'frame')} ({1 - seen:.1%} of all sightings are missing). Training can also leave them out."
        found.append(Finding("gaps", "warning", text, fixes))
    if outside:
        at_once = np.concatenate([trial.seen.sum(1) for trial in recording.trials])
        usual = int(np.clip(np.median(at_once), 2, 10))
        whole = "from start to end" + " of every recording" * (len(recording.trials) > 1)
        text = f"Nodes come and go: {len(outside):,} of {recording.num_nodes:,} {'is' if len(outside) == 1 else 'are'} not there {whole}; between {at_once.min()} and {at_once.max()} are seen at once."
        fixes = (Gather(nodes=min(usual, 5)),)
        if len(full := [node for node in range(recording.num_nodes) if all(trial.seen[:, node].mean() > 0.9 for trial in recording.trials)]) >= 2:
            fixes = (ChooseNodes(names=tuple(recording.node_names[node] for node in full)),) + fixes if len(full) < recording.num_nodes else (KeepComplete(),)
        found.append(Finding("come and go", "problem" if seen < 0.8 else "warning", text, fixes))
    return found


def _jumps(recording: Recording) -> list[Finding]:
    """Steps far longer than usual; and outliers."""
    if not recording.location:
        return []
    everybody = breaks(recording)
    swapped = [
        (trial, switch) for trial, cuts in zip(recording.trials, everybody, strict=True) for switch in switches(trial, recording.location) if switch[0] not in set(cuts)
    ]
    found = []
    if swapped:
        trial, (frame, first, second) = swapped[0]
        names = f"{recording.node_names[first]} and {recording.node_names[second]}"
        text = f"Identities seem exchanged {counted(len(swapped), 'time')}: {names} change places at time {trial.times[frame]:g} of recording {trial.name or '1'}."
        found.append(Finding("identity switches", "warning", text, (SwapBack(),)))
    speeds = [np.linalg.norm(np.diff(trial.values[..., recording.location], axis=0), axis=-1) / np.diff(trial.times)[:, None] for trial in recording.trials]
    for speed, cuts in zip(speeds, everybody, strict=True):
        speed[np.array(cuts, int) - 1] = np.nan
    every = np.concatenate([speed[~np.isnan(speed)] for speed in speeds])
    usual = float(np.median(every)) if len(every) else 0.0
    high = float(np.quantile(every, 0.95)) if len(every) else 0.0
    limit = max(JUMP * usual, 4 * high)
    count = int((every > limit).sum())
    if usual > 0 and count and not swapped:
        trial, speed = next((trial, speed) for trial, speed in zip(recording.trials, speeds, strict=True) if (np.nan_to_num(speed) > limit).any())
        frame, node = np.argwhere(np.nan_to_num(speed) > limit)[0]
        unit = f" {recording.metadata['units']}" if recording.metadata.get("units") else ""
        text = (
            f"{counted(count, 'jump')}: node {recording.node_names[node]} moves at {_short(speed[frame, node])}{unit} a second at time {round(trial.times[frame + 1], 3):g} of recording "
            f"{trial.name or '1'}, where {_short(usual)} is usual. Perhaps identities were exchanged, or the tracker was wrong."
        )
        found.append(Finding("jumps", "warning", text, (MarkJumps(speed=float(f"{limit:.3g}")),)))
    return found


def _outliers(recording: Recording) -> list[Finding]:
    found = []
    for dim in recording.location:
        low, high = far_out(recording, dim, FAR)
        count = sum(int(((trial.values[..., dim] < low) | (trial.values[..., dim] > high)).sum()) for trial in recording.trials)
        if count:
            name, unit = recording.feature_names[dim], recording.metadata.get("units", "")
            text = f"{counted(count, 'value')} of {name} far outside {low:.4g} to {high:.4g}{f' {unit}' if unit else ''}, where the others are."
            found.append(Finding("outliers", "warning", text, (MarkOutliers(spans=FAR),)))
    return found[:1]


def _amount(recording: Recording) -> list[Finding]:
    lengths = [trial.num_frames for trial in recording.trials]
    found = []
    if max(lengths) < 3:
        return [Finding("too short", "problem", f"The longest recording has {max(lengths)} frames; at least 3 are needed, {FEWEST_FRAMES} are a start. Record longer.")]
    if min(lengths) < FEWEST_FRAMES:
        short = sum(length < FEWEST_FRAMES for length in lengths)
        text = f"{short} of {len(lengths)} recordings have fewer than {FEWEST_FRAMES} frames: too short to tell who acts on whom."
        found.append(Finding("too short", "warning", text, (DropTrials(shortest=FEWEST_FRAMES),) if short < len(lengths) else ()))
    sources = {trial.source or trial.name or place for place, trial in enumerate(recording.trials)}
    if len(sources) < FEWEST_TRIALS:
        severity = "problem" if len(sources) < 3 else "warning"  # to learn, to choose by, to judge by
        parts = min(FEWEST_TRIALS, min(lengths) // FEWEST_FRAMES)
        fixes = (SplitTrials(parts=parts),) if parts >= 2 else ()
        number = "one recording" if len(sources) == 1 else f"{len(sources)} recordings"
        text = f"There is {number}. Some must be held out to see whether the model learned anything; they can be parts of a long one." if len(sources) == 1 else (
            f"There are only {number}: what is held out tells little about others."
        )
        found.append(Finding("few trials", severity, text, fixes))
    return found


def _units(recording: Recording) -> list[Finding]:
    names, geographic = recording.feature_names, recording.metadata.get("source", {}).get("options", {}).get("coordinates", ())
    if any(str(name).lower().startswith(("lon", "location-long")) for name in geographic):
        text = "Positions are longitude and latitude in degrees: a degree of longitude is shorter than one of latitude. Project them to metres where that matters."
        return [Finding("degrees", "warning", text)]
    if recording.location and not recording.metadata.get("units"):
        return [Finding("units", "note", f"No unit is given for {', '.join(names[place] for place in recording.location)}. Nothing depends on it; pictures will lack it.")]
    return []


def counted(count: int, what: str) -> str:
    """1 gap, 2 gaps."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _short(number: float) -> str:
    """2,850 and 0.0312."""
    return f"{number:,.0f}" if 1000 <= abs(number) < 1e9 else f"{number:.3g}"


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


CHECKS: tuple[Callable[[Recording], list[Finding]], ...] = (_time, _breaks, _jumps, _outliers, _presence, _nodes, _features, _amount, _units, _remarks)
