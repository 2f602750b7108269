"""Compare: what the model inferred against what is true, system by system."""

import streamlit as st

from ui import state
from ui.forms import check_choice
from ui.frame import STAGE_AND_SIDE, frame
from ui.player import player

WAYS = {"best": "Best way", "encoder": "Encoder alone"}

with frame("compare"):
    from nri_core.metrics import forecast_error, score_edges, static_error
    from ui import comparison, results  # torch: only after the menu has painted

    model = state.model()
    whole = state.dataset()
    data = results.comparable(whole.trajectories)
    checkpoint = results.checkpoint(model.folder)
    checkpoint.check(data)

    stage, side = st.columns(STAGE_AND_SIDE, gap="medium")
    with side:
        check_choice("Read the graph", "by", WAYS.values(), start=WAYS["best"])
        way = st.segmented_control(
            "Read the graph",
            WAYS,
            default="best",
            required=True,
            format_func=WAYS.get,
            key="by",
            bind="query-params",
            help="The encoder reads the graph off the motion at once. The best way asks the decoder, the network that predicts the motion, "
            "under which graph it predicts best.",
        )
    inference = results.inference(checkpoint, way)
    start = results.forecast_start(checkpoint, data)
    with stage:
        part = "" if data is whole.trajectories else f" The first {data.num_sims:,} of {whole.trajectories.num_sims:,} systems."
        truth = "" if data.edge_types is None else ", beside the truth"
        st.caption(f"What “{model.name}” made of “{whole.name}”{truth}.{part}")
        posterior = results.inferred(model.folder, data, inference)
        forecast = results.forecast(model.folder, data, inference, start=start)
    score = score_edges(posterior, data)
    model_error, still_error = forecast_error(forecast, data), static_error(forecast, data)
    named = posterior if score is None else posterior.relabelled(score.relabelling, data.edge_type_names)

    with side:
        system = comparison.choose_system(score, model_error)
    with stage:
        player(data, key="compare", sim=system, posterior=named, forecast=forecast)

    comparison.show_score(score, system, posterior, data)
    comparison.show_matrices(system, named, data)
    comparison.show_forecast(system, model_error, still_error, start=start)
