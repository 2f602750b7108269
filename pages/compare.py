"""Compare: what a model or a classical method inferred against what is true, system by system."""

import streamlit as st

from nri_core.exporters import View
from ui import screens, share, state
from ui.controls import hidden
from ui.exports import offer_exports
from ui.frame import STAGE_AND_SIDE, frame
from ui.names import literal
from ui.player import player
from ui.seen import choose_by_number

HIGH, LOW = 448, 320  # of the player: alone, and above the gallery

with frame("compare"):
    with st.spinner("Loading what reads graphs"):  # torch
        from ui import browsing, choices, comparison, conclusions, needs, several
        from ui.readings import comparable, readings

    if state.changed("in use, as Compare showed it", state.in_use()):
        state.forget(["show"])  # other data, or another model: first what came of them
    view = comparison.choose_view()
    stage, side = st.columns(STAGE_AND_SIDE, gap="medium")
    with side:
        chosen_data = choices.choose_data()
        data = comparable(chosen_data.trajectories)
        chosen = choices.choose_reader(chosen_data) if view != comparison.SEVERAL else None
        if view != comparison.SEVERAL:
            state.show(chosen_data.name, chosen_data.size, chosen.name if chosen else "none that can read them")
    reads = chosen is not None and view in (comparison.ONE, comparison.ALL)
    shape = {"height": LOW, "compact": True} if view == comparison.ALL else {"height": HIGH}
    with stage:
        if view == comparison.SEVERAL:
            several.show_several(side, chosen_data)
        elif chosen is None:
            st.caption(f"“{literal(chosen_data.name)}”, as it was recorded.")
            player(data, key="compare", **shape)
        elif view == comparison.NEEDS:
            needs.show_needs(side, chosen, chosen_data)
        else:
            comparison.introduce(chosen, chosen_data, data)
            with side:
                system = choose_by_number(data.num_sims)
            known = readings(chosen.reader, data)
            waiting = st.empty()
            if known.slow:
                with waiting.container():
                    player(data, key="waiting", sim=system, **shape)
            first = known.first(system)
            waiting.empty()
            if not known.complete:  # show what there is, then read on
                player(data, key="compare", sim=system, posterior=first.posterior, posterior_sim=0, forecast=first.forecast, forecast_sim=0, **shape)
                known.finish(side)
                st.rerun()

    if reads:
        reading = known.whole
        score, named = known.score, known.call(reading.posterior)
        with side:
            changing = comparison.choose_time(chosen.reader, data, system, known.call)
        share.repeated_by(screens.compared(chosen_data, chosen.reader.source, data, system))
        with stage:
            believed = {"posterior": changing, "posterior_sim": 0} if changing else {"posterior": named}
            player(data, key="compare all" if view == comparison.ALL else "compare", sim=system, forecast=reading.forecast, shared=True, **shape, **believed)
            if view == comparison.ALL:
                browsing.show_gallery(browsing.facts(score, reading, known.errors), named, data, system)
            else:
                title = f"{chosen_data.name}, system {system + 1}, read by {chosen.name}"
                offer_exports(View(data, system, changing or named, 0 if changing else system, reading.forecast, system, title=title), key="compare", name=chosen_data.name)
        comparison.show_score(score, system, reading.posterior, data, known.meanings)
        if score is None and not hidden("truth"):
            conclusions.show_conclusions(chosen.run, data)
        if view == comparison.ALL:
            comparison.show_calibration(reading, data)
        else:
            comparison.show_details(system, named, reading, data, known.errors, start=chosen.start)
