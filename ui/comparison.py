"""The parts of Compare: the list of systems, the numbers, the matrices and the forecast's error."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import streamlit as st
from jaxtyping import Float

from nri_core.metrics import Calibration, EdgeScore, calibration, forecast_error, static_error
from nri_core.posterior import EdgePosterior, PosteriorOverTime
from nri_core.trajectories import Trajectories
from ui import figures
from ui.choices import Chosen
from ui.forms import note
from ui.names import literal
from ui.readings import Reader, Reading, over_time
from ui.state import Dataset

_PLAIN = {"displayModeBar": False}
_BY_BEST_NAME = "No one told the model what its types are called, so a type counts under the name that fits it best (“up to relabelling”)."
_OVER_TIME = "The graph is read again for every window of the recording, each as long as those the model learned from. Pairs that change most lie over the time line."

Errors = Float[np.ndarray, "sim horizon"]


def introduce(chosen: Chosen, dataset: Dataset, data: Trajectories) -> None:
    """One sentence on who read what, and what to know about it."""
    part = "" if data.num_sims == dataset.trajectories.num_sims else f" The first {data.num_sims:,} of {dataset.trajectories.num_sims:,} systems."
    truth = "" if data.edge_types is None else ", beside the truth"
    st.caption(f"What “{literal(chosen.name)}” made of “{literal(dataset.name)}”{truth}.{part} {chosen.about}".strip())
    if chosen.caveats:
        note("orange", "info", " ".join(chosen.caveats))


def choose_system(score: EdgeScore | None, reading: Reading, data: Trajectories) -> int:
    """A table of all systems, in order or worst first; the selected one, counted from 0."""
    table = pd.DataFrame({"System": np.arange(1, data.num_sims + 1)})
    if score is not None:
        table["Right"] = 100 * score.accuracy_by_sim
    if reading.forecast is not None:
        table["Error"] = np.ma.masked_invalid(forecast_error(reading.forecast, data)).mean(1).filled(np.nan)
    place, below = st.container(), st.container()
    worst_first = below.toggle("Worst first", key="worst", bind="query-params", disabled=len(table.columns) == 1)
    if worst_first and len(table.columns) > 1:
        table = table.sort_values(list(table.columns[1:]), ascending=[name == "Right" for name in table.columns[1:]], kind="stable")
    chosen = place.dataframe(
        table,
        key=f"systems {worst_first}",  # another order is another table: its first row is the one to see
        hide_index=True,
        height=212,
        on_select="rerun",
        selection_mode="single-row",
        selection_default={"selection": {"rows": [0]}},
        column_config={
            "System": st.column_config.NumberColumn("Nr", width=44),
            "Right": st.column_config.NumberColumn("Right", format="%d %%", width=56, help="Share of pairs inferred rightly"),
            "Error": st.column_config.NumberColumn("Error", format="%.0e", width=62, help="Mean squared forecast error, scaled units"),
        },
        alt="Accuracy and forecast error of each system",
    )
    rows = [row for row in chosen.selection.rows if row < len(table)]
    return int(table["System"].iloc[rows[0] if rows else 0]) - 1


def named(posterior: EdgePosterior, score: EdgeScore | None, meanings: Mapping[str, str], data: Trajectories) -> EdgePosterior:
    """The belief with its types called by the truth's names that fit best; without a truth by what they do."""
    return named_by_what_they_do(posterior, meanings) if score is None else posterior.relabelled(score.relabelling, data.edge_type_names)


def choose_time(reader: Reader, data: Trajectories, system: int, call: Callable[[EdgePosterior], EdgePosterior]) -> PosteriorOverTime | None:
    """The system's graph from window to window, if that is asked for and there is more than one window."""
    if reader.over_time is None or not st.toggle("Graph over time", key="over_time", bind="query-params", help=_OVER_TIME):
        return None
    found = over_time(reader, data, system)
    return replace(found, windows=tuple(call(window) for window in found.windows))


def named_by_what_they_do(posterior: EdgePosterior, meanings: Mapping[str, str]) -> EdgePosterior:
    """The belief with its types called by their effect, each with its own name; one without effect is no edge."""
    names = [name if name == "none" else meanings.get(name, name) for name in posterior.edge_type_names]
    names = ["none" if name == "no effect" and "none" not in names else name for name in names]
    distinct = [f"{name} ({kind})" if names.count(name) > 1 else name for kind, name in enumerate(names)]
    return posterior.relabelled(tuple(range(len(names))), tuple(distinct))


def show_score(score: EdgeScore | None, system: int, posterior: EdgePosterior, data: Trajectories, meanings: Mapping[str, str]) -> None:
    """Share right and what it is worth, and which type was taken for which; or why there is none, and what the types do."""
    if score is None:
        does = ", ".join(f"{name}: **{meaning}**" for name, meaning in meanings.items() if name != "none")
        if does:
            st.caption(f"Edge types by what they do to the forecast: {does}.")
        st.caption("The page shows the inferred graph and the forecast. Accuracy and the true matrix need a known graph: add one under Your data.")
        return
    ranking = "not defined" if score.auroc is None else f"{score.auroc:.4f}"
    metrics = (
        ("This system", f"{100 * score.accuracy_by_sim[system]:.0f} % right", f"Share of ordered pairs inferred rightly. {_BY_BEST_NAME}"),
        (f"All {data.num_sims:,} systems", f"{100 * score.accuracy:.2f} % right", f"The same share over all of them. {_BY_BEST_NAME}"),
        (f"Always “{data.edge_type_names[score.commonest]}”", f"{100 * score.commonest_share:.1f} % right",
         "What it would get right to name every pair by the commonest type: the share to beat."),
        ("Ranking (AUROC)", ranking, "Chance that a pair with an interaction ranks above one without: 0.5 is guessing, 1 is perfect."),
    )
    with st.container(horizontal=True, gap="large"):
        for label, value, meaning in metrics:
            st.metric(label, value, help=meaning, width="content")
    st.caption(relabelling_in_words(score, posterior.edge_type_names, data.edge_type_names), help=_BY_BEST_NAME)


def relabelling_in_words(score: EdgeScore, inferred: Sequence[str], true: Sequence[str]) -> str:
    """Which true type each inferred type was taken for."""
    pairs = zip(inferred, (true[kind] for kind in score.relabelling), strict=True)
    matched = [f"{name} matches **{name_there}**" for name, name_there in pairs if name != name_there]
    if not matched:
        return "The types go by their true names."
    words = f"Best-fitting names: {', '.join(matched)}."
    if score.accuracy_raw == score.accuracy:
        return words
    return f"{words} With the types as they are numbered it would be {100 * score.accuracy_raw:.1f} %."


def show_details(system: int, named: EdgePosterior, reading: Reading, data: Trajectories, *, start: int) -> None:
    """Matrices and forecast, one at a time: the page stays short."""
    reliability = calibration(reading.posterior, data)
    titles = ["Matrices", *(["Calibration"] if reliability else []), *(["Forecast error"] if reading.forecast is not None else [])]
    tabs = dict(zip(titles, st.tabs(titles), strict=True))
    with tabs["Matrices"]:
        _show_matrices(system, named, data)
    if reliability:
        with tabs["Calibration"]:
            _show_calibration(reliability)
    if reading.forecast is not None:
        with tabs["Forecast error"]:
            _show_forecast(system, forecast_error(reading.forecast, data), static_error(reading.forecast, data), start=start)


def _show_matrices(system: int, posterior: EdgePosterior, data: Trajectories) -> None:
    """The true and the inferred matrix beside each other, [receiver, sender]."""
    left, right = st.columns(2)
    if data.edge_types is not None:
        true = data.edge_types[system] if data.edge_types.ndim == 3 else data.edge_types[system, 0]
        figure = figures.true_matrix(true, data.edge_type_names, data.node_names)
        left.plotly_chart(figure, key="true matrix", config=_PLAIN, alt=f"True edge types of system {system + 1}")
    figure = figures.inferred_matrix(posterior.edge_probs[system], posterior.edge_type_names, posterior.node_names)
    right.plotly_chart(figure, key="inferred matrix", config=_PLAIN, alt=f"Inferred edge types of system {system + 1}")
    st.caption(
        "Each cell is the edge type of one ordered pair: how the sender (column) acts on the receiver (row). "
        "A number is the probability of that type, where it is not certain.",
        help="An edge type is a kind of interaction, “none” included. The paper calls the ends of an edge receiver and sender.",
    )


def _show_calibration(reliability: Calibration) -> None:
    """Whether a probability means what it says."""
    st.plotly_chart(figures.reliability(reliability), key="calibration", config=_PLAIN, alt="Share of pairs right against how sure the reader was")
    st.caption(
        f"Of the pairs that were named with 80 % certainty, 80 % should be right: points on the line. They are off by "
        f"{100 * reliability.error:.2f} percentage points on average.",
        help="The expected calibration error: the gap in each bin, weighted by its pairs.",
    )


def _show_forecast(system: int, model: Errors, still: Errors, *, start: int) -> None:
    """Error by horizon of this system and of all, against the forecast that nothing moves."""
    figure = figures.errors_by_horizon(model[system], model, still, system=system + 1)
    st.plotly_chart(figure, key="errors", config=_PLAIN, alt="Forecast error against frames ahead, on a logarithmic scale")
    st.caption(
        f"From frame {start} on, the model runs on its own predictions. Few systems with large errors lift the mean above the median.",
        help="This free run is called a rollout. Units: each kind of feature scaled to [−1, 1] by the training data.",
    )
