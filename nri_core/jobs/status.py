"""How a run stands now: what was written last, unless its worker is gone."""

from datetime import UTC, datetime
from pathlib import Path
from socket import gethostname

from nri_core.jobs.claim import is_claimed
from nri_core.jobs.contract import RunStatus, newest_checkpoint, read_config, read_status
from nri_core.jobs.engines import engine

STALE_SECONDS = 60  # a worker reports every second; after this long without a word, and no way to look, it counts as gone


def current_status(directory: Path) -> RunStatus:
    """A run whose worker is gone is `lost`. Raises JobError if the directory cannot be read."""
    status = read_status(directory)
    if status.state == "running" and _is_gone(directory, status):
        status = read_status(directory)  # it may have ended properly between the two looks
        if status.state == "running":
            status = status.model_copy(update={"state": "lost", "seconds_left": None, "paused": False, "message": _lost(directory)})
    return status


def _is_gone(directory: Path, status: RunStatus) -> bool:
    """By the lock that a worker holds as long as it lives, however long the machine slept; from elsewhere by what its engine knows, or its heartbeat."""
    if is_claimed(directory):
        return False
    if status.host == gethostname():
        return True
    gone = engine(read_config(directory).engine).is_gone(directory, status)
    return (datetime.now(UTC) - status.heartbeat).total_seconds() > STALE_SECONDS if gone is None else gone


def _lost(directory: Path) -> str:
    gone = "The training process is gone without a word: it was killed, or the machine was restarted."
    kept = newest_checkpoint(directory)
    return f"{gone} " + (f"The model of epoch {int(kept.name)} is kept; resume to go on." if kept else "It had saved no model yet; resume to begin again.")
