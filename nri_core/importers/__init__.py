"""Files that people bring, as a `Recording`: a reader a format, one line in READERS each."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from nri_core.errors import DataError
from nri_core.importers.acclaim import Acclaim
from nri_core.importers.bvh import Bvh
from nri_core.importers.c3d import C3d
from nri_core.importers.columns import time_unit_of, unit_of_length
from nri_core.importers.contract import Inspection, Preview, Progress, Reader
from nri_core.importers.deeplabcut import DeepLabCut
from nri_core.importers.delimited import TextTable
from nri_core.importers.excel import ExcelTable
from nri_core.importers.hdf5 import Hdf5Files
from nri_core.importers.matlab import MatlabFiles
from nri_core.importers.numpy_files import NumpyFiles
from nri_core.importers.once import parsed_once
from nri_core.importers.own import OwnFile
from nri_core.importers.parquet import ParquetTable
from nri_core.importers.reference import ReferenceFiles
from nri_core.importers.sleap import Sleap
from nri_core.importers.sleap_table import SleapTable
from nri_core.importers.sports import Sports
from nri_core.importers.sportvu import SportVu
from nri_core.importers.torch_files import TorchFiles
from nri_core.importers.trackmate import TrackMate
from nri_core.recording import Recording

READERS: dict[str, Reader] = {  # in the order in which they are asked whether they recognise a file: the particular before the general
    "acclaim": Acclaim(),
    "bvh": Bvh(),
    "c3d": C3d(),
    "sportvu": SportVu(),
    "trackmate": TrackMate(),
    "sports": Sports(),
    "own": OwnFile(),
    "reference": ReferenceFiles(),
    "numpy": NumpyFiles,
    "torch": TorchFiles,
    "matlab": MatlabFiles,
    "sleap": Sleap(),
    "deeplabcut": DeepLabCut(),
    "sleap table": SleapTable(),
    "hdf5": Hdf5Files,
    "parquet": ParquetTable(),
    "excel": ExcelTable(),
    "text table": TextTable(),
}


def recognise(paths: Sequence[Path]) -> str:
    """The name of the format. Raises DataError for files that nothing reads."""
    paths = _present(paths)
    for name, reader in READERS.items():
        if reader.recognises(paths):
            return name
    if len(paths) > 1:
        names = ", ".join(path.name for path in paths[:5])
        raise DataError(f"Expected files that belong together, such as a skeleton and its motions; found {names}. Load them one after another; a known graph comes once its data are read.")
    known = ", ".join(sorted({suffix for reader in READERS.values() for suffix in reader.suffixes}))
    raise DataError(f"Expected a file of motion ({known}); {paths[0].name} is none that can be read. Choose its format, or save it as CSV.")


def inspect(paths: Sequence[Path], *, form: str | None = None, written: Mapping[str, Any] | None = None) -> Inspection:
    """What the files hold, as understood; `written` says how, where that is known: a delimiter, a sheet. Raises DataError."""
    paths = _present(paths)
    reader = reader_of(form or recognise(paths))
    known = {name: value for name, value in (written or {}).items() if name in getattr(reader, "written", ())}
    return reader.inspect(paths, known) if known else reader.inspect(paths)


def read(
    paths: Sequence[Path], *, form: str | None = None, options: Mapping[str, Any] | None = None, progress: Progress = lambda share: None
) -> Recording:
    """The recording in the files; `options` change the guesses of `inspect`. Where it came from is in its metadata under `source`.

    Raises DataError.
    """
    paths = _present(paths)
    form = form or recognise(paths)
    reader = reader_of(form)
    with parsed_once():
        guess = inspect(paths, form=form, written=options)
        try:
            settled = reader.options(**changed(guess.options, options or {}, guess.preview))
        except ValidationError as error:
            first = error.errors()[0]
            raise DataError(f"Expected options of {reader.title}; {'.'.join(map(str, first['loc']))}: {first['msg']}.") from error
        recording = reader.read(paths, settled, progress)
    source = {"files": [path.name for path in paths], "sha256": [_digest(path) for path in paths], "format": form, "options": settled.model_dump(mode="json")}
    return recording.with_trials(recording.trials, metadata=MappingProxyType({**recording.metadata, "source": source}))


def changed(options: Mapping[str, Any], changes: Mapping[str, Any], preview: Preview | None) -> dict[str, Any]:
    """The options with the changes; other columns of time and of places bring their own units, where the changes name none."""
    made = {**options, **changes}
    if "unit" not in changes and made.get("coordinates") != options.get("coordinates"):
        made["unit"] = next(filter(None, (unit_of_length(name, beside=made["coordinates"]) for name in made["coordinates"] or ())), made.get("unit", ""))
    if preview and "time_unit" not in changes and made.get("time") != options.get("time") and made.get("time") in (None, *preview.header):
        made["time_unit"] = time_unit_of(made["time"], preview.header, preview.rows)
    return made


def reader_of(form: str) -> Reader:
    """The reader of a format. Raises DataError for a name that is none."""
    if form not in READERS:
        raise DataError(f"Expected a format of {', '.join(READERS)}; found {form!r}.")
    return READERS[form]


def _present(paths: Sequence[Path]) -> tuple[Path, ...]:
    found = tuple(Path(path) for path in paths)
    for path in found:
        if not path.is_file():
            raise DataError(f"Expected a file at {path}; there is none. Check the path.")
        if path.stat().st_size == 0:
            raise DataError(f"Expected a file of motion; {path.name} is empty. Save or download it again.")
    if not found:
        raise DataError("Expected at least one file; found none.")
    return found


def _digest(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
