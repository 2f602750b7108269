"""Tables as text: how the file is written (delimiter, decimal mark, encoding, header), its first rows, and its columns, read in one pass."""

import codecs
import csv
import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from nri_core.errors import DataError
from nri_core.importers.contract import Progress

SNIFFED_BYTES = 256 * 1024
MAX_TABLE_BYTES = 1024**3
MOST_TITLES, FEWEST_ROWS = 30, 6  # lines above a table; lines from which titles are told apart at all
BLOCK_BYTES = 8 * 1024**2
DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|", "spaces": " "}
_WHO = "; if it names who moves, choose the layout with a row for each node and time"
MISSING = ("", "NA", "N/A", "NaN", "nan", "NAN", "null", "NULL", "None", "none", "-", "?", "#N/A", "missing")
_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?|[+-]?(inf|infinity)", re.IGNORECASE)
_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


class Dialect(NamedTuple):
    """How a table is written as text. `skipped` lines stand above the header, `ignored` ones between it and the data (units, explanations)."""

    delimiter: str = "comma"
    decimal: str = "."
    encoding: str = "utf-8"
    header: bool = True
    skipped: int = 0
    ignored: int = 0


class Start(NamedTuple):
    """The first rows of a table, as they stand there; `below`: rows between header and data, such as units."""

    dialect: Dialect
    names: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    below: tuple[tuple[str, ...], ...] = ()


def start_of(path: Path, written: Mapping[str, Any] | None = None) -> Start:
    """Sniff; `written` holds parts of the dialect that are known already. Raises DataError for what is no text, or no table of at least two columns."""
    known = {name: value for name, value in (written or {}).items() if name in Dialect._fields}
    encoding, text = _decoded(path, known.get("encoding"))
    lines = text.splitlines()[:400]
    skipped = known.get("skipped", next((place for place, line in enumerate(lines) if line.strip() and not line.startswith("#")), None))
    if skipped is None or not any(line.strip() for line in lines[skipped:]):
        raise DataError(f"Expected a table in {path.name}; it holds only empty lines or comments. Save or download it again.")
    delimiter = known.get("delimiter") or _delimiter(lines[skipped:])
    if "skipped" not in known:
        skipped += _titles(lines[skipped:], delimiter)
    rows = [row for row in _cells(lines[skipped:], delimiter) if row]
    if max(map(len, rows), default=0) < 2:
        raise DataError(f"Expected a table with at least 2 columns in {path.name}; found 1. Choose its delimiter, or save it as CSV.")
    decimal = known.get("decimal") or ("," if delimiter != "comma" and _decimal_commas(rows) else ".")
    header = known.get("header", not _is_data(rows[0]))
    ignored = 0
    if header:  # units and explanations, as TrackMate writes them, stand between header and data
        ignored = known.get("ignored", next((place for place, row in enumerate(rows[1:12]) if _is_data(row)), 0))
    names = tuple(_different(_whole(rows[0], rows[1 + ignored :]))) if header else tuple(f"column {place + 1}" for place in range(len(rows[0])))
    first = 1 + ignored if header else 0
    below = tuple(map(tuple, rows[1 : 1 + ignored]))
    return Start(Dialect(delimiter, decimal, encoding, header, skipped, ignored), names, tuple(tuple(row) for row in rows[first : first + 200]), below)


def _titles(lines: Sequence[str], delimiter: str) -> int:
    """How many lines stand above the table, such as its title: those before the first with as many cells as nearly all further down, or empty."""
    widths = [len(row) if line.strip() else 0 for row, line in zip(_cells(lines, delimiter), lines, strict=False)]
    later = widths[MOST_TITLES:] or widths[len(widths) // 2 :]
    usual = max(set(later), key=later.count)
    if usual < 2 or len(widths) < FEWEST_ROWS or later.count(usual) < 0.9 * len(later) or widths[0] in (usual, usual - 1):
        return 0
    return next((place for place, width in enumerate(widths[:MOST_TITLES]) if width == usual), 0)


def _whole(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """R names its rows in a column without a header."""
    return ["row", *header] if rows and all(len(row) == len(header) + 1 for row in rows if row) else list(header)


def columns_of(path: Path, dialect: Dialect, names: Sequence[str], *, numbers: Sequence[str], texts: Sequence[str], progress: Progress) -> dict[str, Any]:
    """The wanted columns: numbers as float64 (NaN where a cell is empty), texts as pandas categoricals. Raises DataError naming row and column."""
    size = path.stat().st_size
    if size > MAX_TABLE_BYTES:
        raise DataError(
            f"Expected a table of at most {MAX_TABLE_BYTES / 1e6:,.0f} MB; {path.name} has {size / 1e6:,.0f} MB. Save it as Parquet, or split it by trial."
        )
    if dialect.delimiter == "spaces":
        return _by_pandas(path, dialect, names, numbers, texts)
    return _by_arrow(path, dialect, names, numbers, texts, progress)


def _decoded(path: Path, known: str | None = None) -> tuple[str, str]:
    """Encoding and first text. Raises DataError for binary content."""
    with open(path, "rb") as file:
        head = file.read(SNIFFED_BYTES)
    encoding = known or next((name for mark, name in _MARKS.items() if head.startswith(mark)), None)
    if encoding is None and b"\0" in head:
        raise DataError(f"Expected text in {path.name}; it is binary. Give it the ending of its format, or save it as CSV (UTF-8).")
    if encoding is None:
        try:
            codecs.getincrementaldecoder("utf-8")().decode(head)
            encoding = "utf-8"
        except UnicodeDecodeError:
            encoding = "cp1252"
    text = codecs.getincrementaldecoder(encoding)("replace").decode(head)
    return encoding, text if len(head) < SNIFFED_BYTES else text.rpartition("\n")[0]


def _delimiter(lines: Sequence[str]) -> str:
    """The one that cuts most of the first lines into the same number of cells, the more the better."""
    sample = [line for line in lines if line.strip()][:100]

    def agreement(name: str) -> tuple[float, int]:
        widths = [len(row) for row in _cells(sample, name)]
        most = max(set(widths), key=widths.count)
        return (widths.count(most) / len(widths) if most > 1 else 0.0, most)

    return max(DELIMITERS, key=agreement)


def _cells(lines: Sequence[str], delimiter: str) -> list[list[str]]:
    if delimiter == "spaces":
        return [_quoted(line) if '"' in line else line.split() for line in lines]
    try:
        return [[cell.strip() for cell in row] for row in csv.reader(lines, delimiter=DELIMITERS[delimiter], skipinitialspace=True)]
    except csv.Error:  # a field longer than any that a table of motion has
        return [line.split(DELIMITERS[delimiter]) for line in lines]


def _quoted(line: str) -> list[str]:
    """Cells apart by spaces, some of them in quotes, as R writes them."""
    try:
        return next(csv.reader([" ".join(line.split())], delimiter=" "), [])
    except csv.Error:
        return line.split()


def is_number(cell: str) -> bool:
    """Whether a cell reads as a number, with either decimal mark."""
    return bool(_NUMBER.fullmatch(cell))


def _is_data(row: Sequence[str]) -> bool:
    """A row with a number in it; names of columns are none."""
    return any(map(is_number, row))


def _decimal_commas(rows: Sequence[Sequence[str]]) -> bool:
    cells = [cell for row in rows[1:] for cell in row if is_number(cell)]
    return any("," in cell for cell in cells) and not any("." in cell for cell in cells)


def _different(names: Sequence[str]) -> list[str]:
    """Columns without a name, or with one that was there already, get one of their own."""
    found: list[str] = []
    for place, name in enumerate(names):
        name = name or f"column {place + 1}"
        found.append(name if name not in found else f"{name} ({place + 1})")
    return found


def _by_arrow(path: Path, dialect: Dialect, names: Sequence[str], numbers: Sequence[str], texts: Sequence[str], progress: Progress) -> dict[str, Any]:
    import pyarrow as pa

    try:
        return _batches(path, dialect, names, numbers, texts, progress, threads=True)
    except pa.ArrowInvalid:
        try:  # once more, row by row, for the number of the row
            return _batches(path, dialect, names, numbers, texts, progress, threads=False)
        except pa.ArrowInvalid as error:
            raise DataError(_explained(path, str(error), dialect, names)) from error
    except UnicodeError as error:
        raise DataError(f"Expected {dialect.encoding} text in {path.name}; byte {getattr(error, 'start', 0):,} is none. Save it as CSV (UTF-8).") from error


def _batches(
    path: Path, dialect: Dialect, names: Sequence[str], numbers: Sequence[str], texts: Sequence[str], progress: Progress, *, threads: bool
) -> dict[str, Any]:
    import pandas as pd
    import pyarrow as pa
    import pyarrow.csv as pacsv

    size = path.stat().st_size
    types = dict.fromkeys(numbers, pa.float64()) | dict.fromkeys(texts, pa.string())
    with open(path, "rb") as raw:
        plain = dialect.encoding in ("utf-8", "utf-8-sig")
        file = raw if plain else _utf8(raw, dialect.encoding)
        for _ in range(dialect.skipped + dialect.header + dialect.ignored):
            file.readline()
        reader = pacsv.open_csv(
            file,
            read_options=pacsv.ReadOptions(column_names=list(names), block_size=BLOCK_BYTES, use_threads=threads),
            parse_options=pacsv.ParseOptions(delimiter=DELIMITERS[dialect.delimiter], newlines_in_values=False),
            convert_options=pacsv.ConvertOptions(
                column_types=types, include_columns=[*numbers, *texts], decimal_point=dialect.decimal, null_values=list(MISSING), strings_can_be_null=True
            ),
        )
        parts: dict[str, list] = {name: [] for name in types}
        for batch in reader:
            for name in numbers:
                parts[name].append(batch.column(name).to_numpy(zero_copy_only=False))
            for name in texts:
                parts[name].append(batch.column(name).dictionary_encode())
            progress(min(raw.tell() / size, 1.0))
    found: dict[str, Any] = {name: np.concatenate(parts[name]) if parts[name] else np.empty(0) for name in numbers}
    for name in texts:
        found[name] = pa.chunked_array(parts[name], type=pa.dictionary(pa.int32(), pa.string())).to_pandas() if parts[name] else pd.Series([], dtype="category")
    return found


def _utf8(raw: io.BufferedIOBase, encoding: str) -> codecs.StreamRecoder:
    """The same text as UTF-8, recoded on the way."""
    return codecs.EncodedFile(raw, "utf-8", encoding)


def _by_pandas(path: Path, dialect: Dialect, names: Sequence[str], numbers: Sequence[str], texts: Sequence[str]) -> dict[str, Any]:
    import pandas as pd

    try:
        table = pd.read_csv(
            path, sep=r"\s+", names=list(names), usecols=[*numbers, *texts], dtype=dict.fromkeys((*numbers, *texts), str), encoding=dialect.encoding,
            skiprows=dialect.skipped + dialect.header + dialect.ignored, na_values=list(MISSING), keep_default_na=False, index_col=False,
        )  # fmt: skip
    except (ValueError, UnicodeError) as error:  # a ParserError is a ValueError
        raise DataError(f"Expected rows of {len(names)} cells in {path.name}; {str(error).strip()}. Mend or delete what is different.") from error
    found = {name: _numbers(path, table[name].str.replace(dialect.decimal, "."), name, first=dialect.skipped + dialect.header + 1) for name in numbers}
    return found | {name: table[name].astype("category") for name in texts}


def _numbers(path: Path, cells: Any, name: str, *, first: int) -> np.ndarray:
    import pandas as pd

    numbers = pd.to_numeric(cells, errors="coerce")
    wrong = np.flatnonzero(numbers.isna() & cells.notna())
    if len(wrong):
        raise DataError(
            f"Expected numbers in column `{name}` of {path.name}; found {str(cells.iloc[wrong[0]])[:40]!r} in row {wrong[0] + first}. Mend it, or choose another column{_WHO}."
        )
    return numbers.to_numpy(float)


def _explained(path: Path, message: str, dialect: Dialect, names: Sequence[str]) -> str:
    """Arrow's complaints in our words, with the row as a text editor counts it."""
    above = dialect.skipped + dialect.header + dialect.ignored
    row = re.search(r"[Rr]ow #(\d+)", message)
    where = f" in row {int(row[1]) + above}" if row else ""
    if message.count('"') % 2:
        return f"Expected quotation marks in pairs in {path.name}; found one{where or ' in it'} that is never closed. Close it, or delete it."
    if ragged := re.search(r"Expected (\d+) columns, got (\d+)", message):
        return (
            f"Expected {ragged[1]} cells in each row of {path.name}; found {ragged[2]}{where}. Mend or delete that row, or choose another delimiter than the "
            f"{dialect.delimiter}."
        )
    if wrong := re.search(r"In CSV column #(\d+).*invalid value '(.*)'", message, re.DOTALL):
        return (
            f"Expected numbers in column `{names[int(wrong[1])]}` of {path.name}; found {wrong[2][:40]!r}{where}. Mend it, or choose another column"
            f"{' or decimal mark' if ',' in wrong[2] else _WHO}."
        )
    if "Empty CSV" in message:
        return f"Expected rows of numbers below the header of {path.name}; found none. Save or download it again."
    if "UTF8" in message or "utf" in message.lower():
        return f"Expected UTF-8 text in {path.name}{where}; found other bytes. Save it as CSV (UTF-8), or choose its encoding."
    return f"Expected a table in {path.name}; it cannot be read{where} ({message.splitlines()[0][:120]}). Save it again as CSV (UTF-8)."
