"""A file that the user brought: how it is understood, the recording in it, and what was done to that. Imports no streamlit."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from nri_core.importers.contract import Inspection
from nri_core.importers.truth import with_truth
from nri_core.preparation import Finding, Fix, Plan, diagnose, prepare, suggest
from nri_core.recording import Recording
from nri_core.trajectories import Trajectories

MOST_PREVIEWED = 600  # frames


@dataclass(frozen=True)
class Step:
    """A recording, what is to know of it, what one would do next, and the fix that made it."""

    recording: Recording
    findings: tuple[Finding, ...]
    suggested: Plan
    fix: Fix | None = None

    @classmethod
    def of(cls, recording: Recording, fix: Fix | None = None) -> Self:
        """Diagnosed once, and not each time the page is drawn."""
        return cls(recording, diagnose(recording), suggest(recording), fix)


@dataclass
class Upload:
    """What was brought last: its files, how they are understood, and the recording with everything that was done to it.

    looks   how often its files were looked into anew: widgets that asked about the look before are others
    recalled the options that it began with, some of them perhaps from an earlier file
    guess   how they were understood at first: what is corrected is remembered for files that look like that
    trial   a fix that is only tried: its result is shown, and nothing else is changed
    known   the file of a true graph, and whether each of its edges acts both ways
    asked   the same of the file that was chosen last, by its id, and `refused` why it could not be taken
    used    what was made the dataset in use: the recording, frames of a window, frames between two starts
    mistake why it could not be read as it is understood; "" if it could, or was not tried yet
    """

    digest: str
    folder: Path
    paths: tuple[Path, ...]
    inspection: Inspection
    options: dict[str, Any]
    steps: list[Step] = field(default_factory=list)
    looks: int = 0
    trial: Step | None = None
    mistake: str = ""
    guess: Inspection | None = None
    recalled: dict[str, Any] | None = None
    known: tuple[str, bool] = ("", False)
    asked: tuple[str, bool] = ("", False)
    refused: str = ""
    used: tuple[Recording, int | None, int | None] | None = None

    def __post_init__(self) -> None:
        self.guess = self.guess or self.inspection

    @property
    def remembered(self) -> bool:
        """Whether it is still understood as it was at first: nobody corrected this file."""
        return self.options == self.recalled

    @property
    def name(self) -> str:
        """What pages call it."""
        more = len(self.paths) - 1
        return self.paths[0].name + (f" and {more} more" if more else "")

    @property
    def now(self) -> Step:
        """As it is after the last fix."""
        return self.steps[-1]

    @property
    def fixes(self) -> tuple[Fix, ...]:
        """Everything that was done, in order."""
        return tuple(step.fix for step in self.steps if step.fix)

    @property
    def shown(self) -> Recording:
        """What the player shows: what is tried, or what there is."""
        return (self.trial or self.now).recording

    def look(self, inspection: Inspection, options: dict[str, Any]) -> None:
        """Understand the same files in another way."""
        self.inspection, self.options = inspection, options
        self.looks += 1

    def attempt(self, fix: Fix) -> None:
        """Only to look at. Raises DataError."""
        self.trial = Step(prepare(self.now.recording, [fix]), (), Plan(), fix)

    def keep(self) -> None:
        """What was tried, for good."""
        if self.trial is not None:
            self.steps.append(Step.of(self.trial.recording, self.trial.fix))
        self.trial = None

    def discard(self) -> None:
        """What was tried."""
        self.trial = None

    def do(self, *fixes: Fix) -> None:
        """Apply fixes; if one cannot be, none of them is. Raises DataError."""
        steps = []
        recording = self.now.recording
        for fix in fixes:
            recording = prepare(recording, [fix])
            steps.append(Step.of(recording, fix))
        self.trial = None
        self.steps += steps

    @property
    def size(self) -> str:
        """How much there is now, in words."""
        recording, lengths = self.now.recording, [trial.num_frames for trial in self.now.recording.trials]
        frames = f"**{min(lengths):,}**" if min(lengths) == max(lengths) else f"**{min(lengths):,}** to **{max(lengths):,}**"
        each = " each" * (len(lengths) > 1)
        return f"**{len(lengths):,}** recording{'s' * (len(lengths) > 1)} · **{recording.num_nodes}** node{'s' * (recording.num_nodes != 1)} · {frames} frames{each}"

    def know(self, graph: Path, *, both_ways: bool) -> None:
        """Take a known graph as the truth of what is there now. Raises DataError."""
        self.steps[-1] = replace(self.now, recording=with_truth(self.now.recording, graph, both_ways=both_ways))
        self.known = (graph.name, both_ways)

    @property
    def known_graph(self) -> str:
        """How much of a known graph there is, in words; empty without one."""
        truth = self.now.recording.trials[0].edge_types if self.now.recording.trials else None
        if truth is None:
            return ""
        acts = truth > 0 if truth.ndim == 2 else (truth > 0).any(0)
        mutual, pairs = int((acts & acts.T).sum()), len(acts) * (len(acts) - 1)
        return f"Known: {int(acts.sum())} of {pairs} ordered pairs act, {mutual or 'none'} of them in both directions."

    def undo(self) -> None:
        """Take the last fix back."""
        self.trial = None
        if len(self.steps) > 1:
            self.steps.pop()

    def start(self, recording: Recording) -> None:
        """As it was read."""
        self.trial, self.mistake = None, ""
        self.steps = [Step.of(recording)]


def plan_of(upload: Upload, *, window: int | None, stride: int | None) -> Plan:
    """What repeats this import."""
    guess = upload.inspection.options
    named = {name for name, value in upload.options.items() if value != guess.get(name)}
    named |= {"time_unit"} & set(guess) if "time" in named else set()  # else it would be taken from the column
    return Plan.of(form=upload.inspection.format, options={name: upload.options[name] for name in guess if name in named}, fixes=[fix.model_dump() for fix in upload.fixes], window=window, stride=stride)


def preview(recording: Recording, place: int) -> Trajectories | None:
    """One trial to look at, as it stands, gaps and all; None where there is nobody beside a node."""
    trial = recording.trials[min(place, len(recording.trials) - 1)]  # what is tried may have fewer
    if recording.num_nodes < 2:
        return None
    values = trial.values[:MOST_PREVIEWED][None]
    truth = None
    if trial.edge_types is not None:
        truth = (trial.edge_types[:MOST_PREVIEWED] if trial.edge_types.ndim == 3 else trial.edge_types)[None]
    metadata = {"bones": [list(bone) for bone in recording.bones]} | ({"up": recording.metadata["up"]} if "up" in recording.metadata else {})
    return Trajectories(
        values, recording.feature_names, dt=recording.frame_time, edge_types=truth, edge_type_names=recording.edge_type_names if truth is not None else (),
        node_names=recording.node_names, observed=trial.seen[:MOST_PREVIEWED][None], metadata=metadata,
    )  # fmt: skip


@dataclass
class Brought:
    """Of one session: what the page "Your data" works on, what could not be read and waits beside it, and how often files were put aside.

    Each time they are, the widget for them begins anew. What is in use on other pages stays in use.
    """

    upload: Upload | None = None
    unread: Upload | None = None
    put_aside: int = 0

    def keep(self, upload: Upload, *, read: bool = True) -> None:
        """Work on it; one that could not be read waits beside what was there."""
        self.unread = None
        if read:
            self.upload = upload
        else:
            self.unread = upload

    def forget(self) -> None:
        """Choose files anew."""
        self.upload = None
        self.drop()

    def drop(self) -> None:
        """Forget the files in the widget; what could be read before stays."""
        self.unread = None
        self.put_aside += 1
