"""MATLAB's .mat files: version 7.3 is HDF5, with all axes reversed; older ones are read by SciPy."""

import zlib
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Shaped

from nri_core.errors import DataError
from nri_core.importers import hdf5
from nri_core.importers.array_files import ArrayFile
from nri_core.importers.arrays import Array

CLASSES = {"double": "f8", "single": "f4", "logical": "?"} | {f"{sign}int{bits}": f"{sign or 'i'}{bits // 8}" for sign in ("u", "") for bits in (8, 16, 32, 64)}
UNREADABLE = (*hdf5.UNREADABLE, IndexError, EOFError, NotImplementedError, AssertionError, zlib.error)


def _looks(path: Path) -> bool:
    with open(path, "rb") as file:
        return file.read(6) == b"MATLAB"


def _headers(path: Path) -> list[Array]:
    if hdf5.looks(path):
        inside = [array for array in hdf5.headers(path) if not array.name.startswith("#")]  # "#refs#": what cells point to
        return [Array(array.name, array.shape[::-1], array.dtype, partial(_reversed, array)) for array in inside]
    found = []
    for name, shape, kind in _answer(path, "whosmat"):
        dtype = np.dtype(CLASSES[kind]) if kind in CLASSES else np.dtype("U" if kind == "char" else "O")
        found.append(Array(name, tuple(shape), dtype, partial(_load, path, name)))
    return found


def _reversed(array: Array) -> Shaped[np.ndarray, "..."]:
    return array.load().T


def _load(path: Path, name: str) -> Shaped[np.ndarray, "..."]:
    return np.asarray(_answer(path, "loadmat", variable_names=[name])[name])


def _answer(path: Path, function: str, **settings: Any) -> Any:
    """What a function of scipy.io says of the file. Raises DataError."""
    try:
        import scipy.io
        from scipy.io.matlab import MatReadError
    except ImportError as error:
        raise DataError(f"{path.name} is of MATLAB, which needs the package scipy: pip install -r requirements-formats.txt.") from error
    try:
        return getattr(scipy.io, function)(path, **settings)
    except (MatReadError, *UNREADABLE) as error:
        why = str(error).splitlines()[0][:150] if str(error) else type(error).__name__
        raise DataError(f"Expected a MATLAB file; {path.name} cannot be read ({why}). Save it again: save('motion.mat', 'positions').") from error


MatlabFiles = ArrayFile("matlab", "MATLAB", (".mat",), _looks, _headers, packages=("scipy", "h5py"))
