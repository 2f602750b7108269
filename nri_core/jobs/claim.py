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


def is_claimed(directory: Path) -> bool:
    """Whether some process has the directory now. Several may look at once: they do not get into each other's way, nor into a claim's."""
    try:
        with open(directory / "lock", "rb") as file:
            return not _lock(file, shared=True)
    except FileNotFoundError:
        return False


def _lock(file: BinaryIO, *, shared: bool = False) -> bool:
    try:
        if fcntl is not None:
            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        else:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    except OSError:
        return False
    return True
