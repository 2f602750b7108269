"""The process of one run: `python -m nri_core.jobs.worker RUN_ID`. It tells of itself only through the run directory."""

import _thread
import shutil
import signal
import sys
import threading
import time
import traceback
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pydantic_core import to_json

from nri_core.errors import JobError, NRIError
from nri_core.jobs.process import this_process
from nri_core.jobs.run import Run, RunStatus, open_run
from nri_core.storage import write_text
from nri_core.trajectories import Trajectories

if TYPE_CHECKING:
    import nri_core.training

HEARTBEAT_SECONDS = 1.0
CHECKPOINT_SECONDS = 5.0


class Reporter:
    """Keeps `status.json` true: replaced whole at every change and every second, from a thread, since an epoch can be long.

    The same thread sees the wish to stop, and interrupts the training wherever it is.
    """

    def __init__(self, run: Run) -> None:
        process, now = this_process(), datetime.now(UTC)
        self._run = run
        self._lock = threading.Lock()
        self._status = run.stored_status()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)
        self.update(state="running", message="Getting ready.", started=now, host=process.host, pid=process.pid, process_start=process.start)
        self._thread.start()

    def update(self, **changes: Any) -> RunStatus:
        """Change some fields of the status and write it."""
        with self._lock:
            self._status = self._status.model_copy(update=changes | {"heartbeat": datetime.now(UTC)})
            write_text(self._run.directory / "status.json", self._status.model_dump_json(indent=2))
            return self._status

    def progress(self) -> str:
        """How far it came, in words."""
        epoch, seconds = self._status.epoch, self._status.seconds
        return f"after epoch {epoch} and {seconds:.0f} s of training" if epoch else "before the first epoch was done"

    def end(self, state: str, message: str) -> None:
        """The last word."""
        self._ended.set()
        self._thread.join()
        self.update(state=state, message=message, seconds_left=None)

    def _beat(self) -> None:
        while not self._ended.wait(HEARTBEAT_SECONDS):
            if self._run.cancel_file.exists():
                return _thread.interrupt_main()
            try:
                self.update()
            except NRIError as error:
                print(error, file=sys.stderr)  # a full disk may be freed again; who looks meanwhile sees that the process lives


class Recorder:
    """Writes what each epoch brought: a line of metrics, the watched graph and, every few seconds, the checkpoint."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._unsaved: "nri_core.training.EpochRecord | None" = None
        self._saved_at = -CHECKPOINT_SECONDS

    def add(self, record: "nri_core.training.EpochRecord") -> None:
        """Raises JobError when the disk refuses."""
        try:
            with open(self._run.directory / "metrics.jsonl", "ab") as file:
                file.write(to_json(record.metrics(), inf_nan_mode="null") + b"\n")
        except OSError as error:
            raise JobError(f"The metrics could not be written: {error.strerror}. Free some space; the last model is kept.") from error
        if record.watched is not None:
            record.watched.save(self._run.directory / "snapshots" / f"{record.epoch:06d}.npz")
        self._unsaved = record
        if time.monotonic() - self._saved_at >= CHECKPOINT_SECONDS:
            self.save()

    def save(self) -> None:
        """Write the newest checkpoint beside the ones before it; the oldest go only then."""
        if self._unsaved is None:
            return
        folder = self._run.directory / "checkpoint"
        older = sorted(folder.glob("[0-9]*"))[:-1]  # one stays for a reader that has just looked it up
        self._unsaved.checkpoint.described(figures=self._unsaved.metrics()).save(folder / f"{self._unsaved.epoch:06d}")
        for path in older:
            shutil.rmtree(path, ignore_errors=True)
        self._unsaved, self._saved_at = None, time.monotonic()


def work(run: Run) -> None:
    """Train, and end in a state with one sentence for the user whatever happens; the log has the rest."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job inherits it switched off
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    reporter = Reporter(run)
    try:
        _train(run, reporter)
        reporter.end("done", f"Finished {reporter.progress()}.")
    except KeyboardInterrupt:
        reporter.end("cancelled", f"Stopped {reporter.progress()}; {_kept(run)}.")
    except NRIError as error:
        traceback.print_exc()
        reporter.end("failed", str(error))
    except Exception as error:  # the top of a process: whatever it is must become a state that the user sees
        traceback.print_exc()
        reporter.end("failed", f"{_explain(error)} {_kept(run).capitalize()}.")


def _train(run: Run, reporter: Reporter) -> None:
    from nri_core.dataset import split  # torch takes seconds to import: the first sign of life comes before
    from nri_core.training import fit

    train = Trajectories.load(run.directory / "train.npz")
    valid_file = run.directory / "valid.npz"
    train, valid = (train, Trajectories.load(valid_file)) if valid_file.exists() else split(train)
    recorder = Recorder(run)
    try:
        for record in fit(train, valid, run.config(), device=run.requested().device, watch=run.watched()):
            recorder.add(record)
            reporter.update(
                message=f"Training: epoch {record.epoch} of {record.num_epochs}.",
                epoch=record.epoch,
                num_epochs=record.num_epochs,
                seconds=record.seconds,
                seconds_left=record.seconds_left,
            )
    finally:
        recorder.save()


def _kept(run: Run) -> str:
    return "there is no model yet" if run.checkpoint_dir is None else f"the model of epoch {int(run.checkpoint_dir.name)} is kept"


def _explain(error: Exception) -> str:
    if isinstance(error, MemoryError) or "memory" in str(error).lower():
        return "The training ran out of memory: choose a smaller batch, a smaller model or fewer particles."
    return f"The training failed for a reason inside the program ({type(error).__name__}); its log has the details."


if __name__ == "__main__":
    work(open_run(sys.argv[1]))
