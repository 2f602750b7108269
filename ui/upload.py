"""A file that the user brought: how it is understood, the recording in it, and what was done to that. Imports no streamlit."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from nri_core.importers import READERS
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
    """What was brought last: its files, how they are understood, and the recording with everything that was done to it."""

    digest: str
    folder: Path
    paths: tuple[Path, ...]
    inspection: Inspection
    options: dict[str, Any]
    steps: list[Step] = field(default_factory=list)

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

    def do(self, *fixes: Fix) -> None:
        """Apply fixes; if one cannot be, none of them is. Raises DataError."""
        steps = []
        recording = self.now.recording
        for fix in fixes:
            recording = prepare(recording, [fix])
            steps.append(Step.of(recording, fix))
        self.steps += steps

    def know(self, graph: Path) -> None:
        """Take a known graph as the truth of what is there now. Raises DataError."""
        self.steps[-1] = replace(self.now, recording=with_truth(self.now.recording, graph))

    def undo(self) -> None:
        """Take the last fix back."""
        if len(self.steps) > 1:
            self.steps.pop()

    def start(self, recording: Recording) -> None:
        """As it was read."""
        self.steps = [Step.of(recording)]


def plan_of(upload: Upload, *, window: int | None, stride: int | None) -> Plan:
    """What repeats this import."""
    changed = {name: value for name, value in upload.options.items() if value != upload.inspection.options.get(name)}
    return Plan.of(form=upload.inspection.format, options=changed, fixes=[fix.model_dump() for fix in upload.fixes], window=window, stride=stride)


def preview(recording: Recording, place: int) -> Trajectories | None:
    """One trial to look at, as it stands, gaps and all; None where there is nobody beside a node."""
    trial = recording.trials[place]
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


def endings() -> list[str]:
    """Of all files that can be read, without the dot."""
    return sorted({suffix.removeprefix(".") for reader in READERS.values() for suffix in reader.suffixes})
