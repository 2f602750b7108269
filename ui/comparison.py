"""The parts of Compare: the list of systems, the numbers, the matrices and the forecast's error."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st
from jaxtyping import Float

from nri_core.metrics import EdgeScore
from nri_core.posterior import EdgePosterior
from nri_core.trajectories import Trajectories
from ui import figures

_PLAIN = {"displayModeBar": False}


def choose_system(score: EdgeScore | None, errors: Float[np.ndarray, "sim horizon"]) -> int:
    """A table of all systems, in order or worst first; the selected one, counted from 0."""
    table = pd.DataFrame({"System": np.arange(1, len(errors) + 1), "Error": errors.mean(1)})
    if score is not None:
        table.insert(1, "Right", 100 * score.accuracy_by_sim)
    worst_first = st.toggle("Worst first", key="worst", bind="query-params")
    if worst_first:
        table = table.sort_values(["Right", "Error"] if score else ["Error"], ascending=[True, False] if score else False, kind="stable")
    chosen = st.dataframe(
        table,
        key=f"systems {worst_first}",  # another order is another table: its first row is the one to see
        hide_index=True,
        height=330,
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


def show_score(score: EdgeScore | None, system: int, model: EdgePosterior, data: Trajectories) -> None:
    """Accuracy up to relabelling, and the relabelling in words; or why there is none."""
    if score is None:
        st.info(
            "The true graph of these data is not known: the page shows the inferred graph and the forecast. "
            "Accuracy and the true matrix need an array `edge_types` in the file.",
            icon=":material/help:",
        )
        return
    auroc = "not defined" if score.auroc is None else f"{score.auroc:.4f}"
    metrics = (
        ("This system", f"{100 * score.accuracy_by_sim[system]:.0f} %", "Share of ordered pairs inferred rightly, up to relabelling."),
        (f"All {data.num_sims:,} systems", f"{100 * score.accuracy:.2f} %", "The same share over all of them."),
        ("AUROC", auroc, "Chance that a pair with an interaction ranks above one without: 0.5 is guessing, 1 is perfect."),
    )
    with st.container(horizontal=True, gap="large"):
        for label, value, meaning in metrics:
            st.metric(label, value, help=meaning, width="content")
    st.caption(relabelling_in_words(score, model.edge_type_names, data.edge_type_names))


def relabelling_in_words(score: EdgeScore, inferred: Sequence[str], true: Sequence[str]) -> str:
    """Which true type each inferred type was taken for."""
    pairs = [f"inferred “{name}” = **{true[kind]}**" for name, kind in zip(inferred, score.relabelling, strict=True)]
    words = f"Nobody told the model what its types are called, so accuracy is up to relabelling: {', '.join(pairs)}."
    if score.accuracy_raw == score.accuracy:
        return words
    return f"{words} With the types as the model numbers them it would be {100 * score.accuracy_raw:.1f} %."


def show_matrices(system: int, posterior: EdgePosterior, data: Trajectories) -> None:
    """The true and the inferred matrix beside each other, [receiver, sender]."""
    left, right = st.columns(2)
    if data.edge_types is not None:
        true = data.edge_types[system] if data.edge_types.ndim == 3 else data.edge_types[system, 0]
        figure = figures.true_matrix(true, data.edge_type_names, data.node_names)
        left.plotly_chart(figure, key="true matrix", config=_PLAIN, alt=f"True edge types of system {system + 1}")
    figure = figures.inferred_matrix(posterior.edge_probs[system], posterior.edge_type_names, posterior.node_names)
    right.plotly_chart(figure, key="inferred matrix", config=_PLAIN, alt=f"Inferred edge types of system {system + 1}")
    st.caption(
        "Each cell is the edge type of one ordered pair: how the sender (column) acts on the receiver (row).",
        help="An edge type is a kind of interaction, “none” included. The paper calls the ends of an edge receiver and sender.",
    )


def show_forecast(system: int, model: Float[np.ndarray, "sim horizon"], still: Float[np.ndarray, "sim horizon"], *, start: int) -> None:
    """Error by horizon of this system and of all, against the forecast that nothing moves."""
    figure = figures.errors_by_horizon(model[system], model.mean(0), still.mean(0), system=system + 1)
    st.plotly_chart(figure, key="errors", config=_PLAIN, alt="Forecast error against frames ahead, on a logarithmic scale")
    st.caption(
        f"From frame {start} on, the model runs on its own predictions.",
        help="This free run is called a rollout. Units: locations and velocities each scaled to [−1, 1] by the training data.",
    )
