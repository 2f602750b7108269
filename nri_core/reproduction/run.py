"""The whole of it: what is there already, what the budget adds, and the table of both."""

from collections.abc import Callable, Sequence
from pathlib import Path

from nri_core.reproduction.budget import spend
from nri_core.reproduction.cells import cells_of, is_current
from nri_core.reproduction.paper import FEW_TEST_SIMS, SYSTEMS, TEST_SIMS
from nri_core.reproduction.protocol import Bench
from nri_core.reproduction.results import Cell, CellResult, highest_seed, read_result
from nri_core.reproduction.tables import Table, assemble, write_table

SHARE_FOR_DATA = 0.1  # of the budget, to simulate what is trained on
SECONDS_FOR_ALL = 60.0  # a cell with less than this is measured on few test simulations


def reproduce(
    table: str,
    cells: Sequence[Cell],
    *,
    minutes: float,
    folder: Path,
    command: str,
    device: str,
    threads: int,
    report: Callable[[str], None],
) -> tuple[Table, tuple[Path, Path]]:
    """Spend `minutes` on `cells` and write the table of all that `folder` holds, also after Ctrl-C. Raises NRIError where it cannot."""
    seconds = 60 * minutes
    systems = {cell.system for cell in cells}
    test_sims = FEW_TEST_SIMS if seconds / len(cells) < SECONDS_FOR_ALL else TEST_SIMS
    bench = Bench(seconds_for_data=SHARE_FOR_DATA * seconds / len(systems), test_sims=test_sims, device=device, threads=threads)
    try:
        spend(cells, stored(folder, cells), seconds=seconds, folder=folder, work=bench.run, report=report)
    finally:
        known = cells_of(table, SYSTEMS, highest_seed(folder) + 1)
        results = stored(folder, known)
        shown = [cell for cell in known if cell in results or cell in cells]
        made = assemble(table, shown, results, command=command)
        paths = write_table(folder, made)
    return made, paths


def stored(folder: Path, cells: Sequence[Cell]) -> dict[Cell, CellResult]:
    """The results in `folder` that were made with the settings of today."""
    found = ((cell, read_result(folder, cell, is_current=is_current)) for cell in cells)
    return {cell: result for cell, result in found if result}
