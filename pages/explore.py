"""Explore: a trained inference, already moving."""

import streamlit as st

from nri_core.metrics import forecast_error, score_edges, static_error
from ui import samples
from ui.frame import frame, next_step
from ui.player import player

with frame("explore"):
    shown = samples.sample()
    count = shown.trajectories.num_sims
    stage, numbers = st.container(), st.container(horizontal=True, vertical_alignment="bottom", gap="medium")

    with numbers:
        choice = {"key": "system", "bind": "query-params", "help": f"{count} systems that the model never saw in training."}
        system = st.slider("System", 1, count, 1, width=260, **choice) - 1
        score = score_edges(shown.posterior, shown.trajectories)
        ahead = min(10, shown.forecast.num_steps)
        model_error, still_error = (error(shown.forecast, shown.trajectories).mean(0)[ahead - 1] for error in (forecast_error, static_error))
        st.metric(
            "This system",
            f"{100 * score.accuracy_by_sim[system]:.0f} % right",
            help="Share of ordered pairs whose interaction the model names rightly, up to relabelling: nobody told it which type is which.",
            width="content",
        )
        st.metric(f"All {count} systems", f"{100 * score.accuracy:.1f} % right", help="The same share over all systems shown here.", width="content")
        st.metric(
            f"Error {ahead} frames ahead, against no motion",
            f"{still_error / model_error:,.0f}× smaller",
            help="The model's mean squared forecast error over all systems, against that of the forecast that nothing moves.",
            width="content",
        )

    with stage:
        st.caption("Invisible springs join some of these particles. A model that watched only their motion inferred which, and forecasts where they go.")
        player(shown.trajectories, key="explore", sim=system, posterior=shown.posterior, forecast=shown.forecast)

    with st.container(horizontal=True):
        next_step("simulate", "Make your own system")
        next_step("train", "Train a model and watch the graph form")
        next_step("compare", "Hold inferred against true")
