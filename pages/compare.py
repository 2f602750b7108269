"""Compare: what a model or a classical method inferred against what is true, system by system."""

from functools import partial

import streamlit as st

from nri_core.exporters import View
from ui import state
from ui.exports import offer_exports
from ui.frame import STAGE_AND_SIDE, frame
from ui.names import literal
from ui.player import player

with frame("compare"):
    state.recall_model()
    with st.spinner("Loading what reads graphs"):  # torch
        from nri_core.metrics import score_edges
        from ui import choices, comparison, conclusions
        from ui.readings import readings

    stage, side = st.columns(STAGE_AND_SIDE, gap="medium")
    with side:
        chosen_data = choices.choose_data()
        whole = chosen_data.trajectories
        data = choices.comparable(whole)
        chosen = choices.choose_reader(chosen_data)
        state.show(chosen_data.name, chosen_data.size, chosen.name if chosen else "none that can read them")
    with stage:
        if chosen is None:
            st.caption(f"“{literal(chosen_data.name)}”, as it was recorded.")
            player(data, key="compare", height=458)
        else:
            comparison.introduce(chosen, chosen_data, data)
            known = readings(chosen.reader, data)
            waiting = st.empty()
            if known.slow:
                with waiting.container():
                    player(data, key="waiting", height=458)
            first = known.first()
            waiting.empty()
            if not known.complete:  # show what there is, then read on
                player(data, key="compare", posterior=first.posterior, posterior_sim=0, forecast=first.forecast, forecast_sim=0, height=458)
                known.finish(side)
                st.rerun()

    if chosen is not None:
        reading = known.whole
        score = score_edges(reading.posterior, data)
        meanings = known.meanings if score is None else {}
        call = partial(comparison.named, score=score, meanings=meanings, data=data)
        named = call(reading.posterior)
        with side:
            system = comparison.choose_system(score, reading, data)
            changing = comparison.choose_time(chosen.reader, data, system, call)
        with stage:
            believed = {"posterior": changing, "posterior_sim": 0} if changing else {"posterior": named}
            player(data, key="compare", sim=system, forecast=reading.forecast, height=458, **believed)
            title = f"{chosen_data.name}, system {system + 1}, read by {chosen.name}"
            offer_exports(View(data, system, named, system, reading.forecast, system, title=title), key="compare")
        comparison.show_score(score, system, reading.posterior, data, meanings)
        if score is None:
            conclusions.show_conclusions(chosen.run)
        comparison.show_details(system, named, reading, data, start=chosen.start)
