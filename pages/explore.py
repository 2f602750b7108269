"""Explore: a trained inference, already moving."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import streamlit as st

from nri_core.exporters import View
from nri_core.metrics import forecast_error, score_edges, static_error
from ui import names, samples, screens, share, state
from ui.controls import hidden, without_hidden_truth
from ui.exports import offer_exports
from ui.frame import frame, next_step
from ui.player import player, room
from ui.seen import choose_system, choose_systems

NAMED_RIGHTLY = (
    "Share of ordered pairs named rightly. Nobody told the model what its types are called, so each counts under the name that fits best "
    "(“up to relabelling”); only one that sends nothing is “none” whatever fits."
)
AGAINST_NO_MOTION = (
    "Squared error of the forecasts against that of the forecast that nothing moves, each the median over the systems shown here. "
    "In the mean, which a few systems may decide, it is {}."
)

HELD_OUT = "These were held out: your model learned from the rest of the data, and read who acts on whom off this motion alone."
READ = "Your model read who acts on whom off this motion alone."
NEVER_SEEN = " that the model never saw in training"
UNKNOWN = "Who truly does is not known."
HEIGHT = 460


def _ratio(ours: float, still: float) -> str:
    factor, word = (still / ours, "smaller") if ours < still else (ours / still, "larger")
    return f"{float(f'{factor:.2g}'):,.10g}× {word}"


def _figures(shown: samples.Sample, system: int, *, cut: bool) -> Iterator[tuple[str, str, str]]:
    """Label, value and meaning of what is known: the truth may not be, and the model may not forecast."""
    score, count = score_edges(shown.posterior, shown.trajectories), shown.trajectories.num_sims
    if score is not None:
        yield "This system", f"{100 * score.accuracy_by_sim[system]:.1f} % right", NAMED_RIGHTLY
        if count > 1:
            yield f"{'First' if cut else 'All'} {count} systems", f"{100 * score.accuracy:.1f} % right", "The same share over all systems shown here."
    if shown.forecast is not None:
        ahead = min(10, shown.forecast.num_steps)
        ours, still = (error(shown.forecast, shown.trajectories)[:, ahead - 1] for error in (forecast_error, static_error))
        seen = ~np.isnan(ours)  # where there was somebody to see
        if not seen.any():
            return
        typical, mean = (_ratio(average(ours[seen]), average(still[seen])) for average in (np.median, np.mean))
        yield f"Typical {ahead}-frame error, against no motion", typical, AGAINST_NO_MOTION.format(mean)


def own_sample() -> samples.Sample:
    """The model in use on systems that it never saw, where its run tells them."""
    with st.spinner("Reading the graphs of systems that were held out"):
        from ui.readings import explored  # torch: the page paints without it otherwise

        return explored(state.model())


with frame("explore"):
    there = (*filter(None, [state.own_systems()]), *samples.names())  # first what one came for
    stage, numbers = room("stage", HEIGHT + 40), st.container(horizontal=True, vertical_alignment="bottom", gap="medium")
    with numbers:
        others = "Kinds of systems, each with the model that was trained on such and never saw these."
        chosen = choose_systems(there, width=180, help=others)
        own = chosen == state.own_systems()
        shown = own_sample() if own else samples.sample(chosen)
        shown = replace(shown, trajectories=without_hidden_truth(shown.trajectories))
        count = shown.trajectories.num_sims
        system = choose_system(count, width=170, help=f"{count} systems{NEVER_SEEN * (chosen != state.OWN)}.")
        screen = screens.explored(chosen, shown, system)
        for label, value, meaning in _figures(shown, system, cut=screen.first is not None):
            st.metric(label, value, help=meaning, width="content")

    if chosen == state.HELD_OUT:
        state.show(chosen, f"{count} system{'s' * (count > 1)}", state.model().name)
    else:
        data, model = (state.dataset(), state.model()) if own else (state.shipped_dataset(chosen), state.shipped_model(chosen))
        state.show(data.name, data.size, model.name)
    with stage:
        law = names.law_of(shown.trajectories.metadata)
        unknown = UNKNOWN * (shown.trajectories.edge_types is None and not hidden("truth"))
        st.caption(f"{HELD_OUT if chosen == state.HELD_OUT else READ} {unknown}" if own else law.watched if law else "A model that watched only this motion inferred who acts on whom.")
        player(shown.trajectories, key="explore", sim=system, posterior=shown.posterior, forecast=shown.forecast, height=HEIGHT, shared=True)

    share.repeated_by(screen)
    with st.container(horizontal=True, vertical_alignment="center"):
        if state.own_dataset() and not state.own_model():
            next_step("compare", "See your own systems", {"on": state.MINE})
        next_step("simulate", "Make your own system")
        next_step("train", "Train a model and watch the graph form")
        next_step("compare", "Compare with the truth" if shown.trajectories.edge_types is not None else "Compare with other readers")
        shown_now = View(shown.trajectories, system, shown.posterior, system, shown.forecast, system, title=f"{state.view().data}, system {system + 1}")
        offer_exports(shown_now, key="explore", name=chosen)
