"""What every reader of a file format is: recognise, inspect (what is in it, as understood), read."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict

from nri_core.recording import Recording

Progress = Callable[[float], None]  # called with the share that is done, from 0 to 1; may raise, to stop the reading


class Options(BaseModel):
    """How to understand a file; each reader has its own. Fields are bool, int, float, str, a Literal, `str | None` or `tuple[str, ...]`."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Preview(BaseModel):
    """The first rows as they stand in the file, as text."""

    model_config = ConfigDict(frozen=True)

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Inspection(BaseModel):
    """What a file holds, before it is read in full.

    options     the guess: how the reader would understand it; the user may correct it
    choices     for options that name something in the file (a column, an array, a sheet): what there is to choose from
    understood  plain sentences: what was understood, for the user to check
    signature   equal for files of the same shape: corrected options are remembered under it
    """

    model_config = ConfigDict(frozen=True)

    format: str
    options: dict[str, Any]
    choices: dict[str, tuple[str, ...]] = {}
    preview: Preview | None = None
    understood: tuple[str, ...] = ()
    signature: str = ""


@runtime_checkable
class Reader(Protocol):
    """A file format. Several files may belong together (a skeleton and its motions); `paths` are all of them.

    title       what a menu calls it
    suffixes    endings of its files, with the dot, lower case
    options     its model of options
    packages    those that have to be installed for it, or for some of its files

    A reader may also have `written`: names of options that say how a file is written (delimiter, sheet), on which depends what there is to
    choose from. Its `inspect` then takes a second argument, those of them that are known.
    """

    title: str
    suffixes: tuple[str, ...]
    options: type[Options]
    packages: tuple[str, ...]

    def recognises(self, paths: tuple[Path, ...]) -> bool:
        """Whether the content (not only the ending) looks like it. Never raises."""
        ...

    def inspect(self, paths: tuple[Path, ...]) -> Inspection:
        """Look at the first part. Raises DataError that names the file, and row or column."""
        ...

    def read(self, paths: tuple[Path, ...], options: Options, progress: Progress) -> Recording:
        """All of it. Raises DataError that names the file, row or column, what was expected and what to do."""
        ...
