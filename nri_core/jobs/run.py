"""`Run`: one training run as its directory shows it, whoever is looking and whatever became of the process."""

import json
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from nri_core.errors import DataError, JobError, NRIError
from nri_core.jobs.process import Process
from nri_core.posterior import EdgePosterior
from nri_core.settings import TrainConfig
from nri_core.storage import write_text
from nri_core.trajectories import Trajectories

BESIDE_THE_APP = Path(__file__).parents[2] / "runs"
RUN_ID = re.compile(r"[0-9a-f]{32}")
STALE_SECONDS = 60  # a worker reports every second; after this long without a word, and no way to look, it counts as gone
LOG_TAIL = 20_000  # characters

Record = TypeVar("Record", bound=BaseModel)
State = Literal["queued", "running", "done", "failed", "cancelled", "lost"]


class RunConfig(BaseModel):
    """What was asked for: `config.json`, written once."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    device: str
    settings: TrainConfig


class RunStatus(BaseModel):
    """What became of it so far: `status.json`. `message` is one sentence for the user."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    name: str
    state: State
    message: str
    submitted: datetime
    started: datetime | None = None
    heartbeat: datetime
    host: str | None = None
    pid: int | None = None
    process_start: int | None = None
    epoch: int = 0
    num_epochs: int | None = None
    seconds: float = 0.0
    seconds_left: float | None = None
    checkpoint: Path | None = None

    @property
    def active(self) -> bool:
        """Whether there is still something to wait for."""
        return self.state in ("queued", "running")


@dataclass(frozen=True)
class Run:
    """A run by its id, which is a capability: who knows it may look and stop. Everything is read anew at each call."""

    id: str
    directory: Path

    def status(self) -> RunStatus:
        """The state now; a run whose process is gone is `lost`. Raises JobError if the directory cannot be read."""
        status = self.stored_status()
        if status.active and _is_gone(status):
            status = self.stored_status()  # it may have ended properly between the two looks
            if status.active:
                status = status.model_copy(update={"state": "lost", "seconds_left": None, "message": self._lost_message()})
        return status.model_copy(update={"checkpoint": self.checkpoint_dir})

    def stored_status(self) -> RunStatus:
        """What the process itself said last."""
        return self._read("status.json", RunStatus)

    def _lost_message(self) -> str:
        gone = "The training process is gone without a word: it was killed, or the machine was restarted."
        if self.checkpoint_dir is None:
            return f"{gone} It had saved no model yet; start the training again."
        return f"{gone} The model of epoch {int(self.checkpoint_dir.name)} is kept."

    def records(self) -> list[dict[str, Any]]:
        """The metrics of each epoch so far. A last line without its end is still being written and is left out."""
        path = self.directory / "metrics.jsonl"
        if not path.exists():
            return []
        try:
            return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n")[:-1]]
        except (OSError, ValueError) as error:
            raise JobError(f"The metrics of run {self.id} cannot be read ({error}). Its model is not affected.") from error

    def snapshots(self) -> list[int]:
        """The epochs after which the graph of the watched simulation was inferred."""
        return sorted(int(path.stem) for path in (self.directory / "snapshots").glob("[0-9]*.npz"))

    def snapshot(self, epoch: int) -> EdgePosterior:
        """The graph of the watched simulation after `epoch`. Raises JobError if there is none."""
        try:
            return EdgePosterior.load(self.directory / "snapshots" / f"{epoch:06d}.npz")
        except DataError as error:
            raise JobError(f"Run {self.id} has no readable graph of epoch {epoch}.") from error

    def watched(self) -> Trajectories:
        """The one simulation whose graph the snapshots show."""
        return Trajectories.load(self.directory / "watch.npz")

    def training_data(self) -> Trajectories:
        """What the run was given to learn from; part of it is held out where no validation data came with it."""
        return Trajectories.load(self.directory / "train.npz")

    def held_out(self) -> Trajectories:
        """The simulations that the run validates on and does not learn from."""
        from nri_core.dataset import split  # torch: whoever only looks at runs does without

        valid = self.directory / "valid.npz"
        return Trajectories.load(valid) if valid.exists() else split(self.training_data())[1]

    def requested(self) -> RunConfig:
        """Name, device and settings as they were asked for."""
        return self._read("config.json", RunConfig)

    def config(self) -> TrainConfig:
        """The settings of the training."""
        return self.requested().settings

    @property
    def checkpoint_dir(self) -> Path | None:
        """The newest complete checkpoint; None before the first."""
        return max((self.directory / "checkpoint").glob("[0-9]*"), default=None)

    @property
    def cancel_file(self) -> Path:
        """Its presence is the wish to stop."""
        return self.directory / "cancel"

    def log(self) -> str:
        """The end of what the process printed, tracebacks included."""
        path = self.directory / "log.txt"
        return path.read_text(encoding="utf-8", errors="replace")[-LOG_TAIL:] if path.exists() else ""

    def cancel(self) -> None:
        """Ask the process to stop, which it does within seconds, keeping its checkpoint. A run that has ended stays as it is."""
        if self.status().active:
            try:
                write_text(self.cancel_file, "")
            except NRIError as error:
                raise JobError(f"Run {self.id} could not be told to stop. {error}") from error

    def _read(self, name: str, kind: type[Record]) -> Record:
        try:
            return kind.model_validate_json((self.directory / name).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, ValidationError) as error:
            reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error
            raise JobError(f"Run {self.id} cannot be read ({name}: {reason}). Start the training again.") from error


def runs_directory() -> Path:
    """`$NRI_RUNS_DIR`, or `runs/` beside the app."""
    return Path(os.environ.get("NRI_RUNS_DIR") or BESIDE_THE_APP).absolute()


def open_run(run_id: str, *, runs_dir: Path | None = None) -> Run:
    """The run with that id. Raises JobError if it is not an id, or of no run."""
    directory = (runs_dir or runs_directory()) / run_id if RUN_ID.fullmatch(run_id) else None
    if directory is None or not (directory / "config.json").is_file():
        raise JobError(f"There is no run {run_id[:40]!r}. Choose one from the list of runs, or start a new one.")
    return Run(run_id, directory)


def list_runs(*, runs_dir: Path | None = None) -> list[Run]:
    """All runs, the newest first."""
    found = [path for path in (runs_dir or runs_directory()).glob("*/config.json") if RUN_ID.fullmatch(path.parent.name)]
    newest = sorted(found, key=lambda path: path.stat().st_mtime_ns, reverse=True)
    return [Run(path.parent.name, path.parent) for path in newest]


def _is_gone(status: RunStatus) -> bool:
    known = status.host is not None and status.pid is not None
    alive = Process(status.host, status.pid, status.process_start).is_alive() if known else None
    if alive is None:
        return (datetime.now(UTC) - status.heartbeat).total_seconds() > STALE_SECONDS
    return not alive
