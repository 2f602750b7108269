"""Folders for what a session brings or makes, until it is gone; those of a server that was killed go when the next one needs a folder."""

import atexit
import functools
import shutil
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from tempfile import gettempdir, mkdtemp

from nri_core.jobs.claim import claimed, is_claimed

PREFIX = "nri-explorer-"
YOUNG_SECONDS = 60.0  # a folder that another server has just made may not be claimed yet

_held = ExitStack()


def new_folder() -> Path:
    """Whoever asks removes it when nobody needs it any more; at the latest it goes with the server."""
    return Path(mkdtemp(dir=_of_this_server()))


@functools.cache
def _of_this_server() -> Path:
    for left in Path(gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):  # of another user, or already gone
            if time.time() - left.stat().st_mtime > YOUNG_SECONDS and not is_claimed(left):
                shutil.rmtree(left)
    folder = Path(mkdtemp(prefix=PREFIX))
    _held.enter_context(claimed(folder))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
