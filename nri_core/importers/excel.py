"""Excel workbooks, read by openpyxl."""

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import Field

from nri_core.errors import DataError
from nri_core.importers.contract import Inspection, Options, Progress
from nri_core.importers.tables import TableOptions, frame_columns, frame_start, inspection_of, one_of, recording_of
from nri_core.recording import Recording

LOOKED_AT = 30  # rows
MAX_UNPACKED_BYTES = 512 * 1024**2  # openpyxl takes many times that
SLOW = "Save large sheets as CSV: that is read a hundred times faster."


class ExcelOptions(TableOptions):
    """What the columns mean, and in which sheet they stand."""

    sheet: str | None = Field(None, description="Sheet of the workbook; none: the first")


@dataclass(frozen=True)
class ExcelTable:
    """One sheet, whose first row names the columns."""

    title: str = "Excel workbook"
    suffixes: tuple[str, ...] = (".xlsx", ".xlsm")
    options: type[Options] = ExcelOptions
    packages: tuple[str, ...] = ("openpyxl",)
    written: tuple[str, ...] = ("sheet",)

    def recognises(self, paths: tuple[Path, ...]) -> bool:
        """By the parts of the archive, or by the ending."""
        if len(paths) != 1:
            return False
        try:
            with zipfile.ZipFile(paths[0]) as archive:
                return "xl/workbook.xml" in archive.namelist()
        except (zipfile.BadZipFile, OSError):
            return paths[0].suffix.lower() in self.suffixes

    def inspect(self, paths: tuple[Path, ...], written: Mapping[str, Any] = MappingProxyType({})) -> Inspection:
        """From the first 200 rows of the first sheet with any."""
        path = one_of(paths)
        sheets = _sheets(path)
        first = written.get("sheet") or next((name for name in sheets if len(_sheet(path, name, rows=2).columns) >= 2), sheets[0])
        return inspection_of("excel", frame_start(_sheet(path, first, rows=200)), {"sheet": first}, ExcelOptions, sheet=sheets)

    def read(self, paths: tuple[Path, ...], options: ExcelOptions, progress: Progress) -> Recording:
        """All rows of the sheet."""
        path = one_of(paths)
        table = _sheet(path, options.sheet or _sheets(path)[0])
        names = tuple(map(str, table.columns))
        return recording_of(path.name, names, options, lambda numbers, texts: frame_columns(path.name, table, numbers, texts))


def _sheets(path: Path) -> tuple[str, ...]:
    with _opened(path) as book:
        return tuple(map(str, book.sheet_names))


def _sheet(path: Path, name: str, rows: int | None = None) -> Any:
    import pandas as pd

    with _opened(path) as book:
        if name not in book.sheet_names:
            raise DataError(f"Expected a sheet `{name}` in {path.name}; found {', '.join(map(str, book.sheet_names))}. Choose one of these.")
        try:
            titles = _titles(pd.read_excel(book, sheet_name=name, nrows=LOOKED_AT, header=None))
            table = pd.read_excel(book, sheet_name=name, nrows=rows, skiprows=titles)
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, SyntaxError, zipfile.BadZipFile, EOFError, OSError) as error:
            raise _unreadable(path, error) from error
    table.columns = [str(column) for column in table.columns]
    return table


def _titles(table: Any) -> int:
    """How many rows stand above the one that names the columns: those with fewer cells than nearly all below."""
    filled = table.notna().sum(axis=1).tolist()
    usual = max(filled, default=0)
    return next((row for row, count in enumerate(filled) if count == usual), 0) if filled and filled[0] < usual and filled[0] <= 2 else 0


def _opened(path: Path) -> Any:
    import pandas as pd

    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
        if unpacked > MAX_UNPACKED_BYTES:
            raise DataError(f"Expected a workbook of at most {MAX_UNPACKED_BYTES >> 20} MB; {path.name} unpacks to {unpacked / 1e6:,.0f} MB. {SLOW}")
        return pd.ExcelFile(path, engine="openpyxl")
    except ImportError as error:
        raise DataError("Excel workbooks need the package openpyxl: pip install -r requirements-formats.txt, or save the sheet as CSV.") from error
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, SyntaxError, zipfile.BadZipFile, EOFError, OSError) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> DataError:
    return DataError(f"Expected an Excel workbook; {path.name} cannot be read ({str(error).splitlines()[0][:120] if str(error) else type(error).__name__}). Save it again, or as CSV.")
