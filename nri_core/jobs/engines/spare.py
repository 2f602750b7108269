"""A worker that has everything imported and waits for its run: PyTorch takes seconds, and somebody is looking at an empty picture."""

import os
import secrets
import subprocess
import sys
import threading
from pathlib import Path
from typing import BinaryIO

PROJECT = Path(__file__).parents[3]


def spawn(directory: Path, *arguments: str, **streams: int | BinaryIO) -> "subprocess.Popen[bytes]":
    """A worker for the run in `directory`: a process that outlives the page, the server and the terminal. Raises OSError."""
    return subprocess.Popen(
        [sys.executable, "-m", "nri_core.jobs.worker", directory.name, *arguments],
        cwd=PROJECT,
        env=os.environ | {"NRI_RUNS_DIR": str(directory.parent), "PYTHONUNBUFFERED": "1"},
        start_new_session=True,
        creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),  # the same on Windows
        **streams,
    )


class SpareWorkers:
    """At most one waits for a run that is yet to come, under the id that this run is going to have; it ends with this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[Path, subprocess.Popen[bytes]] = {}
        self._next: Path | None = None

    def prepare(self, runs_dir: Path) -> None:
        """Start one, unless one waits already. Without it, runs only start more slowly: what goes wrong here is not told."""
        with self._lock:
            if self._next is not None and self._next.parent == runs_dir and self._waiting[self._next].poll() is None:
                return
            directory = runs_dir / secrets.token_hex(16)
            try:
                process = spawn(directory, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            except OSError:
                return
            self._drop(self._next)
            self._next, self._waiting[directory] = directory, process

    def reserve(self, runs_dir: Path) -> str | None:
        """The id of the run that the spare worker waits for, to be used once; None if there is no spare one."""
        with self._lock:
            if self._next is None or self._next.parent != runs_dir:
                return None
            directory, self._next = self._next, None
            return directory.name

    def take(self, directory: Path, device: str) -> "subprocess.Popen[bytes] | None":
        """Let the worker that waits for this run begin; None if none does."""
        with self._lock:
            process = self._waiting.pop(directory, None)
        if process is None or process.poll() is not None:
            return None
        try:
            process.stdin.write(f"{device}\n".encode())
            process.stdin.close()
        except OSError:  # it has just died
            return None
        return process

    def release(self, directory: Path) -> None:
        """The run has to wait, or will never be: let its worker go, which takes memory."""
        with self._lock:
            self._drop(directory)

    def _drop(self, directory: Path | None) -> None:
        process = self._waiting.pop(directory, None) if directory else None
        if process is not None:
            process.stdin.close()  # the end of its input is the end of its wait
            threading.Thread(target=process.wait, daemon=True).start()
