"""Folders of a session: they go with the server, or, if that was killed, with the next one."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
SERVER = "from ui.temporary import new_folder; (new_folder() / 'model').touch(); print('made', flush=True); input()"


def server(folder: Path) -> "subprocess.Popen[bytes]":
    """One that has made a folder, and waits."""
    process = subprocess.Popen([sys.executable, "-c", SERVER], cwd=ROOT, env=os.environ | {"TMPDIR": str(folder)}, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"made\n"
    return process


def test_what_a_killed_server_left_goes_with_the_next_one(tmp_path: Path) -> None:
    lives, killed = server(tmp_path), server(tmp_path)
    killed.kill()
    killed.communicate()
    left = set(tmp_path.iterdir())
    assert len(left) == 2
    for folder in left:
        os.utime(folder, (0, 0))
    third = server(tmp_path)
    now = set(tmp_path.iterdir())
    assert len(left & now) == 1 and len(now) == 2, "that of the server that lives stays"
    for process in (lives, third):
        process.communicate(b"\n")
    assert not list(tmp_path.iterdir())
