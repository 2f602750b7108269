"""Names as they may be written. Who named the nodes is not always who opens the file: a name must be text there, and nothing else."""

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import TypeVar

from nri_core.posterior import EdgePosterior, PosteriorOverTime
from nri_core.trajectories import Trajectories

Named = TypeVar("Named", Trajectories, EdgePosterior)
UNWRITABLE = re.compile("[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\ufdcf\ufdf0-\ufffd\U00010000-\U0010ffff]")  # what XML cannot hold, and halves of characters
NUMBER = re.compile(r"[+-]?[\d.]+(e[+-]?\d+)?\Z", re.IGNORECASE)


def writable(named: Named) -> Named:
    """The same with � in its names for every character that no text file can hold."""
    changes = {field: _writable(getattr(named, field)) for field in ("node_names", "edge_type_names", "feature_names") if hasattr(named, field)}
    return named if all(getattr(named, field) == names for field, names in changes.items()) else replace(named, **changes)


def writable_belief(belief: EdgePosterior | PosteriorOverTime) -> EdgePosterior | PosteriorOverTime:
    """The same, for a belief at each moment too."""
    if isinstance(belief, PosteriorOverTime):
        return PosteriorOverTime(belief.starts, tuple(writable(window) for window in belief.windows))
    return writable(belief)


def writable_text(text: str) -> str:
    """� for every character that no text file can hold."""
    return UNWRITABLE.sub("\ufffd", text)


def cells(names: Iterable[str]) -> list[str]:
    """For CSV: what a spreadsheet would take for a formula, and run, gets an apostrophe in front and is text. Numbers stay."""
    return [f"'{name}" if name.startswith(("=", "+", "-", "@", "\t")) and not NUMBER.match(name) else name for name in names]


def _writable(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(writable_text(name) for name in names)
