"""The parts of Compare: its views, the numbers, the matrices, calibration and the forecast's error."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import streamlit as st
from jaxtyping import Float

from nri_core.metrics import EdgeScore, calibration, static_error
from nri_core.posterior import EdgePosterior, PosteriorOverTime
from nri_core.trajectories import Trajectories
from ui import figures
from ui.caveats import warn
from ui.choices import Chosen
from ui.controls import bound, truth_hidden
from ui.forms import choose_one
from ui.names import literal
from ui.readings import Reader, Reading, over_time
from ui.state import Dataset

ONE, SEVERAL, ALL, NEEDS = VIEWS = ("One system", "Several readers", "All systems", "How much does it need?")
RANKING = "Chance that a pair with an interaction ranks above one without (where all pairs have one: of the second kind above the first). 0.5 is guessing, 1 is perfect."
_BY_BEST_NAME = "No one told the model what its types are called, so a type counts under the name that fits it best (“up to relabelling”); only one that sends nothing is “none” whatever fits."
_OVER_TIME = "The graph is read again for every window of the recording, each as long as those the model learned from. Pairs that change most lie over the time line."

Errors = Float[np.ndarray, "sim horizon"]


def introduce(chosen: Chosen, dataset: Dataset, data: Trajectories) -> None:
    """One sentence on who read what, and what to know about it."""
    part = "" if data.num_sims == dataset.trajectories.num_sims else f" The first {data.num_sims:,} of {dataset.trajectories.num_sims:,} systems."
    truth = "" if data.edge_types is None else ", beside the truth"
    st.caption(f"What “{literal(chosen.name)}” made of “{literal(dataset.name)}”{truth}.{part} {chosen.about}".strip())
    warn(chosen.caveats)


def choose_view() -> str:
    """One of `VIEWS`: what the page is about."""
    return choose_one("View", "show", VIEWS, start=ONE, known_as="View of the page", label_visibility="collapsed")


def choose_time(reader: Reader, data: Trajectories, system: int, call: Callable[[EdgePosterior], EdgePosterior]) -> PosteriorOverTime | None:
    """The system's graph from window to window, if that is asked for and there is more than one window."""
    if reader.over_time is None or not st.toggle("Graph over time", **bound("over_time", "Graph over time"), help=_OVER_TIME):
        return None
    found = over_time(reader, data, system)
    return replace(found, windows=tuple(call(window) for window in found.windows))


def show_score(score: EdgeScore | None, system: int, posterior: EdgePosterior, data: Trajectories, meanings: Mapping[str, str]) -> None:
    """Share right and what it is worth, and which type was taken for which; or why there is none, and what the types do."""
    if score is None:
        does = ", ".join(f"{name}: **{meaning}**" for name, meaning in meanings.items() if name != "none")
        if does:
            st.caption(f"Edge types by what they do to the forecast: {does}.")
        if not truth_hidden():
            st.caption("Accuracy and the true matrix need a known graph: add one under Your data, to the file.")
        return
    types = len(data.edge_type_names)
    ranking = f"{score.auroc:.4f}" if score.auroc is not None else "not defined" if types == 2 else f"for two types, not {types}"
    metrics = (
        ("This system", f"{100 * score.accuracy_by_sim[system]:.1f} % right", f"Share of ordered pairs inferred rightly. {_BY_BEST_NAME}"),
        *([(f"All {data.num_sims:,} systems", f"{100 * score.accuracy:.1f} % right", f"The same share over all of them. {_BY_BEST_NAME}")] if data.num_sims > 1 else []),
        (f"Always “{data.edge_type_names[score.commonest]}”", f"{100 * score.commonest_share:.1f} % right",
         "What it would get right to name every pair by the commonest type: the share to beat."),
        ("Ranking (AUROC)", ranking, RANKING),
    )
    with st.container(horizontal=True, gap="large"):
        for label, value, meaning in metrics:
            st.metric(label, value, help=meaning, width="content")
    st.caption(relabelling_in_words(score, posterior, data.edge_type_names), help=_BY_BEST_NAME)


def relabelling_in_words(score: EdgeScore, posterior: EdgePosterior, true: Sequence[str]) -> str:
    """Which true type each inferred type was taken for, of those that any pair is believed to have."""
    met = np.bincount(posterior.edge_types[:, ~np.eye(len(posterior.node_names), dtype=bool)].ravel(), minlength=len(score.relabelling))
    pairs = zip(posterior.edge_type_names, (true[kind] for kind in score.relabelling), met, strict=True)
    matched = [f"{name} matches **{name_there}**" for name, name_there, count in pairs if name != name_there and count]
    if not matched:
        return "The types go by their true names."
    words = f"Best-fitting names: {', '.join(matched)}."
    if score.accuracy_raw == score.accuracy:
        return words
    return f"{words} With the types as they are numbered it would be {100 * score.accuracy_raw:.1f} %."


def show_details(system: int, named: EdgePosterior, reading: Reading, data: Trajectories, errors: Errors | None, *, start: int) -> None:
    """Of one system: matrices and forecast, one at a time, so that the page stays short."""
    titles = ["Matrices", *(["Forecast error"] if errors is not None else [])]
    tabs = dict(zip(titles, st.tabs(titles), strict=True))
    with tabs["Matrices"]:
        _show_matrices(system, named, data)
    if errors is not None:
        with tabs["Forecast error"]:
            _show_forecast(system, errors, static_error(reading.forecast, data), start=start)


def show_calibration(reading: Reading, data: Trajectories) -> None:
    """Of all systems: whether a probability means what it says; nothing where the truth is unknown."""
    reliability = calibration(reading.posterior, data)
    if reliability is None:
        return
    st.plotly_chart(figures.reliability(reliability), key="calibration", config=figures.PLAIN, alt="Share of pairs right against how sure the reader was")
    st.caption(
        f"Each point holds the pairs of which the reader was about equally sure, {int(reliability.pairs.sum()):,} in all. Of pairs named with 80 % certainty, 80 % should be "
        f"right: points on the dotted line. Below it, the reader is too sure; above it, not sure enough. On average it is off by "
        f"**{100 * reliability.error:.2f} percentage points** (ECE).",
        help="ECE, the expected calibration error: the gap between certainty and share right in each of ten bins, weighted by its pairs.",
    )


def _show_matrices(system: int, posterior: EdgePosterior, data: Trajectories) -> None:
    """The true and the inferred matrix beside each other, [receiver, sender]."""
    left, right = st.columns(2) if data.edge_types is not None else (None, st.container())
    if data.edge_types is not None:
        true = data.edge_types[system] if data.edge_types.ndim == 3 else data.edge_types[system, 0]
        figure = figures.true_matrix(true, data.edge_type_names, data.node_names)
        left.plotly_chart(figure, key="true matrix", config=figures.PLAIN, alt=f"True edge types of system {system + 1}")
    figure = figures.inferred_matrix(posterior.edge_probs[system], posterior.edge_type_names, posterior.node_names)
    right.plotly_chart(figure, key="inferred matrix", config=figures.PLAIN, alt=f"Inferred edge types of system {system + 1}")
    st.caption(
        "Each cell is the edge type of one ordered pair: how the sender (column) acts on the receiver (row). "
        "A number is the probability of that type, where it is not certain.",
        help="An edge type is a kind of interaction, “none” included. The paper calls the ends of an edge receiver and sender.",
    )


def _show_forecast(system: int, model: Errors, still: Errors, *, start: int) -> None:
    """Error by horizon of this system and of all, against the forecast that nothing moves."""
    figure = figures.errors_by_horizon(model[system], model, still, system=system + 1)
    st.plotly_chart(figure, key="errors", config=figures.PLAIN, alt="Forecast error against frames ahead, on a logarithmic scale")
    seen = model[:, ~np.isnan(model).all(0)]
    lifted = len(model) > 1 and np.mean(np.nanmean(seen, axis=0) > 1.5 * np.nanmedian(seen, axis=0)) > 0.5
    st.caption(
        f"From frame {start} on, the model runs on its own predictions.{' A few systems with large errors lift the mean above the median.' * bool(lifted)}",
        help="This free run is called a rollout. Units: each kind of feature scaled to [−1, 1] by the training data.",
    )
