"""What tests of real training runs share: waiting for them, and what one waits for."""

import time
from collections.abc import Callable

from nri_core.jobs import Run, RunStatus, advance


def wait_for(run: Run, reached: Callable[[RunStatus], bool], *, seconds: float = 120) -> RunStatus:
    """Look as a server does, moving the queue at each look, until it is so."""
    deadline = time.monotonic() + seconds
    advance(run.directory.parent)
    while not reached(status := run.status()):
        assert time.monotonic() < deadline, f"{status}\n{run.log()}"
        time.sleep(0.05)
        advance(run.directory.parent)
    return status


def ended(status: RunStatus) -> bool:
    """Whether there is nothing to wait for any more."""
    return not status.active


def trains(status: RunStatus) -> bool:
    """Whether the present worker has finished an epoch."""
    return status.state == "running" and status.epoch > status.resumed_epoch
