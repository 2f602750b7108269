"""What is written in a run directory about the run: `config.json`, what was asked for, and `status.json`, what became of it."""

import json
import os
import re
from datetime import datetime
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from nri_core.errors import JobError
from nri_core.settings import TrainConfig
from nri_core.storage import write_text

FORMAT = 1
BESIDE_THE_APP = Path(__file__).parents[2] / "runs"
RUN_ID = re.compile(r"[0-9a-f]{32}")
State = Literal["queued", "running", "done", "failed", "cancelled", "lost"]


class RunConfig(BaseModel):
    """What was asked for: written once. It names no path, so that the directory may move to another machine."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = FORMAT
    name: str = ""
    device: str = "auto"
    engine: str = "process"
    gpus: float = Field(1.0, gt=0, le=64, description="Share of a GPU that the run takes, where it runs on one")
    user: str = ""
    sweep: str | None = None
    settings: TrainConfig


class RunStatus(BaseModel):
    """What became of it so far, always replaced whole. `message` is one sentence for the user, `note` another if its device is not the one asked for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    name: str
    state: State
    message: str
    submitted: datetime
    started: datetime | None = None
    heartbeat: datetime
    host: str | None = None  # where it was submitted, then where it runs
    pid: int | None = None
    process_start: int | None = None
    device: str = ""  # the slot that the queue gave it; empty while it waits for one
    attempt: int = 0  # counts the workers that it has had
    epoch: int = 0
    num_epochs: int | None = None
    seconds: float = 0.0  # of training
    seconds_left: float | None = None
    busy_seconds: float = 0.0  # of holding a device, earlier workers included
    samples_per_second: float | None = None
    paused: bool = False
    where: str = ""
    note: str = ""
    resumed_epoch: int = 0  # where the present worker took over
    failures: int = 0  # workers in a row that died without finishing an epoch
    position: int | None = None  # in the queue, counted from 1; filled in when read
    checkpoint: Path | None = None  # filled in when read

    @property
    def active(self) -> bool:
        """Whether there is still something to wait for."""
        return self.state in ("queued", "running")

    def share_done(self, max_seconds: float | None = None) -> float:
        """From 0 to 1, by time; where it is not known how long it takes, of the epochs or of the time limit, in seconds: whichever is nearer."""
        if self.state == "done":
            return 1.0
        if self.state == "running" and self.seconds_left is not None:
            return self.seconds / max(self.seconds + self.seconds_left, 1e-9)
        epochs = self.epoch / self.num_epochs if self.num_epochs else 0.0
        return max(epochs, min(self.seconds / max_seconds, 1.0)) if max_seconds else epochs


Record = TypeVar("Record", bound=BaseModel)


def runs_directory() -> Path:
    """`$NRI_RUNS_DIR`, or `runs/` beside the app."""
    return Path(os.environ.get("NRI_RUNS_DIR") or BESIDE_THE_APP).absolute()


def read_config(directory: Path) -> RunConfig:
    """Raises JobError, in one sentence, where it is missing, damaged, changed by hand or of a newer version."""
    return _read(directory, "config.json", RunConfig)


def read_status(directory: Path) -> RunStatus:
    """What was written last, by the worker or by the queue. Raises JobError."""
    return _read(directory, "status.json", RunStatus)


def write_status(directory: Path, status: RunStatus) -> RunStatus:
    """Replace `status.json`. For the queue and the worker only: one of them holds the run at any time."""
    write_text(directory / "status.json", status.model_dump_json(indent=2, exclude={"checkpoint", "position"}))
    return status


def newest_checkpoint(directory: Path) -> Path | None:
    """The newest complete checkpoint; None before the first."""
    return max((directory / "checkpoint").glob("[0-9]*"), default=None)


def _read(directory: Path, name: str, kind: type[Record]) -> Record:
    try:
        content = (directory / name).read_bytes()
        return kind.model_validate_json(content)
    except OSError as error:
        raise JobError(f"Run {directory.name} cannot be read: its {name} is missing or locked ({error.strerror}). Copy the whole folder again.") from error
    except ValidationError as error:
        if (version := _format_of(content)) > FORMAT:
            raise JobError(f"Run {directory.name} was made by a newer NRI Explorer (format {version}; this one reads {FORMAT}). Update the app.") from error
        fault = error.errors()[0]
        where = ".".join(map(str, fault["loc"])) or "file"
        raise JobError(f"Run {directory.name} cannot be read ({name}: {where}: {fault['msg']}). Undo the change, or start the training again.") from error


def _format_of(content: bytes) -> int:
    try:
        found = json.loads(content).get("format")
    except (ValueError, AttributeError):
        return 0
    return found if isinstance(found, int) else 0
