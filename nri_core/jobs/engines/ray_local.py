"""The Ray of this machine, for whoever names no cluster: started when first needed, shared by all servers on one runs directory.

It lies in `runs/ray/HOST/`: head.json (where it answers, and its process), token (its owner's only), lock (held by who
brings it up and keeps it), head.log, failed.txt.
"""

import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from nri_core.errors import JobError
from nri_core.jobs.claim import is_claimed
from nri_core.jobs.engines.spare import PROJECT
from nri_core.jobs.engines.ray_api import Cluster
from nri_core.jobs.process import Process

FAILED_SECONDS = 10.0  # for so long everybody is told why it did not start; then it may be tried again
START_SECONDS, STOP_SECONDS = 120.0, 20.0
HEAD = "nri_core.jobs.ray_head"


class _Head(NamedTuple):
    cluster: Cluster
    process: Process
    ready: bool


@dataclass(frozen=True)
class LocalRay:
    """By the runs directory that it serves."""

    runs_dir: Path

    @property
    def folder(self) -> Path:
        """Of this machine: several may share one runs directory."""
        return self.runs_dir / "ray" / socket.gethostname()

    def cluster(self) -> Cluster | None:
        """The one that runs; None if there is none, or none yet."""
        found = self._head()
        return found.cluster if found and found.ready else None

    def is_kept(self) -> bool:
        """Whether a process is about to bring one up, or keeps one."""
        return is_claimed(self.folder)

    @staticmethod
    def check() -> None:
        """Raise JobError where Ray is not installed."""
        if importlib.util.find_spec("ray") is None:
            raise JobError("Ray is not installed here. Install it with: pip install -r requirements-ray.txt, or choose another device.")

    def start(self, *options: str) -> Cluster:
        """The one that runs, brought up first where there is none, which takes seconds. Raises JobError where that fails."""
        if self.cluster() is None and not self.is_kept():
            self.launch(*options)
        deadline = time.monotonic() + START_SECONDS
        while (found := self.cluster()) is None:
            failed = self.folder / "failed.txt"
            if failed.exists() or time.monotonic() > deadline:
                said = failed.read_text(encoding="utf-8") if failed.exists() else "The Ray of this machine does not come up. Choose another device."
                raise JobError(said)
            time.sleep(0.1)
        return found

    def launch(self, *options: str) -> None:
        """Begin to bring one up and return at once; `options` are further ones of `ray start`. Raises JobError where that must fail, or just did."""
        self.check()
        with suppress(FileNotFoundError):
            failed = self.folder / "failed.txt"
            if time.time() - failed.stat().st_mtime < FAILED_SECONDS:
                raise JobError(failed.read_text(encoding="utf-8"))
            failed.unlink()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            for folder in (self.folder.parent, self.folder):
                folder.chmod(0o700)
            with open(self.folder / "head.log", "ab") as log:
                command = [sys.executable, "-m", HEAD, str(self.runs_dir), *options]
                process = subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
        except OSError as error:
            raise JobError(f"Ray could not be started: {error.strerror}. Free some space, or close other programs.") from error
        threading.Thread(target=process.wait, daemon=True).start()  # it must not linger as a zombie

    def stop(self) -> bool:
        """End it, and whatever runs on it; False if there was none."""
        deadline = time.monotonic() + STOP_SECONDS
        while (found := self._head()) is None and self.is_kept() and time.monotonic() < deadline:
            time.sleep(0.1)
        if found is None:
            return False
        os.kill(found.process.pid, signal.SIGTERM)
        while found.process.is_alive():
            if time.monotonic() > deadline:
                os.kill(found.process.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
            time.sleep(0.1)
        while self.is_kept() and time.monotonic() < deadline:  # until its keeper has cleaned up, too
            time.sleep(0.1)
        (self.folder / "failed.txt").unlink(missing_ok=True)
        return True

    def _head(self) -> _Head | None:
        try:
            noted = json.loads((self.folder / "head.json").read_text(encoding="utf-8"))
            token = (self.folder / "token").read_text(encoding="utf-8")
            process = Process(socket.gethostname(), noted["pid"], noted["start"])
            cluster, ready = Cluster(noted["address"], token), bool(noted["ready"])
            alive = process.is_alive()
            if alive is None and ready:  # this system does not tell: it lives if it answers
                cluster.resources()
            return None if alive is False else _Head(cluster, process, ready)
        except (JobError, OSError, ValueError, KeyError, TypeError):
            return None
