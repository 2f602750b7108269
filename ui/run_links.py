"""Links to runs, where Train shows no run or another one."""

from contextlib import suppress

import streamlit as st

from nri_core.errors import JobError
from nri_core.jobs import Run, open_run
from ui import state
from ui.frame import page
from ui.loading import runs_at_hand
from ui.names import literal, moment

MOST_LISTED = 8
ENDED = {"done": ("green", "Done"), "cancelled": ("orange", "Stopped"), "failed": ("red", "Failed"), "lost": ("red", "Lost")}


def offer_run_under_way() -> None:
    """A link to the newest run of this session that has not ended, where the form is shown instead."""
    for run_id in state.runs():
        with suppress(JobError):
            if open_run(run_id).status().active:
                st.page_link(page("train"), label="Watch the run that is under way", icon=":material/visibility:", query_params={"run": run_id})
                return


def list_runs_at_hand() -> None:
    """A link to each of the newest runs that this user may see."""
    runs = runs_at_hand()
    for run in runs[:MOST_LISTED]:
        st.page_link(page("train"), label=literal(titled(run)), icon=":material/history:", query_params={"run": run.id})
    if not runs:
        st.caption("None yet.")


def titled(run: Run) -> str:
    """A run in a list: its name, when it was submitted, its state."""
    try:
        status = run.status()
        return f"{dated(run)}, {ENDED[status.state][1].lower() if status.state in ENDED else 'paused' if status.paused else status.state}"
    except JobError:
        return f"{run.id[:8]}, cannot be read"


def dated(run: Run) -> str:
    """Its name, and what tells it from others of that name: runs of one dataset share one."""
    return f"{run.name}, training seed {run.config().seed}, {moment(run.stored_status().submitted)}"
