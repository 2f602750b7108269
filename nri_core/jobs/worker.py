"""The process of one run: `python -m nri_core.jobs.worker RUN_ID [DEVICE]`. It tells of itself only through the run directory.

Without a device it imports what it needs and waits for one on its standard input (see `engines.spare`).
"""

import _thread
import importlib
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from nri_core.errors import JobError, NRIError
from nri_core.holdout import split
from nri_core.jobs.claim import claimed
from nri_core.jobs.contract import RunStatus, newest_checkpoint, runs_directory, write_status
from nri_core.jobs.limits import Limits, limits
from nri_core.jobs.process import this_process
from nri_core.jobs.queue import advance
from nri_core.jobs.recorder import Recorder, cut
from nri_core.jobs.run import Run, open_run
from nri_core.trajectories import Trajectories

if TYPE_CHECKING:
    from nri_core.training import EpochRecord

HEARTBEAT_SECONDS = 1.0
PAUSE_LOOK_SECONDS = 0.05
PATIENCE_SECONDS = 900.0  # a spare worker takes 0.3 GB


class Reporter:
    """Keeps `status.json` true: replaced whole at every change and every second, from a thread, since an epoch can be long.

    The same thread sees the wish to stop and the end of the allowed time, and interrupts the training wherever it is:
    again and again until it is `heeded`, since an interrupt may get lost in code that must not fail.
    """

    def __init__(self, run: Run, device: str, rules: Limits) -> None:
        process, now = this_process(), datetime.now(UTC)
        self._run, self.rules = run, rules
        self._lock = threading.Lock()
        self.status = run.stored_status()
        self._began, self._busy_before = time.monotonic(), self.status.busy_seconds
        self._ended = threading.Event()
        self.reason, self.heeded = "Stopped", False
        self._thread = threading.Thread(target=self._beat, daemon=True)
        self.update(
            state="running", message="Getting ready.", started=self.status.started or now, device=device,
            host=process.host, pid=process.pid, process_start=process.start,
        )  # fmt: skip
        self._thread.start()

    def update(self, **changes: Any) -> RunStatus:
        """Change some fields of the status and write it."""
        with self._lock:
            busy = self._busy_before + time.monotonic() - self._began
            self.status = self.status.model_copy(update=changes | {"heartbeat": datetime.now(UTC), "busy_seconds": busy})
            return write_status(self._run.directory, self.status)

    def tell(self, record: "EpochRecord") -> None:
        """What an epoch brought."""
        self.update(
            message=f"Training: epoch {record.epoch} of {record.num_epochs}.",
            epoch=record.epoch,
            num_epochs=record.num_epochs,
            seconds=record.seconds,
            seconds_left=record.seconds_left,
            samples_per_second=record.samples_per_second,
        )

    def progress(self) -> str:
        """How far it came, in words."""
        epoch, seconds = self.status.epoch, self.status.seconds
        return f"after epoch {epoch} and {seconds:.0f} s of training" if epoch else "before the first epoch was done"

    def end(self, state: str, message: str) -> None:
        """The last word."""
        self._ended.set()
        self._thread.join()
        self.update(state=state, message=message, seconds_left=None, paused=False, device="")

    def _beat(self) -> None:
        while not self._ended.wait(HEARTBEAT_SECONDS):
            most = self.rules.run_seconds
            over = bool(most) and self.status.busy_seconds > most
            if not self.heeded and (over or self._run.cancel_file.exists()):
                self.reason = f"Stopped at this server's limit of {most:g} s for a run" if over else self.reason
                _thread.interrupt_main()
            try:
                self.update()
            except NRIError as error:
                print(error, file=sys.stderr)  # a full disk may be freed again; who looks meanwhile sees that the process lives


def work(run: Run, device: str) -> None:
    """Train, and end in a state with one sentence for the user whatever happens; the log has the rest."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job inherits it switched off
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    reporter = Reporter(run, device, limits())
    try:
        _train(run, reporter, device)
        early = reporter.status.epoch < (reporter.status.num_epochs or 0)
        reporter.end("done", f"Finished {reporter.progress()}{', at the time limit' * early}.")
    except KeyboardInterrupt:
        reporter.heeded = True
        reporter.end("cancelled", f"{reporter.reason} {reporter.progress()}; {_kept(run)}.")
    except NRIError as error:
        traceback.print_exc()
        reporter.end("failed", str(error))
    except Exception as error:  # the top of a process: whatever it is must become a state that the user sees
        traceback.print_exc()
        reporter.end("failed", f"{_explain(error)} {_kept(run).capitalize()}.")


def _train(run: Run, reporter: Reporter, device: str) -> None:
    from nri_core.devices import describe, fall_back  # torch takes seconds to import: the first sign of life comes before
    from nri_core.training import TrainingState, first_look, fit

    train = run.training_data()
    valid_file = run.directory / "valid.npz"
    train, valid = (train, Trajectories.load(valid_file)) if valid_file.exists() else split(train)
    if run.checkpoint_dir and not run.state_file.exists():
        raise JobError(f"Expected {run.state_file.name} to go on from; it is missing from the run's folder. {_kept(run).capitalize()}; start a new training.")
    state = TrainingState.load(run.state_file) if run.state_file.exists() else None
    cut(run.directory, after=state.epoch if state else 0)
    wanted = run.requested().device
    device, note = fall_back(wanted if device == "cpu" else device)
    reporter.update(where=describe(device, run.config().threads), note=note, resumed_epoch=state.epoch if state else 0, epoch=state.epoch if state else 0)
    recorder = Recorder(run.directory)
    if state is None and (seen := first_look(train, run.config(), run.watched())):
        seen.save(run.directory / "snapshots" / "000000.npz")
    try:
        for record in _unless_paused(fit(train, valid, run.config(), device=device, watch=run.watched(), resume=state), run, reporter, recorder):
            recorder.add(record)
            reporter.tell(record)
    finally:
        reporter.heeded = True
        recorder.close()
        if recorder.newest:  # the wish to stop may have come between the two
            reporter.tell(recorder.newest)


def _unless_paused(records: "Iterator[EpochRecord]", run: Run, reporter: Reporter, recorder: Recorder) -> "Iterator[EpochRecord]":
    """Does not ask for the next epoch while a pause is wished for; the clock of the training stands still between epochs."""
    epoch = reporter.status.epoch
    while True:
        began, most = time.monotonic(), reporter.rules.pause_seconds
        while (until := _pause_after(run)) is not None and epoch >= max(until, 1):
            if not reporter.status.paused:
                recorder.save()
                reporter.update(paused=True, message=f"Paused {reporter.progress()}.")
            if most and time.monotonic() - began > most:
                reporter.reason = f"Stopped after a pause of {most:g} s, which others may have waited for,"
                raise KeyboardInterrupt
            time.sleep(PAUSE_LOOK_SECONDS)
        if reporter.status.paused:
            reporter.update(paused=False)
        record = next(records, None)
        if record is None:
            return
        epoch = record.epoch
        yield record


def _pause_after(run: Run) -> int | None:
    try:
        return int(run.pause_file.read_text(encoding="utf-8") or 0)
    except (OSError, ValueError):
        return None


def _kept(run: Run) -> str:
    kept = newest_checkpoint(run.directory)
    return "there is no model yet" if kept is None else f"the model of epoch {int(kept.name)} is kept"


def _explain(error: Exception) -> str:
    if isinstance(error, MemoryError) or "memory" in str(error).lower():
        return "The training ran out of memory: choose a smaller batch, a smaller model or fewer particles."
    return f"The training failed for a reason inside the program ({type(error).__name__}); its log has the details."


def main(run_id: str, device: str) -> None:
    """Only one worker has a run at a time; one that comes too late, or to a run that needs none any more, ends without a word."""
    run = open_run(run_id)
    with claimed(run.directory) as mine:
        status = run.stored_status()
        if mine and status.state == "queued" and status.device == device:
            work(run, device)
    if run.requested().engine == "process":  # on another machine the queue's file may be out of reach
        advance(run.directory.parent)


def wait(run_id: str) -> None:
    """Be ready for a run that is yet to come; end without a word if it is not wanted for long, or who asked for it is gone."""
    importlib.import_module("nri_core.training")
    tired = threading.Timer(PATIENCE_SECONDS, os._exit, (0,))
    tired.start()
    device = sys.stdin.readline().strip()
    tired.cancel()
    if device:
        with open(runs_directory() / run_id / "log.txt", "ab", buffering=0) as log:
            for stream in (sys.stdout, sys.stderr):
                os.dup2(log.fileno(), stream.fileno())
        main(run_id, device)


if __name__ == "__main__":
    main(*sys.argv[1:]) if len(sys.argv) > 2 else wait(sys.argv[1])
