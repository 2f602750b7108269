"""Graphs, trajectories and views for other programs. Edges point from the sender (source) to the receiver (target) it acts on.

Every ordered pair is written, with the probability of each edge type, the name of the most probable one, as weight the
probability that there is any interaction, and whether that reaches the threshold: filter by these for the graph itself.
"""

from collections.abc import Callable, Collection
from pathlib import Path

from nri_core.errors import DataError
from nri_core.exporters.graphs import check_graph, write_gexf, write_graphml, write_json
from nri_core.exporters.motion import write_arrays, write_parquet, write_table
from nri_core.exporters.names import writable
from nri_core.exporters.tables import THRESHOLD, write_adjacency, write_csv, write_npz
from nri_core.exporters.views import View, write_gif, write_html, write_png, write_svg
from nri_core.posterior import EdgePosterior
from nri_core.trajectories import Trajectories

EXPORTERS: dict[str, Callable[[EdgePosterior, range, Path, float], None]] = {
    "adjacency.csv": write_adjacency,
    "npz": write_npz,
    "csv": write_csv,
    "json": write_json,
    "graphml": write_graphml,
    "gexf": write_gexf,
}
SINGLE = ("graphml", "gexf", "adjacency.csv")  # hold one graph
MOTIONS: dict[str, Callable[[Trajectories, Path], None]] = {"npz": write_arrays, "csv": write_table, "parquet": write_parquet}
VIEWS: dict[str, Callable[[View, Path], None]] = {"html": write_html, "svg": write_svg, "png": write_png, "gif": write_gif}


def write_graph(posterior: EdgePosterior, path: Path, *, sim: int | None = None, threshold: float = THRESHOLD) -> range:
    """Write in the format that the file name ends in: all simulations, or one. GraphML, GEXF and a matrix hold one: the first, unless `sim` is given.

    Returns the simulations that were written.
    Raises DataError for another ending, for a simulation that is not there, and for node names that are not all different.
    """
    path, count, posterior = Path(path), len(posterior.edge_probs), writable(posterior)
    form = check_destination(path)
    check_graph(posterior, sim)
    first = 0 if sim is None else sim
    sims = range(first, count if sim is None and form not in SINGLE else first + 1)
    EXPORTERS[form](posterior, sims, path, threshold)
    return sims


def check_destination(path: Path, forms: Collection[str] = tuple(EXPORTERS)) -> str:
    """The format that a file name asks for. Raises DataError if there is none."""
    form = next((form for form in forms if path.name.lower().endswith(f".{form}")), None)
    if form is None:
        raise DataError(f"Expected a file name ending in .{', .'.join(forms)}; found {path.name!r}.")
    return form
