"""A lock of the operating system on a run directory: gone with the process that holds it, however that ends."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None
    import msvcrt

PATIENCE = 3.0  # seconds for a process that was killed to be gone


@contextmanager
def claimed(directory: Path, *, patience: float = PATIENCE) -> Iterator[bool]:
    """Whether the directory is ours for the block; False if another process has it."""
    with open(directory / "lock", "ab") as file:
        deadline = time.monotonic() + patience
        while not (mine := _lock(file)) and time.monotonic() < deadline:
            time.sleep(0.1)
        yield mine


def _lock(file: BinaryIO) -> bool:
    try:
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        else:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    except OSError:
        return False
    return True
