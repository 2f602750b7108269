"""Files that are never half-written and archives that are never trusted."""

import io
import json
import os
import secrets
import tokenize
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path
from typing import Any

import numpy as np

from nri_core.errors import DataError, NRIError

CHECKPOINT_FILES = ("config.json", "model.safetensors", "README.md")  # a trained model is a folder of these; the last is for people
MAX_ARCHIVE_BYTES = 2 * 1024**3  # unpacked; 50,000 reference simulations of springs-5 take 0.8 GB
MAX_HEADER_BYTES = 65536
UNREADABLE = (OSError, ValueError, EOFError, KeyError, OverflowError, RuntimeError, MemoryError, SyntaxError, TypeError)  # what damaged arrays raise
UNREADABLE += (tokenize.TokenError, zipfile.BadZipFile, zlib.error)


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """Yield a path beside `path`; it replaces `path` in one step if the block succeeds and vanishes if it fails.

    Raises NRIError when the disk refuses (full, read-only, missing folder).
    """
    path = Path(path)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield beside
            os.replace(beside, path)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise NRIError(f"Could not write {path}: {error.strerror or error}. Free some space or choose another folder.") from error


def write_text(path: Path, text: str) -> None:
    """Replace `path` by `text` (UTF-8) in one step."""
    with writing(path) as beside:
        beside.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Replace `path` by `value` as indented JSON in one step; NaN and infinity become null."""
    write_text(path, json.dumps(_finite(value), indent=2) + "\n")


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


def write_npz(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Replace `path` by an npz of `arrays` in one step. Equal arrays give equal bytes. Motion hardly compresses, so nothing is."""
    with writing(path) as beside, open(beside, "wb") as file:
        np.savez(file, **arrays)


def read_npz(source: Path | BufferedIOBase, *, what: str) -> dict[str, np.ndarray]:
    """Read every array of an npz file without ever unpickling.

    `what` names the expected content in errors. Raises DataError for files that are missing, truncated, not npz,
    pickled, or that unpack to more than MAX_ARCHIVE_BYTES.
    """
    name = getattr(source, "name", source)
    try:
        with zipfile.ZipFile(source) as archive:
            check_unpacked(archive, name)
            return {entry.filename.removesuffix(".npy"): read_member(archive, entry) for entry in archive.infolist()}
    except FileNotFoundError as error:
        raise DataError(f"Expected {what} at {name}; there is no such file. Check the path.") from error
    except DataError:
        raise
    except UNREADABLE as error:
        raise DataError(f"Expected {what} as a NumPy .npz file; {name} cannot be read ({error}). Save or download it again.") from error


def check_unpacked(archive: zipfile.ZipFile, name: object) -> None:
    """Raises DataError for an archive that unpacks to more than MAX_ARCHIVE_BYTES."""
    unpacked = sum(entry.file_size for entry in archive.infolist())
    if unpacked > MAX_ARCHIVE_BYTES:
        raise DataError(f"{name} unpacks to {unpacked / 1e9:.1f} GB; at most {MAX_ARCHIVE_BYTES / 1e9:.1f} GB is read. Split it into smaller files.")


def member_header(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> tuple[tuple[int, ...], np.dtype]:
    """(shape, dtype) of one array of an npz. Raises ValueError for what is none, or shorter than its header says."""
    if not entry.filename.endswith(".npy"):
        raise ValueError(f"it holds {entry.filename!r}, which is not an array")
    with archive.open(entry) as member:
        header = io.BytesIO(member.read(MAX_HEADER_BYTES))
    version = np.lib.format.read_magic(header)
    reader = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = reader(header)
    # A header may promise far more than the archive holds: NumPy would allocate it before reading.
    if not dtype.hasobject and int(np.prod([int(length) for length in shape], dtype=object)) * dtype.itemsize > entry.file_size:
        raise ValueError(f"array {entry.filename!r} is shorter than its header says")
    return shape, dtype


def read_member(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> np.ndarray:
    """One array of an npz. Raises ValueError for one that is pickled or broken."""
    if member_header(archive, entry)[1].hasobject:
        raise ValueError(f"array {entry.filename!r} holds Python objects, which are never loaded")
    with archive.open(entry) as member:
        return np.lib.format.read_array(member, allow_pickle=False)
