"""HDF5: every dataset in the file is an array. Links to other files are never followed."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Shaped

from nri_core.errors import DataError
from nri_core.importers.array_files import MOST_ARRAYS, ArrayFile
from nri_core.importers.arrays import Array
from nri_core.importers.once import once

SIGNATURE = b"\x89HDF\r\n\x1a\n"
UNREADABLE = (OSError, ValueError, KeyError, TypeError, RuntimeError, AttributeError, UnicodeDecodeError, MemoryError)


def opened(path: Path) -> Any:
    """An h5py.File. Raises DataError."""
    try:
        import h5py
    except ImportError as error:
        raise DataError(f"{path.name} is HDF5, which needs the package h5py: pip install -r requirements-formats.txt.") from error
    try:
        return h5py.File(path, "r")
    except UNREADABLE as error:
        raise unreadable(path, error) from error


def unreadable(path: Path, error: Exception) -> DataError:
    """What to say of a file that h5py refuses."""
    why = str(error).splitlines()[0][:150] if str(error) else type(error).__name__
    return DataError(f"Expected an HDF5 file; {path.name} cannot be read ({why}). Save or download it again.")


@once
def headers(path: Path) -> list[Array]:
    """Each dataset by its path in the file. Raises DataError."""
    found: list[Array] = []

    def note(place: str | bytes, one: Any) -> bool | None:
        if hasattr(one, "dtype") and one.shape is not None:
            name = place if isinstance(place, str) else place.decode("utf-8", "replace")
            if one.external or one.is_virtual:
                raise DataError(f"Expected the numbers in {path.name} itself; `{name}` lies in another file. Copy them into one file.")
            is_text = one.dtype.kind == "S" or one.dtype.metadata is not None and one.dtype.metadata.get("vlen") in (str, bytes)
            found.append(Array(name, one.shape, np.dtype("U") if is_text else one.dtype, partial(load, path, place)))
        return len(found) > MOST_ARRAYS or None

    try:
        with opened(path) as file:
            file.visititems(note)
    except UNREADABLE as error:
        raise unreadable(path, error) from error
    return found


def load(path: Path, place: str | bytes) -> Shaped[np.ndarray, "..."]:
    """One dataset, texts as str. Raises DataError."""
    try:
        with opened(path) as file:
            dataset = file[place]
            return np.asarray(dataset[()] if dataset.dtype.kind not in "OS" else dataset.asstr(errors="replace")[()])
    except UNREADABLE as error:
        raise unreadable(path, error) from error


def looks(path: Path) -> bool:
    """By its signature, at the beginning or after a block of another program's (MATLAB's has 512 bytes)."""
    with open(path, "rb") as file:
        return file.read(8) == SIGNATURE or (file.seek(512), file.read(8))[1] == SIGNATURE


Hdf5Files = ArrayFile("hdf5", "HDF5", (".h5", ".hdf5", ".hdf"), looks, headers, packages=("h5py",))
