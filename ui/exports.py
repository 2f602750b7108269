"""One button for everything that can be taken along: motion, graph, pictures, a film, one HTML file."""

import re
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import streamlit as st

from nri_core.exporters import EXPORTERS, MOTIONS, VIEWS, View, write_graph
from nri_core.exporters.graphs import write_dynamic_gexf
from nri_core.posterior import PosteriorOverTime
from ui.controls import hidden

WORDS = {
    "html": "Web page with the player",
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
    if hidden("export"):
        return
    with st.popover("Export", icon=":material/download:"):
        threshold = st.slider("Pairs count as edges from this probability on", 0.0, 1.0, 0.5, key=f"threshold {key}") if view.posterior is not None else 0.5
        forms: dict[str, Callable[[Path], object]] = {form: _of_view(view, form, threshold) for form in VIEWS}
        forms |= {f"motion {form}": _of_motion(view, form) for form in MOTIONS}
        if view.posterior is not None:
            forms |= {form: graph_writer(view, form, threshold) for form in EXPORTERS}
        chosen = st.selectbox("What", [form for form in WORDS if form in forms], format_func=WORDS.get, key=f"form {key}")
        ending = chosen.removeprefix("motion ")
        whole = chosen.startswith("motion")
        st.caption(f"All {view.data.num_sims} systems." if whole else f"System {view.sim + 1} alone.")
        name = re.sub(r"\W+", "_", name).strip("_") or "nri"
        called = f"{name}_motion" if whole else f"{name}_system_{view.sim + 1}"
        st.download_button("Download", lambda: _made(forms[chosen], ending), file_name=f"{called}.{ending}", on_click="ignore", type="primary", icon=":material/download:")


def _of_view(view: View, form: str, threshold: float) -> Callable[[Path], object]:
    return lambda path: VIEWS[form](View(**{**vars(view), "threshold": threshold}), path)


def _of_motion(view: View, form: str) -> Callable[[Path], object]:
    return lambda path: MOTIONS[form](view.data, path)


def graph_writer(view: View, form: str, threshold: float) -> Callable[[Path], object]:
    """What writes the graph; one that changes as GEXF with time, or in other forms as the one graph that all its windows speak for."""
    believed = view.posterior
    if not isinstance(believed, PosteriorOverTime):
        return lambda path: write_graph(believed, path, sim=view.posterior_sim, threshold=threshold)
    if form == "gexf":
        window = (view.data.num_steps if len(believed.starts) < 2 else believed.starts[-1] - believed.starts[-2])
        return lambda path: write_dynamic_gexf(believed, view.posterior_sim, path, dt=view.data.dt, window=window, threshold=threshold)
    return lambda path: write_graph(believed.combined(), path, sim=view.posterior_sim, threshold=threshold)


def _made(write: Callable[[Path], object], ending: str) -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder, f"export.{ending}")
        write(path)
        return path.read_bytes()
