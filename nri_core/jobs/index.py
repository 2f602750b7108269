"""The index of runs: one SQLite file in the runs directory, in WAL mode, so that several servers agree on it.

It holds nothing that the run directories do not tell as well: who waits in which order, and who holds which device.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from nri_core.errors import JobError
from nri_core.jobs.claim import claimed

INDEX = "index.sqlite"
VERSION = 1
SCHEMA = """CREATE TABLE IF NOT EXISTS runs (
    id TEXT PRIMARY KEY, place REAL NOT NULL, user TEXT NOT NULL, engine TEXT NOT NULL, wanted TEXT NOT NULL,
    device TEXT NOT NULL, share REAL NOT NULL, state TEXT NOT NULL CHECK (state IN ('waiting', 'started', 'ended')))"""
COLUMNS = ["id", "place", "user", "engine", "wanted", "device", "share", "state"]


@contextmanager
def transaction(runs_dir: Path) -> Iterator[sqlite3.Connection]:
    """One transaction, alone on this runs directory. Raises JobError where the disk refuses."""
    index = _open(runs_dir / INDEX)
    try:
        yield index
        index.execute("COMMIT")
    except sqlite3.DatabaseError as error:
        if type(error) not in (sqlite3.DatabaseError, sqlite3.OperationalError):
            raise
        raise JobError(f"The queue in {runs_dir.name} cannot be written ({error}). Free some space, or try again.") from error
    finally:
        index.close()  # which rolls back what was not committed


def look_up(runs_dir: Path, query: str, *values: str) -> tuple[Any, ...] | None:
    """The first row that the query finds, without waiting for anybody; None also where there is no sound index yet: the next transaction makes one."""
    try:
        with closing(sqlite3.connect(f"{(runs_dir / INDEX).absolute().as_uri()}?mode=ro", uri=True)) as index:
            return index.execute(query, values).fetchone()
    except sqlite3.DatabaseError:
        return None


def _open(path: Path) -> sqlite3.Connection:
    """The index, in a transaction. One that is damaged or of another program is set aside and begun anew: the directories know better."""
    try:
        with suppress(_NotOurs):
            return _begin(path)
        with claimed(path.parent):  # another process may have put it right meanwhile
            with suppress(_NotOurs):
                return _begin(path)
            for suffix in ("", "-wal", "-shm"):
                with suppress(FileNotFoundError):
                    path.with_name(path.name + suffix).rename(path.with_name(f"{path.name}{suffix}.damaged"))
            return _begin(path)
    except (sqlite3.OperationalError, OSError, _NotOurs) as error:
        raise JobError(f"The queue in {path.parent.name} cannot be opened ({error}). Free some space, or try again.") from error


class _NotOurs(Exception):
    """The file is no index of this version, or a damaged one."""


def _begin(path: Path) -> sqlite3.Connection:
    index = sqlite3.connect(path, timeout=30, isolation_level=None)
    try:
        index.execute("PRAGMA journal_mode = WAL")
        index.execute("PRAGMA synchronous = NORMAL")  # a transaction lost with the machine's power is made again from the directories
        index.execute("BEGIN IMMEDIATE")
        version = index.execute("PRAGMA user_version").fetchone()[0]
        if not version and not index.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
            index.execute(SCHEMA)
            index.execute(f"PRAGMA user_version = {VERSION}")
        elif version != VERSION or index.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
            raise _NotOurs("it is damaged or of another program")
        elif [column[1] for column in index.execute("PRAGMA table_info(runs)")] != COLUMNS:
            raise _NotOurs("its columns are others")
        return index
    except (sqlite3.DatabaseError, _NotOurs) as error:
        index.close()
        if isinstance(error, sqlite3.OperationalError | _NotOurs):
            raise
        raise _NotOurs(str(error)) from error
