"""Files of named arrays: one reader for each way to store them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from nri_core.errors import DataError
from nri_core.importers.array_roles import inspection_of
from nri_core.importers.arrays import Array, ArrayOptions, Arrays, recording_of
from nri_core.importers.contract import Inspection, Options, Progress
from nri_core.importers.truth_arrays import Rows
from nri_core.recording import Recording

MOST_ARRAYS = 10_000
ALONE = "array"  # the name of the only array of a file that names none


@dataclass(frozen=True)
class ArrayFile:
    """A way to store arrays.

    form        its name in READERS
    looks       whether the first bytes look like it
    headers     the arrays of one file, none of them read yet; one that has no name is called ALONE. Raises DataError
    edge_rows   whom a row of arrays called edges stands for in such files
    """

    form: str
    title: str
    suffixes: tuple[str, ...]
    looks: Callable[[Path], bool]
    headers: Callable[[Path], list[Array]]
    edge_rows: Rows = "receivers"
    packages: tuple[str, ...] = ()
    options: type[Options] = ArrayOptions

    def recognises(self, paths: tuple[Path, ...]) -> bool:
        """Each by its first bytes, or by its ending."""
        return all(self.looks(path) or path.suffix.lower() in self.suffixes for path in paths)

    def inspect(self, paths: tuple[Path, ...]) -> Inspection:
        """From the headers, and from short lists."""
        return inspection_of(self.form, paths[0].name, self.arrays(paths), rows=self.edge_rows)

    def read(self, paths: tuple[Path, ...], options: ArrayOptions, progress: Progress) -> Recording:
        """Only the wanted arrays."""
        return recording_of(paths[0].name, self.arrays(paths), options, progress)

    def arrays(self, paths: tuple[Path, ...]) -> Arrays:
        """All arrays of all files, by names that differ."""
        found: dict[str, Array] = {}
        for path in paths:
            for array in self.headers(path):
                name = array.name
                if len(paths) > 1 and (name == ALONE or name in found):
                    name = path.stem if name == ALONE else f"{path.stem}/{name}"
                found[name] = Array(name, array.shape, array.dtype, array.load)
        if len(found) > MOST_ARRAYS:
            raise DataError(f"Expected at most {MOST_ARRAYS:,} arrays in {paths[0].name}; found {len(found):,}. Save only those of the motion.")
        return found
