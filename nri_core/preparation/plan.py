"""`Plan`: all that turns files into trajectories, as one JSON text that repeats it."""

from collections.abc import Collection, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from nri_core.errors import DataError
from nri_core.preparation.contract import Fix
from nri_core.preparation.cutting import LEAST_SEEN, suggested_window, to_trajectories
from nri_core.preparation.findings import diagnose
from nri_core.preparation.gaps import Gather, Interpolate, KeepComplete, Resample
from nri_core.preparation.motion import Centre, MarkJumps, MarkOutliers, Scale, Smooth, SwapBack, Velocities
from nri_core.preparation.parts import ChooseNodes, CutAtBreaks, DropConstant, DropTrials, SplitTrials
from nri_core.recording import Recording
from nri_core.trajectories import Trajectories

AnyFix = Annotated[
    CutAtBreaks | Resample | SwapBack | MarkJumps | MarkOutliers | Interpolate | Smooth | Scale | Centre | DropConstant | Velocities
    | DropTrials | SplitTrials | ChooseNodes | KeepComplete | Gather,
    Field(discriminator="kind"),
]  # fmt: skip
_KINDS = (  # in the order in which they are best done: positions are put right before velocities are derived, and windows are cut last
    CutAtBreaks, Resample, SwapBack, MarkJumps, MarkOutliers, Interpolate, Smooth, Scale, Centre, DropConstant, Velocities,
    DropTrials, SplitTrials, ChooseNodes, KeepComplete, Gather,
)  # fmt: skip
FIXES: dict[str, type[Fix]] = {kind.model_fields["kind"].default: kind for kind in _KINDS}
MOST_SUGGESTED = 8
ENOUGH_VALUES, FEWEST_LOOKED_AT = 1_000_000, 12


class Plan(BaseModel):
    """How files are understood, what is mended, in which order, and how the result is cut."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    form: str | None = Field(None, description="Format of the files; none: as recognised")
    options: dict[str, Any] = Field({}, description="Options of its reader that differ from the guess")
    fixes: tuple[AnyFix, ...] = Field((), description="Steps of the preparation, in order")
    window: int | None = Field(None, ge=3, le=10_000, description="Frames of a window; none: recordings as they are")
    stride: int | None = Field(None, ge=1, le=10_000, description="Frames between the starts of two windows; none: one after another")
    least_seen: float = Field(LEAST_SEEN, ge=0, le=1, description="Share of sightings that a window must have")

    @classmethod
    def of(cls, **parts: Any) -> Self:
        """Checked. Raises DataError with the first thing that does not fit."""
        try:
            return cls(**parts)
        except ValidationError as error:
            first = error.errors()[0]
            raise DataError(f"Expected a plan of the preparation; {'.'.join(map(str, first['loc']))}: {first['msg']}.") from error

    def cut(self, prepared: Recording) -> Trajectories:
        """The windows of a recording to which the fixes have been applied."""
        return to_trajectories(prepared, window=self.window, stride=self.stride, least_seen=self.least_seen)


def prepare(recording: Recording, fixes: Sequence[Fix]) -> Recording:
    """All fixes, one after another; what was done is in the metadata under `preparation`. Raises DataError."""
    for fix in fixes:
        done = [*recording.metadata.get("preparation", ()), fix.model_dump(mode="json")]
        recording = fix.apply(recording)
        recording = recording.with_trials(recording.trials, metadata=MappingProxyType({**recording.metadata, "preparation": done}), remarks=())
    return recording


def suggest(recording: Recording) -> Plan:
    """The first fix of each problem and of what is usually mended, in the order of FIXES, until nothing more stands in the way; and windows.

    What was done before and left a warning is not suggested again: it would leave it again.
    """
    fixes: list[Fix] = []
    done = {step["kind"] for step in recording.metadata.get("preparation", ())}
    tried: set[str] = set()
    whole, recording = recording, _some(recording)
    for _ in range(MOST_SUGGESTED):
        worth = [finding.fixes[0] for finding in diagnose(recording) if finding.fixes and _worth(finding.code, finding.severity, finding.fixes[0], tried if finding.severity == "problem" else tried | done)]
        mending = min(worth, key=lambda fix: tuple(FIXES).index(fix.kind), default=None)
        if mending is None:
            break
        try:
            recording = prepare(recording, [mending])
        except DataError:
            break
        fixes.append(mending)
        tried.add(mending.kind)
    if max(trial.num_frames for trial in recording.trials) < 3:
        return Plan(fixes=tuple(fixes))
    recording = recording if fixes else whole
    window, stride = suggested_window(recording)
    lengths = {trial.num_frames for trial in recording.trials}
    if len(lengths) == 1 and len(recording.trials) >= 10 and max(lengths) <= 100:
        return Plan(fixes=tuple(fixes))  # recordings of one length, as they are
    return Plan(fixes=tuple(fixes), window=window, stride=stride)


def _some(recording: Recording) -> Recording:
    """Trials from all over a large recording, enough to see what is usual in it."""
    trials = recording.trials
    step = min(recording.num_values // ENOUGH_VALUES + 1, max(len(trials) // FEWEST_LOOKED_AT, 1))
    return recording.with_trials(trials[::step])


def _worth(code: str, severity: str, fix: Fix, before: Collection[str]) -> bool:
    usual = severity == "problem" or code in ("no velocities", "gaps", "identity switches", "constant nodes", "breaks")
    return usual and fix.kind not in before


def read_plan(path: Path) -> Plan:
    """From a file of JSON. Raises DataError."""
    try:
        return Plan.model_validate_json(Path(path).read_bytes())
    except OSError as error:
        raise DataError(f"Expected a plan at {path}; it cannot be read ({error.strerror}). Check the path.") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise DataError(f"Expected a plan of the preparation in {path}; {'.'.join(map(str, first['loc'])) or 'the text'}: {first['msg']}. Save it again.") from error
