"""A training run on the page: its state, its curves, and the graph of one system forming."""

import streamlit as st

from nri_core.errors import JobError
from nri_core.jobs import Run, RunStatus, open_run
from nri_core.metrics import score_edges
from nri_core.posterior import EdgePosterior
from nri_core.trajectories import Trajectories
from ui import figures, state
from ui.frame import STAGE_AND_SIDE, mistakes_shown, page
from ui.loading import runs_at_hand
from ui.player import player

MOST_LISTED = 8
ENDED = {"done": ("green", "Done"), "cancelled": ("orange", "Stopped"), "failed": ("red", "Failed"), "lost": ("red", "Lost")}


def show_run(run_id: str) -> None:
    """Draw the run, anew each second until it ends; then the whole page once more, without a timer."""
    try:
        ended = open_run(run_id).status().state in ENDED
    except JobError as error:
        st.error(str(error), icon=":material/error:")
        st.button("New run", on_click=state.unfollow_run, icon=":material/add:")
        return
    state.follow_run(run_id)
    state.show(*_in_view(open_run(run_id)))
    st.fragment(_live, run_every=None if ended else 1.0)(run_id, ended)


def list_runs_at_hand() -> None:
    """A link to each of the newest runs that this user may see."""
    runs = runs_at_hand()
    for run in runs[:MOST_LISTED]:
        status = run.status()
        when = status.submitted.astimezone()
        label = f"{status.name}, {when.day} {when:%B %H:%M}, {status.state}"
        st.page_link(page("train"), label=label, icon=":material/history:", query_params={"run": run.id})
    if not runs:
        st.caption("None yet.")


def named(posterior: EdgePosterior, data: Trajectories) -> EdgePosterior:
    """The belief with its types called by their true names, where truth is known."""
    score = score_edges(posterior, data)
    return posterior if score is None else posterior.relabelled(score.relabelling, data.edge_type_names)


def _in_view(run: Run) -> tuple[str, str, str]:
    """What the sidebar names while a run is shown: a reload forgets what the session had, and the run knows."""
    name, watched = run.status().name, run.watched()
    return name, f"{watched.num_nodes} nodes · {watched.num_steps} frames", "of this run"


def _live(run_id: str, ended: bool) -> None:
    with mistakes_shown():
        run = open_run(run_id)
        status = run.status()
        if status.state in ENDED and not ended:
            st.rerun()
        stage, side = st.columns(STAGE_AND_SIDE, gap="medium")
        with side:
            _state(run, status)
            _curves(run)
        with stage:
            _forming(run, status)


def _state(run: Run, status: RunStatus) -> None:
    if status.state in ENDED:
        colour, word = ENDED[status.state]
        st.badge(word, color=colour)
    else:
        whole = status.seconds + (status.seconds_left or 0.0)
        st.progress(min(status.seconds / whole, 1.0) if whole else 0.0, text=_time_to_go(status))
        stop = {"icon": ":material/stop_circle:", "width": "stretch", "help": "Ends the training and keeps the model."}
        st.button("Stop", on_click=run.cancel, **stop)
    if status.state in ("failed", "lost"):
        st.error(status.message, icon=":material/error:")
    elif not status.epoch or status.state in ENDED:
        st.caption(status.message)
    keep = {"type": "primary", "width": "stretch", "icon": ":material/check:"}
    if status.state in ENDED and status.checkpoint and st.button("Keep and compare", **keep):
        state.keep_model(f"Trained on {status.name}", status.checkpoint, run=run.id)
        st.switch_page(page("compare"))
    if status.state in ENDED and st.button("New run", width="stretch", icon=":material/add:"):
        state.unfollow_run()
        st.rerun()
    if status.state in ("failed", "lost"):
        st.expander("The end of its log").code(run.log() or "The log is empty.", language=None)


def _time_to_go(status: RunStatus) -> str:
    if status.seconds_left is None:
        return "Starting"
    minutes, seconds = divmod(round(status.seconds_left), 60)
    return f"Epoch {status.epoch} of {status.num_epochs}, " + (f"{minutes} min {seconds} s to go" if minutes else f"{seconds} s to go")


def _forming(run: Run, status: RunStatus) -> None:
    epochs, watched = run.snapshots(), run.watched()
    meaning = "An epoch is the stretch of training between two reports."
    st.caption("The graph of one system, forming: what the model believes after each epoch.", help=meaning)
    screen = st.container()
    epoch = epochs[-1] if epochs else None
    if status.state in ENDED and len(epochs) > 1:
        epoch = st.select_slider("Epoch", epochs, value=epochs[-1], help="Go back to see the graph form again.")
    with screen:
        posterior = named(run.snapshot(epoch), watched) if epoch else None
        note = f"after epoch {epoch}" if epoch else "before the first epoch"
        player(watched, key="forming", posterior=posterior, posterior_sim=0, note=note, height=446)


def _curves(run: Run) -> None:
    records = run.records()
    if not records:
        return
    curves = {"losses": figures.losses(records)}
    if records[-1]["edge_accuracy"] is not None:  # only where the truth is known
        curves = {"accuracies": figures.accuracies(records)} | curves
    for name, figure in curves.items():
        st.plotly_chart(figure, key=name, config={"displayModeBar": False}, alt=f"{figure.layout.title.text} against training time")
