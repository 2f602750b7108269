"""DeepLabCut's .h5 as pandas and PyTables write it, from h5py alone."""

import pickle
from pathlib import Path

import numpy as np


def write_deeplabcut(path: Path, names: list[tuple[str, ...]], values: np.ndarray, *, kind: bytes | None = None) -> None:
    """`names`: of each column, by level. `kind`: another pickle in the place of the names."""
    import h5py

    table = np.zeros(len(values), [("index", "i8"), ("values_block_0", "f8", (values.shape[1],))])
    table["index"], table["values_block_0"] = np.arange(len(values)), values
    levels = ["scorer", *(["individuals"] if len(names[0]) == 4 else []), "bodyparts", "coords"]
    with h5py.File(path, "w") as file:
        group = file.create_group("df_with_missing")
        group["table"] = table
        group.attrs["info"] = np.bytes_(pickle.dumps({1: {"names": levels, "type": "MultiIndex"}}, 0))
        group["table"].attrs["values_block_0_kind"] = np.bytes_(pickle.dumps(names, 0) if kind is None else kind)
