"""How a budget of time is spent on cells, and what a later call does again."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from nri_core.reproduction.results import Cell, CellResult, write_result

FEWEST_SECONDS = 5.0  # of training that a cell is started for
WORTH_AGAIN = 2.0  # a training cut short by its budget runs again for at least this many times as long
SHARE_FOR_MEASURING = 0.2  # of a cell's share, until a cell of the same system has told

Work = Callable[[Cell, float], CellResult]


def spend(
    cells: Sequence[Cell],
    done: dict[Cell, CellResult],
    *,
    seconds: float,
    folder: Path,
    work: Work,
    report: Callable[[str], None],
    clock: Callable[[], float] = time.perf_counter,
) -> dict[Cell, CellResult]:
    """Run the cells that have no result, then those cut short; each gets an equal share of what is left of the time.

    A cell that ends early leaves its time to the others. A training that ended by itself never runs again; one that its
    share cut short runs again once its share is twice as long. A cell that failed is tried again. Each result is written
    as soon as it is there, so that a stop costs one cell.
    """
    ends, results = clock() + seconds, dict(done)
    missing = [cell for cell in cells if cell not in done or done[cell].failure]
    waiting = missing + sorted(
        (cell for cell in cells if cell not in missing and not done[cell].finished), key=lambda cell: done[cell].seconds
    )
    measuring: dict[str, float] = {}  # seconds that a system's last cell took beside its training
    left_out = 0
    for position, cell in enumerate(waiting):
        started = clock()
        left, share = ends - started, (ends - started) / (len(waiting) - position)
        beside = measuring.get(cell.system, SHARE_FOR_MEASURING * share)
        training = min(max(share - beside, FEWEST_SECONDS), left - beside)
        again = cell not in missing
        if training < FEWEST_SECONDS or (again and training < WORTH_AGAIN * done[cell].seconds):
            left_out += 1
            continue
        report(f"{cell.name}: at most {training:.0f} s of training, {left:.0f} s left")
        results[cell] = work(cell, training)
        write_result(folder, results[cell])
        report(f"{cell.name}: {in_words(results[cell])}")
        if results[cell].seconds:
            measuring[cell.system] = clock() - started - results[cell].seconds
    if left_out:
        report(f"{left_out} cells are left for another call with more time")
    return results


def in_words(result: CellResult) -> str:
    """A line for the log."""
    if result.failure:
        return f"failed: {result.failure}"
    accuracy = "" if result.edge_accuracy is None else f"edges {100 * result.edge_accuracy:.1f} % "
    errors = " / ".join(f"{error:.2e}" for error in result.mse.values())
    return f"{accuracy}{errors and 'errors ' + errors}".strip() + f" after {result.seconds:.0f} s"
