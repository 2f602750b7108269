"""Tensors saved by PyTorch, such as dNRI's: only numbers are taken, no code of the file runs."""

import pickle
import struct
import warnings
import zipfile
from functools import partial
from pathlib import Path
from typing import Any

from nri_core.errors import DataError
from nri_core.importers.array_files import ALONE, ArrayFile
from nri_core.importers.arrays import Array
from nri_core.storage import MAX_ARCHIVE_BYTES, check_unpacked

MAGIC = bytes.fromhex("80028a0a6cfc9c46f9206aa85019")  # before PyTorch 1.6; since then it is a zip
UNREADABLE = (OSError, ValueError, EOFError, KeyError, IndexError, TypeError, AttributeError, AssertionError, RuntimeError, MemoryError)
UNREADABLE += (pickle.UnpicklingError, struct.error, OverflowError, RecursionError, zipfile.BadZipFile)


def _looks(path: Path) -> bool:
    with open(path, "rb") as file:
        if file.read(len(MAGIC)) == MAGIC:
            return True
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith("data.pkl") for name in archive.namelist())
    except UNREADABLE:
        return False


def _headers(path: Path) -> list[Array]:
    """Its tensors, which are read at once: the format has no table of contents."""
    import torch  # the one format that only torch reads; nobody who brings another one waits for it

    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                check_unpacked(archive, path.name)
        elif path.stat().st_size > MAX_ARCHIVE_BYTES:
            raise DataError(f"Expected a file of at most {MAX_ARCHIVE_BYTES / 1e9:.1f} GB; {path.name} has {path.stat().st_size / 1e9:.1f} GB. Split it.")
        with warnings.catch_warnings(action="ignore"):  # of damaged files; what cannot be read raises
            found = _named(torch.load(path, map_location="cpu", weights_only=True))
        dense = {name: one for name, one in found.items() if isinstance(one, torch.Tensor) and one.layout == torch.strided}
        tensors = {name: one.detach().resolve_conj().resolve_neg() for name, one in dense.items()}
        arrays = [(name, (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy()) for name, tensor in tensors.items()]
    except DataError:
        raise
    except UNREADABLE as error:
        why = str(error).splitlines()[0][:150] if str(error) else type(error).__name__
        unsafe = "weights_only" in str(error).lower() or "unsupported global" in str(error).lower()
        reason = "it holds Python objects, which are never loaded, for they could run code" if unsafe else why
        raise DataError(f"Expected tensors saved by PyTorch; {path.name} cannot be read ({reason}). Save the tensors alone, or as .npz.") from error
    return [Array(name, array.shape, array.dtype, partial(_itself, array)) for name, array in arrays]


def _named(found: Any) -> dict[str, Any]:
    if isinstance(found, dict):
        return {str(name): one for name, one in found.items()}
    if isinstance(found, list | tuple):
        return {f"{ALONE} {place + 1}": one for place, one in enumerate(found)}
    return {ALONE: found}


def _itself(array: Any) -> Any:
    return array


TorchFiles = ArrayFile("torch", "PyTorch tensors (dNRI)", (".pt", ".pth"), _looks, _headers, edge_rows="senders")
