"""Tables as text: CSV, TSV and the like."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from pydantic import Field

from nri_core.errors import DataError
from nri_core.importers.contract import Inspection, Options, Progress
from nri_core.importers.tables import TableOptions, inspection_of, one_of, recording_of
from nri_core.importers.text import Dialect, columns_of, start_of
from nri_core.recording import Recording


SHARE = 0.6  # of the time goes into the text; the rest makes trials of it


class TextOptions(TableOptions):
    """What the columns mean, and how the file is written."""

    delimiter: Literal["comma", "semicolon", "tab", "bar", "spaces"] = Field("comma", description="What stands between two cells")
    decimal: Literal[".", ","] = Field(".", description="Decimal mark")
    encoding: Literal["utf-8", "utf-8-sig", "utf-16", "cp1252"] = Field("utf-8", description="Encoding of the text")
    header: bool = Field(True, description="The first row names the columns")
    skipped: int = Field(0, ge=0, le=1000, description="Lines above the table")
    ignored: int = Field(0, ge=0, le=100, description="Lines between header and data, such as units")


@dataclass(frozen=True)
class TextTable:
    """CSV, TSV and other text: delimiter, decimal mark, encoding and header are guessed, and shown."""

    title: str = "CSV or other text table"
    suffixes: tuple[str, ...] = (".csv", ".tsv", ".txt", ".dat", ".text")
    options: type[Options] = TextOptions
    packages: tuple[str, ...] = ()
    written: tuple[str, ...] = Dialect._fields

    def recognises(self, paths: tuple[Path, ...]) -> bool:
        """By the ending, or by reading as a table."""
        if len(paths) != 1:
            return False
        if paths[0].suffix.lower() in self.suffixes:
            return True
        try:
            return len(start_of(paths[0]).names) >= 3
        except DataError:
            return False

    def inspect(self, paths: tuple[Path, ...], written: Mapping[str, Any] = MappingProxyType({})) -> Inspection:
        """From the first 256 kB."""
        start = start_of(one_of(paths), written)
        return inspection_of("text table", start, start.dialect._asdict(), TextOptions)

    def read(self, paths: tuple[Path, ...], options: TextOptions, progress: Progress) -> Recording:
        """Two or three columns at a time would be slower: all wanted ones in one pass."""
        path = one_of(paths)
        dialect = Dialect(**{name: getattr(options, name) for name in Dialect._fields})
        names = start_of(path, dialect._asdict()).names
        return recording_of(path.name, names, options, lambda numbers, texts: columns_of(path, dialect, names, numbers=numbers, texts=texts, progress=lambda share: progress(SHARE * share)))
