"""Looks after the queue as long as a server lives: starts what may start, and notices workers that died."""

import functools
import sys
import threading
from pathlib import Path

from nri_core.errors import NRIError
from nri_core.jobs.contract import runs_directory
from nri_core.jobs.queue import advance

SECONDS = 1.0


def keep(runs_dir: Path | None = None) -> None:
    """Start the keeper of this process, once for each runs directory; it ends with the process."""
    _keep((runs_dir or runs_directory()).absolute())


@functools.cache
def _keep(runs_dir: Path) -> None:
    threading.Thread(target=_look_after, args=(runs_dir,), name="keeper", daemon=True).start()


def _look_after(runs_dir: Path) -> None:
    said, waiting = "", threading.Event()
    while True:
        try:
            advance(runs_dir)
            said = ""
        except (NRIError, OSError) as error:  # a full disk may be freed again; what repeats itself is said once
            if str(error) != said:
                said = str(error)
                print(f"The queue stands still: {said}", file=sys.stderr)
        waiting.wait(SECONDS)
