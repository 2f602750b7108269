"""Formats that cannot be read in part are parsed a single time where a file is looked into and then read."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

Parsed = TypeVar("Parsed")
_KEPT: ContextVar[dict[Callable, tuple[Path, Any]] | None] = ContextVar("kept", default=None)


@contextmanager
def parsed_once() -> Iterator[None]:
    """Meanwhile each parser keeps what it made of the file that it parsed last; one inside another shares that."""
    before = _KEPT.set({} if (kept := _KEPT.get()) is None else kept)
    try:
        yield
    finally:
        _KEPT.reset(before)


def once(parse: Callable[[Path], Parsed]) -> Callable[[Path], Parsed]:
    """Of a parser whose result nobody changes."""

    @wraps(parse)
    def known_or_parsed(path: Path) -> Parsed:
        kept = _KEPT.get()
        if kept is None:
            return parse(path)
        if parse not in kept or kept[parse][0] != path:
            kept[parse] = path, parse(path)
        return kept[parse][1]

    return known_or_parsed
