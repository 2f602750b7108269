"""One button for everything that can be taken along: motion, graph, pictures, a film, one HTML file."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import streamlit as st

from nri_core.exporters import EXPORTERS, MOTIONS, VIEWS, View, write_graph

WORDS = {
    "html": "Web page with the player: opens anywhere, without a network",
    "png": "Picture of the first frame",
    "svg": "Picture as lines, for papers",
    "gif": "Film",
    "motion parquet": "Motion as a Parquet table",
    "motion csv": "Motion as a CSV table",
    "motion npz": "Motion as NumPy arrays",
    "csv": "Graph as an edge list with probabilities",
    "adjacency.csv": "Graph as a matrix",
    "graphml": "Graph for Cytoscape, yEd, igraph",
    "gexf": "Graph for Gephi",
    "json": "Graph as node-link JSON",
    "npz": "Graph as NumPy arrays",
}


def offer_exports(view: View, *, key: str, name: str = "nri") -> None:
    """A popover with a download for each form; a file is made when its button is pressed."""
    with st.popover("Export", icon=":material/download:"):
        threshold = st.slider("Pairs count as edges from this probability on", 0.0, 1.0, 0.5, key=f"threshold {key}") if view.posterior is not None else 0.5
        forms: dict[str, Callable[[Path], object]] = {form: _of_view(view, form, threshold) for form in VIEWS}
        forms |= {f"motion {form}": _of_motion(view, form) for form in MOTIONS}
        if view.posterior is not None:
            forms |= {form: _of_graph(view, form, threshold) for form in EXPORTERS}
        chosen = st.selectbox("What", [form for form in WORDS if form in forms], format_func=WORDS.get, key=f"form {key}")
        ending = chosen.removeprefix("motion ")
        st.download_button("Download", lambda: _made(forms[chosen], ending), file_name=f"{name}.{ending}", on_click="ignore", type="primary", icon=":material/download:")


def _of_view(view: View, form: str, threshold: float) -> Callable[[Path], object]:
    return lambda path: VIEWS[form](View(**{**vars(view), "threshold": threshold}), path)


def _of_motion(view: View, form: str) -> Callable[[Path], object]:
    return lambda path: MOTIONS[form](view.data, path)


def _of_graph(view: View, form: str, threshold: float) -> Callable[[Path], object]:
    return lambda path: write_graph(view.posterior, path, sim=view.posterior_sim, threshold=threshold)


def _made(write: Callable[[Path], object], ending: str) -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder, f"export.{ending}")
        write(path)
        return path.read_bytes()
