"""How a budget of time is spent on cells, and what a later call does again."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from nri_core.reproduction.results import Cell, CellResult, write_result

FEWEST_SECONDS = 5.0  # of training that a cell is started for
WORTH_AGAIN = 2.0  # a training cut short by its budget runs again for at least this many times as long
SHARE_FOR_TRAINING = 0.8  # of a cell's share; the rest is for measuring

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
    waiting = missing + sorted((cell for cell in cells if cell not in missing and not done[cell].finished), key=lambda cell: done[cell].seconds)
    for position, cell in enumerate(waiting):
        left = ends - clock()
        share = SHARE_FOR_TRAINING * left / (len(waiting) - position)
        had = results[cell].seconds if cell in results else 0.0
        if left < FEWEST_SECONDS:
            report(f"{len(waiting) - position} cells are left for another call")
            break
        share = max(share, min(FEWEST_SECONDS, left))
        if cell not in missing and share < WORTH_AGAIN * had:
            continue
        report(f"{cell.name}: at most {share:.0f} s of training, {left:.0f} s left")
        results[cell] = work(cell, share)
        write_result(folder, results[cell])
        report(f"{cell.name}: {in_words(results[cell])}")
    return results


def in_words(result: CellResult) -> str:
    """A line for the log."""
    if result.failure:
        return f"failed: {result.failure}"
    accuracy = "" if result.edge_accuracy is None else f"edges {100 * result.edge_accuracy:.1f} % "
    errors = " / ".join(f"{error:.2e}" for error in result.mse.values())
    return f"{accuracy}{errors and 'errors ' + errors}".strip() + f" after {result.seconds:.0f} s"
