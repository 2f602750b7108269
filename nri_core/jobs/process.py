"""Whether the process that a run belongs to still lives."""

import os
import socket
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True)
class Process:
    """Which process on which machine; a pid alone is given to another process sooner or later."""

    host: str
    pid: int
    start: int | None  # clock ticks after boot; None where the system does not tell

    def is_alive(self) -> bool | None:
        """None if it cannot be known here: it is on another machine, or this one has no /proc."""
        if self.host != socket.gethostname() or self.start is None:
            return None
        return _start(self.pid) == self.start


def this_process() -> Process:
    """The one that is running this code."""
    return process_of(os.getpid())


def process_of(pid: int) -> Process:
    """The one that has `pid` on this machine now."""
    return Process(socket.gethostname(), pid, _start(pid))


def _start(pid: int) -> int | None:
    """Field 22 of /proc/PID/stat; None for a process that is gone, or that has ended and waits for its parent."""
    try:
        text = (PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return None
    state, *fields = text.rpartition(")")[2].split()  # the name in parentheses may hold anything
    return None if state in "ZX" else int(fields[18])
