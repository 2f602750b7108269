"""How far a run came, from the end of its metrics, and what it learned from: lists of many runs need not read every line."""

import functools
import hashlib
import json
import os
from pathlib import Path
from typing import Any

from nri_core.jobs.run import Run

TAIL = 32_768  # bytes: some dozens of records


def latest(run: Run) -> dict[str, Any]:
    """The last record, whose forecast errors (`valid_mse`) may be empty: those of another epoch would be another model's. Empty before the first epoch."""
    try:
        with open(run.directory / "metrics.jsonl", "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(size - TAIL, 0))
            lines = file.read().split(b"\n")[:-1]
    except OSError:
        return {}
    last = next((json.loads(line) for line in reversed(lines[size > TAIL :]) if line.startswith(b"{")), None)
    return last | {"valid_mse": last.get("valid_mse") or {}} if last else {}


def learned_from(directory: Path) -> str:
    """SHA-256 of what the run in this folder was given to learn from; empty where that is gone."""
    try:
        return _digest(directory / "train.npz")
    except OSError:
        return ""


@functools.lru_cache(256)  # a run's data never change
def _digest(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
