"""`Run`: one training run as its directory shows it, whoever is looking and whatever became of the process."""

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nri_core.errors import DataError, JobError, NRIError
from nri_core.holdout import split
from nri_core.jobs.contract import RUN_ID, RunConfig, RunStatus, newest_checkpoint, read_config, read_status, runs_directory
from nri_core.jobs.queue import advance, requeue, standing, withdraw
from nri_core.jobs.status import current_status
from nri_core.posterior import EdgePosterior
from nri_core.settings import TrainConfig
from nri_core.storage import write_text
from nri_core.trajectories import Trajectories

LOG_TAIL = 20_000  # characters
MOST_NAME = 120  # characters


@dataclass(frozen=True)
class Run:
    """A run by its id, which is a capability: who knows it may look and stop. Everything is read anew at each call."""

    id: str
    directory: Path

    def status(self) -> RunStatus:
        """The state now; a run whose worker is gone is `lost`. Raises JobError if the directory cannot be read."""
        status, position = current_status(self.directory), None
        if status.state == "queued":
            known, looked_after, position = standing(self.directory)
            if known and not looked_after:
                status = current_status(self.directory)  # it may have ended properly between the two looks
        if status.state == "queued" and known and not looked_after:
            status = status.model_copy(update={"state": "lost", "message": "It waited on another machine; resume to train it on this one."})
        return status.model_copy(update={"checkpoint": self.checkpoint_dir, "position": position, "name": self.name})

    def stored_status(self) -> RunStatus:
        """What was written last, by the worker or by the queue."""
        return read_status(self.directory)

    @property
    def name(self) -> str:
        """As it was called last."""
        renamed = self.directory / "name.txt"
        return renamed.read_text(encoding="utf-8", errors="replace")[:MOST_NAME] if renamed.exists() else self.data_name

    @property
    def data_name(self) -> str:
        """As its data were called, which it was called by at first."""
        return self.requested().name

    def records(self, *, since_epoch: int = 0) -> list[dict[str, Any]]:
        """The metrics of each epoch after `since_epoch`. A last line without its end is still being written and is left out."""
        return [record for record in self.events()[0] if record["epoch"] > since_epoch]

    def events(self, since: int = 0) -> tuple[list[dict[str, Any]], int]:
        """The records that were written from byte `since` on, and where the next ones will begin. A run that was resumed may tell some of them again."""
        path = self.directory / "metrics.jsonl"
        try:
            with open(path, "rb") as file:
                file.seek(max(since - 1, 0))
                written = file.read()
                if since and written[:1] != b"\n":  # no line ends there any more
                    file.seek(since := 0)
                    written = file.read()
                written = written[1:] if since else written
            whole = written[: written.rfind(b"\n") + 1]
            return [json.loads(line) for line in whole.splitlines()], since + len(whole)
        except FileNotFoundError:
            return [], 0
        except (OSError, ValueError) as error:
            raise JobError(f"The metrics of run {self.id} cannot be read ({error}). Its model is not affected.") from error

    def snapshots(self) -> list[int]:
        """The epochs after which the graphs of the watched simulations were inferred; 0: before any, by the untrained model."""
        return sorted(int(path.stem) for path in (self.directory / "snapshots").glob("[0-9]*.npz"))

    def snapshot(self, epoch: int) -> EdgePosterior:
        """The graph of the watched simulation after `epoch`. Raises JobError if there is none."""
        try:
            return EdgePosterior.load(self.directory / "snapshots" / f"{epoch:06d}.npz")
        except DataError as error:
            raise JobError(f"Run {self.id} has no readable graph of epoch {epoch}.") from error

    def watched(self) -> Trajectories:
        """The simulations whose graphs the snapshots show."""
        return Trajectories.load(self.directory / "watch.npz")

    def training_data(self) -> Trajectories:
        """What the run was given to learn from; part of it is held out where no validation data came with it."""
        return Trajectories.load(self.directory / "train.npz")

    def held_out(self) -> Trajectories:
        """The simulations that the run validates on and does not learn from."""
        valid = self.directory / "valid.npz"
        return Trajectories.load(valid) if valid.exists() else split(self.training_data())[1]

    def requested(self) -> RunConfig:
        """Everything as it was asked for."""
        return read_config(self.directory)

    def config(self) -> TrainConfig:
        """The settings of the training."""
        return self.requested().settings

    @property
    def checkpoint_dir(self) -> Path | None:
        """The newest complete checkpoint; None before the first."""
        return newest_checkpoint(self.directory)

    @property
    def state_file(self) -> Path:
        """What a worker needs to go on exactly where another stopped."""
        return self.directory / "resume.safetensors"

    @property
    def cancel_file(self) -> Path:
        """Its presence is the wish to stop."""
        return self.directory / "cancel"

    @property
    def pause_file(self) -> Path:
        """Its presence is the wish to pause, once the epoch is done whose number it holds."""
        return self.directory / "pause"

    def artifacts(self) -> dict[str, Path]:
        """Every finished file by its name in the directory: what can be copied away."""
        files = (path for path in self.directory.rglob("*") if path.is_file() and not path.name.startswith("."))
        return {path.relative_to(self.directory).as_posix(): path for path in sorted(files)}

    def log(self) -> str:
        """The end of what its workers printed, tracebacks included."""
        path = self.directory / "log.txt"
        return path.read_text(encoding="utf-8", errors="replace")[-LOG_TAIL:] if path.exists() else ""

    def cancel(self) -> None:
        """Stop: at once if it waits, within seconds if it trains, keeping its checkpoint. A run that has ended stays as it is."""
        if self.status().active and not withdraw(self.directory):
            self._ask(self.cancel_file, "")

    def pause(self) -> None:
        """Let it wait after the epoch at hand, its clock standing still. Raises JobError for a run that has ended."""
        self._check_active("paused")
        self._ask(self.pause_file, "0")

    def step(self) -> None:
        """One more epoch, then pause again. Raises JobError for a run that has ended."""
        self._check_active("stepped")
        self._ask(self.pause_file, str(self.stored_status().epoch + 1))

    def unpause(self) -> None:
        """Go on."""
        self.pause_file.unlink(missing_ok=True)

    def resume(self) -> None:
        """Queue a run that was lost, stopped or failed once more: it goes on where its last state was saved. Raises JobError for others."""
        requeue(self.directory)
        advance(self.directory.parent)

    def _check_active(self, done: str) -> None:
        if not (status := self.status()).active:
            raise JobError(f"Only a run that waits or trains can be {done}; this one is {status.state}.")

    def _ask(self, wish: Path, text: str) -> None:
        try:
            write_text(wish, text)
        except NRIError as error:
            raise JobError(f"Run {self.id} could not be told to {wish.name}. {error}") from error


def open_run(run_id: str, *, runs_dir: Path | None = None) -> Run:
    """The run with that id. Raises JobError if it is not an id, or of no run."""
    directory = (runs_dir or runs_directory()) / run_id if RUN_ID.fullmatch(run_id) else None
    if directory is None or not (directory / "config.json").is_file():
        raise JobError(f"There is no run {run_id[:40]!r}. Choose one from the list of runs, or start a new one.")
    return Run(run_id, directory)


def list_runs(*, runs_dir: Path | None = None) -> list[Run]:
    """All runs, the newest first."""
    found = [path for path in (runs_dir or runs_directory()).glob("*/config.json") if RUN_ID.fullmatch(path.parent.name)]
    times: dict[Path, int] = {}
    for path in found:
        with suppress(FileNotFoundError):  # deleted meanwhile
            times[path.parent] = path.stat().st_mtime_ns
    return [Run(directory.name, directory) for directory in sorted(times, key=times.__getitem__, reverse=True)]
