"""What a worker writes beside its status: metrics, graphs, checkpoints, and the state that another worker can go on from."""

import json
import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic_core import to_json

from nri_core.errors import JobError
from nri_core.jobs.events import EventWriter
from nri_core.storage import writing

if TYPE_CHECKING:
    from nri_core.training import EpochRecord, TrainingState

SAVE_SECONDS = 5.0
ABANDONED_SECONDS = 60
EVERY_EPOCH_BELOW = 200  # of a long history only every tenth graph is kept, then every hundredth


class Recorder:
    """Writes what each epoch brought: a line of metrics, the watched graph and, every few seconds, checkpoint and state."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.newest: "EpochRecord | None" = None
        self._unsaved: "tuple[EpochRecord, TrainingState] | None" = None
        self._saved_at = -SAVE_SECONDS
        self._events: EventWriter | None = None

    def add(self, record: "EpochRecord") -> None:
        """Raises JobError when the disk refuses."""
        line = to_json(record.metrics(), inf_nan_mode="null") + b"\n"
        try:
            with open(self._directory / "metrics.jsonl", "ab") as file:
                file.write(line)
        except OSError as error:
            raise JobError(f"The metrics could not be written: {error.strerror}. Free some space and resume; the last model is kept.") from error
        if record.watched is not None and _worth_keeping(record.epoch, record.num_epochs):
            record.watched.save(self._directory / "snapshots" / f"{record.epoch:06d}.npz")
        self.newest, self._unsaved = record, (record, record.state())  # a copy: when an epoch is interrupted, the weights themselves are beyond it
        if time.monotonic() - self._saved_at >= SAVE_SECONDS:
            self.save()

    def save(self) -> None:
        """Write state and checkpoint of the newest record; the oldest checkpoints go only then."""
        if self._unsaved is None:
            return
        record, state = self._unsaved
        state.save(self._directory / "resume.safetensors")
        record.checkpoint.model.load_state_dict(state.weights())
        folder = self._directory / "checkpoint"
        older = sorted(folder.glob("[0-9]*"))[:-1]  # one stays for a reader that has just looked it up
        record.checkpoint.described(figures=record.metrics()).save(folder / f"{record.epoch:06d}")
        for path in older:
            shutil.rmtree(path, ignore_errors=True)
        self._unsaved, first, self._saved_at = None, self._saved_at < 0, time.monotonic()
        if not first:  # which would delay the first picture
            self._follow()

    def close(self) -> None:
        """Save what is not saved yet."""
        self.save()
        if (self._directory / "metrics.jsonl").exists():
            self._follow()
            self._events.close()

    def _follow(self) -> None:
        try:
            self._events = self._events or EventWriter(self._directory)
            self._events.catch_up()
        except OSError as error:
            raise JobError(f"The event files could not be written: {error.strerror}. Free some space and resume; the last model is kept.") from error


def cut(directory: Path, *, after: int) -> None:
    """Forget what was written after epoch `after`, which another worker will write again, and what a killed one left half-written."""
    for path in [*directory.rglob(".*.tmp")]:
        with suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > ABANDONED_SECONDS:  # a younger one may be about to become a file
                shutil.rmtree(path) if path.is_dir() else path.unlink()
    metrics = directory / "metrics.jsonl"
    if metrics.exists():
        kept = [line for line in metrics.read_bytes().splitlines(keepends=True) if (epoch := _epoch(line)) is not None and epoch <= after]
        with writing(metrics) as beside:
            beside.write_bytes(b"".join(kept))
    for path in (directory / "snapshots").glob("[0-9]*.npz"):
        if int(path.stem) > after:
            path.unlink()
    for path in (directory / "checkpoint").glob("[0-9]*"):
        if int(path.name) > after:
            shutil.rmtree(path)


def _epoch(line: bytes) -> int | None:
    try:
        return json.loads(line)["epoch"] if line.endswith(b"\n") else None
    except (ValueError, KeyError, TypeError):
        return None


def _worth_keeping(epoch: int, num_epochs: int) -> bool:
    step = 1
    while epoch > EVERY_EPOCH_BELOW * step:
        step *= 10
    return epoch % step == 0 or epoch == num_epochs
