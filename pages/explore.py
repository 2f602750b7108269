"""Explore: a trained inference, already moving."""

import streamlit as st

from nri_core.metrics import forecast_error, score_edges, static_error
from ui import samples
from ui.forms import check_choice
from ui.frame import frame, next_step
from ui.player import player

NAMED_RIGHTLY = "Share of ordered pairs named rightly, up to relabelling: nobody told the model which type is which."
AGAINST_NO_MOTION = "Mean squared error of the forecasts, against that of the forecast that nothing moves."

with frame("explore"):
    shown = samples.sample()
    count = shown.trajectories.num_sims
    stage, numbers = st.container(), st.container(horizontal=True, vertical_alignment="bottom", gap="medium")

    with numbers:
        check_choice("System", "system", range(1, count + 1), start=1)
        unseen = f"{count} systems that the model never saw in training."
        system = st.slider("System", 1, count, 1, key="system", bind="query-params", width=260, help=unseen) - 1
        score = score_edges(shown.posterior, shown.trajectories)
        ahead = min(10, shown.forecast.num_steps)
        ours, still = (error(shown.forecast, shown.trajectories).mean(0)[ahead - 1] for error in (forecast_error, static_error))
        for label, value, meaning in (
            ("This system", f"{100 * score.accuracy_by_sim[system]:.0f} % right", NAMED_RIGHTLY),
            (f"All {count} systems", f"{100 * score.accuracy:.1f} % right", "The same share over all systems shown here."),
            (f"Error {ahead} frames ahead, against no motion", f"{float(f'{still / ours:.2g}'):,.0f}× smaller", AGAINST_NO_MOTION),
        ):
            st.metric(label, value, help=meaning, width="content")

    with stage:
        st.caption("Invisible springs join some of these particles. A model that watched only their motion inferred which.")
        player(shown.trajectories, key="explore", sim=system, posterior=shown.posterior, forecast=shown.forecast, height=480)

    with st.container(horizontal=True):
        next_step("simulate", "Make your own system")
        next_step("train", "Train a model and watch the graph form")
        next_step("compare", "Hold inferred against true")
