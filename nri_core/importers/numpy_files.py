"""NumPy's own files: .npy holds an array, .npz several by name. Nothing is ever unpickled."""

import zipfile
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Shaped

from nri_core.errors import DataError
from nri_core.importers.array_files import ALONE, ArrayFile
from nri_core.importers.arrays import Array
from nri_core.storage import MAX_ARCHIVE_BYTES, MAX_HEADER_BYTES, UNREADABLE, check_unpacked, member_header, read_member


def _looks(path: Path) -> bool:
    with open(path, "rb") as file:
        if file.read(6) == b"\x93NUMPY":
            return True
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except UNREADABLE:
        return False
    return bool(names) and all(name.endswith(".npy") for name in names)


def _headers(path: Path) -> list[Array]:
    try:
        with open(path, "rb") as file:
            alone = file.read(6) == b"\x93NUMPY"
        if alone:
            array = np.load(path, mmap_mode="r", allow_pickle=False, max_header_size=MAX_HEADER_BYTES)  # a map: refuses headers that promise more than there is
            return [Array(ALONE, array.shape, array.dtype, partial(_alone, path))]
        with zipfile.ZipFile(path) as archive:
            check_unpacked(archive, path.name)
            headers = [(entry.filename, *member_header(archive, entry)) for entry in archive.infolist()]
        return [Array(name.removesuffix(".npy"), shape, dtype, partial(_member, path, name)) for name, shape, dtype in headers]
    except DataError:
        raise
    except UNREADABLE as error:
        raise _unreadable(path, error) from error


def _alone(path: Path) -> Shaped[np.ndarray, "..."]:
    if path.stat().st_size > MAX_ARCHIVE_BYTES:
        raise DataError(f"Expected a file of at most {MAX_ARCHIVE_BYTES / 1e9:.1f} GB; {path.name} has {path.stat().st_size / 1e9:.1f} GB. Split it.")
    try:
        return np.load(path, allow_pickle=False, max_header_size=MAX_HEADER_BYTES)
    except UNREADABLE as error:
        raise _unreadable(path, error) from error


def _member(path: Path, entry: str) -> Shaped[np.ndarray, "..."]:
    try:
        with zipfile.ZipFile(path) as archive:
            return read_member(archive, archive.getinfo(entry))
    except UNREADABLE as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> DataError:
    why = str(error).splitlines()[0][:150] if str(error) else type(error).__name__
    if "pickled" in why or "Python objects" in why:
        return DataError(
            f"Expected arrays of numbers; {path.name} holds Python objects (pickled), which are never loaded, for they could run code. "
            "Save the numbers alone: np.save(file, np.asarray(numbers, float))."
        )
    return DataError(f"Expected a NumPy file (.npy or .npz); {path.name} cannot be read ({why}). Save or download it again; text goes by the ending .csv.")


NumpyFiles = ArrayFile("numpy", "NumPy arrays", (".npy", ".npz"), _looks, _headers)
