"""What tests of real training runs share: waiting for them, and what one waits for."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from nri_core.jobs import Run, RunStatus, advance, submit
from nri_core.jobs.claim import claimed
from nri_core.jobs.engines.process import ProcessEngine
from nri_core.jobs.worker import work
from nri_core.settings import TrainConfig
from nri_core.trajectories import Trajectories

PATIENCE = 300.0  # seconds; only a test that fails waits so long, however busy the machine

def wait_for(run: Run, reached: Callable[[RunStatus], bool], *, seconds: float = PATIENCE) -> RunStatus:
    """Look as a server does, moving the queue at each look, until it is so."""
    deadline = time.monotonic() + seconds
    advance(run.directory.parent)
    while not reached(status := run.status()):
        assert time.monotonic() < deadline, f"{status}\n{run.log()}"
        time.sleep(0.05)
        advance(run.directory.parent)
    return status


def trained_here(data: Trajectories, config: TrainConfig, **options: Any) -> Run:
    """A run whose worker was this process: nothing to wait for, and no torch to import once more."""
    with patch.object(ProcessEngine, "start"):
        run = submit(data, config, **options)
    with signals_kept(), claimed(run.directory):  # else the keeper of a page that was opened before finds no worker, and starts one
        work(run, "cpu")
    advance(run.directory.parent)
    return run


@contextmanager
def signals_kept() -> Iterator[None]:
    """A worker takes the signals that end it; a test gives them back."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def ended(status: RunStatus) -> bool:
    """Whether there is nothing to wait for any more."""
    return not status.active


def trains(status: RunStatus) -> bool:
    """Whether the present worker has finished an epoch."""
    return status.state == "running" and status.epoch > status.resumed_epoch
