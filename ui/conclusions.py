"""What can be concluded without the truth, on Compare: a run's further trainings, started, waited for, and put into words."""

import streamlit as st

from nri_core.credibility import Assessment, Conclusion, conclude
from nri_core.jobs import Run, open_run
from nri_core.jobs.comparisons import assessed, further_runs, start_assessment
from nri_core.trajectories import Trajectories
from ui import address, state, visitor
from ui.caveats import tied
from ui.forms import note
from ui.frame import mistakes_shown
from ui.kinds import show_progress

LOOKS = {"yes": ("green", "check_circle"), "no": ("red", "cancel"), "open": ("orange", "help")}
SECONDS_BETWEEN = 3.0
NOT_KNOWN = (
    "The true graph of these data is not known, so nobody can say how many pairs are right. What can be tested: whether the same graph comes out "
    "again, and whether it helps to predict motion that the model never saw."
)


def show_conclusions(run_id: str, data: Trajectories) -> None:
    """On these data, for the model of this run, or, where it is of none, what would have to be done."""
    st.subheader("What can be concluded without the truth", anchor=False)
    st.markdown(NOT_KNOWN)
    if not run_id:
        st.caption("A model that was trained on these data under Train can be tested here; the one in use was not. `python -m nri_core assess` does the same.")
        return
    with mistakes_shown():
        run = open_run(run_id)
        further = further_runs(run)
        active = any(one.status().active for one in further.values())
        if not further:
            _offer(run)
        elif active:
            st.fragment(_wait, run_every=SECONDS_BETWEEN)(run_id)
        else:
            _show(run, further, data)


def _offer(run: Run) -> None:
    seconds = run.stored_status().seconds
    st.caption(f"Four more trainings of this recipe: from another start, on each half of the data, and without any interaction. About {_duration(4 * seconds)}.")
    if st.button("Test this result", type="primary", icon=":material/fact_check:", key=f"assess {run.id}"):
        with st.spinner("Getting the data ready"):
            start_assessment(run, user=visitor.who())
        state.keep_in_address({address.RUN: run.id})
        st.rerun()


def _wait(run_id: str) -> None:
    run = open_run(run_id)
    further = further_runs(run)
    states = {purpose: one.status() for purpose, one in further.items()}
    if not any(status.active for status in states.values()):
        st.rerun()
    show_progress(states)
    if st.button("Stop these trainings", icon=":material/stop:", key=f"stop {run_id}"):
        for one in further.values():
            one.cancel()


def _show(run: Run, further: dict[str, Run], data: Trajectories) -> None:
    models = tuple(str(one.checkpoint_dir) for one in (run, *further.values()) if one.checkpoint_dir)
    with st.spinner("Comparing what the models read of held-out data"):
        found = _assessment(run.id, models)
    for conclusion in conclude(found):
        _say(conclusion)
    for sentence in tied(run.requested().settings.undirected, data):
        _say(Conclusion("open", f"{sentence} None of these trainings tested it."))
    if missing := [purpose for purpose, one in further.items() if one.checkpoint_dir is None]:
        st.caption(f"Without a model: {', '.join(missing)}. Runs tells why.")


def _say(conclusion: Conclusion) -> None:
    colour, icon = LOOKS[conclusion.verdict]
    note(colour, icon, conclusion.sentence)


@st.cache_resource(show_spinner=False, max_entries=8)
def _assessment(run_id: str, models: tuple[str, ...]) -> Assessment:
    return assessed(open_run(run_id))


def _duration(seconds: float) -> str:
    return f"{max(seconds, 1):.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.0f} h"
