"""Inferred graphs for other programs. Edges point from the sender (source) to the receiver (target) it acts on.

Every ordered pair is written, with the probability of each edge type, the name of the most probable one, and as weight
the probability that there is any interaction: filter by `edge_type` or `weight` for the graph itself.
"""

from collections.abc import Callable
from pathlib import Path

from nri_core.errors import DataError
from nri_core.exporters.graphs import write_gexf, write_graphml, write_json
from nri_core.exporters.tables import write_csv, write_npz
from nri_core.posterior import EdgePosterior

EXPORTERS: dict[str, Callable[[EdgePosterior, range, Path], None]] = {
    "npz": write_npz,
    "csv": write_csv,
    "json": write_json,
    "graphml": write_graphml,
    "gexf": write_gexf,
}
SINGLE = ("graphml", "gexf")  # hold one graph


def write_graph(posterior: EdgePosterior, path: Path, *, sim: int | None = None) -> range:
    """Write in the format that the file name ends in: all simulations, or one. GraphML and GEXF hold one: the first, unless `sim` is given.

    Returns the simulations that were written.
    Raises DataError for another ending, for a simulation that is not there, and for node names that are not all different.
    """
    path, count = Path(path), len(posterior.edge_probs)
    form = check_destination(path)
    if sim is not None and not 0 <= sim < count:
        raise DataError(f"Expected a simulation from 0 to {count - 1}; found {sim}.")
    if len(set(posterior.node_names)) < len(posterior.node_names):
        raise DataError("Expected node names that are all different; some occur twice. Rename them in the data.")
    first = 0 if sim is None else sim
    sims = range(first, count if sim is None and form not in SINGLE else first + 1)
    EXPORTERS[form](posterior, sims, path)
    return sims


def check_destination(path: Path) -> str:
    """The format that a file name asks for. Raises DataError if there is none."""
    form = path.suffix.lower().removeprefix(".")
    if form not in EXPORTERS:
        raise DataError(f"Expected a file name ending in .{', .'.join(EXPORTERS)}; found {path.name!r}.")
    return form
