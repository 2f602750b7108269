"""Parquet, Feather and Arrow tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nri_core.errors import DataError
from nri_core.importers.contract import Inspection, Options, Progress
from nri_core.importers.tables import TableOptions, frame_columns, frame_start, inspection_of, one_of, recording_of
from nri_core.recording import Recording

MAX_UNPACKED_BYTES = 2 * 1024**3


@dataclass(frozen=True)
class ParquetTable:
    """Parquet, Feather and Arrow files."""

    title: str = "Parquet or Arrow table"
    suffixes: tuple[str, ...] = (".parquet", ".pq", ".feather", ".arrow")
    options: type[Options] = TableOptions
    packages: tuple[str, ...] = ()

    def recognises(self, paths: tuple[Path, ...]) -> bool:
        """By the first bytes."""
        with open(paths[0], "rb") as file:
            return len(paths) == 1 and file.read(6) in (b"PAR1\x15\x04", b"ARROW1") or paths[0].suffix.lower() in self.suffixes

    def inspect(self, paths: tuple[Path, ...]) -> Inspection:
        """From the first rows."""
        return inspection_of("parquet", frame_start(_arrow(one_of(paths), None, first=200)), {}, TableOptions)

    def read(self, paths: tuple[Path, ...], options: TableOptions, progress: Progress) -> Recording:
        """Only the wanted columns."""
        path = one_of(paths)
        names = tuple(_arrow(path, None, first=1).columns)
        return recording_of(path.name, names, options, lambda numbers, texts: frame_columns(path.name, _arrow(path, [*numbers, *texts]), numbers, texts))


def _arrow(path: Path, columns: Sequence[str] | None, *, first: int | None = None) -> Any:
    """A pandas table. Raises DataError."""
    import pyarrow as pa
    import pyarrow.feather as feather
    import pyarrow.parquet as parquet

    try:
        with open(path, "rb") as file:
            is_parquet = file.read(4) == b"PAR1"
        if not is_parquet:
            table = feather.read_table(path, columns=columns)
            return (table.slice(0, first) if first else table).to_pandas()
        opened = parquet.ParquetFile(path)
        unpacked = sum(opened.metadata.row_group(group).total_byte_size for group in range(opened.num_row_groups))
        if unpacked > MAX_UNPACKED_BYTES:
            raise DataError(f"Expected a table of at most 2 GB; {path.name} unpacks to {unpacked / 1e9:.1f} GB. Split it by trial.")
        if first:
            return next(opened.iter_batches(batch_size=first, columns=columns)).to_pandas() if opened.metadata.num_rows else opened.read(columns=columns).to_pandas()
        return opened.read(columns=columns).to_pandas()
    except (pa.ArrowException, OSError, ValueError, KeyError, StopIteration) as error:
        raise DataError(f"Expected a Parquet or Arrow table; {path.name} cannot be read ({str(error).splitlines()[0][:120]}). Save or download it again.") from error
