"""A training run on the page: its state and what can be done with it, and the graphs of chosen systems forming."""

import plotly.graph_objects as go
import streamlit as st

from nri_core.errors import JobError
from nri_core.jobs import Run, RunStatus, open_run, usage
from nri_core.jobs.repeat import trained
from nri_core.metrics import score_edges
from nri_core.posterior import EdgePosterior
from nri_core.trajectories import Trajectories
from ui import address, curves, figures, recipes, samples, share, state
from ui.controls import bound
from ui.forms import check_choice, choose_one, note
from ui.frame import STAGE_AND_SIDE, carried, mistakes_shown, page, seen_from_top
from ui.keeping import keep_model_of
from ui.loading import FRESH_NAME, numbers_watched, runs_at_hand
from ui.names import sample_title, sentence
from ui.player import player
from ui.run_links import ENDED, dated

STEADILY, SOON = 1.0, 0.25  # seconds between two looks at a run
MOST_BESIDE, MOST_OFFERED = 7, 50
ENDINGS = {1: "st", 2: "nd", 3: "rd"}
STEADY = 25  # epochs; of longer histories the charts wait until there is 1 / 25 more to show, so that one can read them
TERMS = (
    "NLL: how surprised the model is by the motion that came, in nats, constants left out; lower is better. "
    "KL: how far its belief in a graph is from what it expects before it has seen any motion. "
    "Imitation: how far the encoder is from what the decoder finds. "
    "Forecast error: of forecasts that run alone, on some systems that the training does not see (Compare counts all of them), by frames ahead; distances count in "
    "units where the data reach from -1 to 1."
)


def show_run(run_id: str) -> None:
    """Draw the run, anew each second (sooner before the first picture) until it ends; then the whole page once more, without a timer."""
    try:
        run = open_run(run_id)
        seconds = _seconds_between(run, run.status())
    except JobError as error:
        st.error(sentence(str(error)), icon=":material/error:")
        st.button("New run", on_click=state.unfollow_run, icon=":material/add:")
        return
    if address.lost_file():
        _bring_data(run)
        if state.own_dataset() is None:
            address.say_lost()
        else:
            note("gray", "history", "What this run was given is the dataset in use again.")
    state.follow_run(run_id)
    if state.changed("run shown", run_id):
        _from_the_start(run)
    seen_from_top(run_id)
    share.repeated_by(trained(run))
    state.show(*_in_view(run))
    st.fragment(_live, run_every=seconds)(run_id, seconds)


def _seconds_between(run: Run, status: RunStatus) -> float | None:
    """How often to look: soon again while there is no picture yet, and not at all once it has ended."""
    return None if status.state in ENDED else STEADILY if run.snapshots() or status.state == "queued" and not status.device else SOON


def _graph(run: Run, epoch: int, watched: Trajectories, records: curves.Records) -> EdgePosterior:
    """The belief after an epoch. Where truth is known, types go by the names that fit the validation data best then, as in the run's accuracy;
    before the first epoch, and in runs that do not tell them, by those that fit the watched systems."""
    posterior = run.snapshot(epoch)
    if watched.edge_types is None:
        return posterior
    told = next((record.get("valid_relabelling") for record in records if record["epoch"] == epoch), None)
    return posterior.relabelled(tuple(told or score_edges(posterior, watched).relabelling), watched.edge_type_names)


def _in_view(run: Run) -> tuple[str, str, str]:
    """What the sidebar names while a run is shown: a reload forgets what the session had, and the run knows."""
    watched = run.watched()
    return run.data_name, f"{watched.num_nodes} nodes · {watched.num_steps} frames", "of this run"


def _live(run_id: str, every: float | None) -> None:
    with mistakes_shown():
        run = open_run(run_id)
        status = run.status()
        if every != _seconds_between(run, status):
            st.rerun()
        stage, side = st.columns(STAGE_AND_SIDE, gap="medium")
        watched = run.watched()
        every_record = run.records()
        records = _steady(every_record, status)
        known = records[-1]["edge_accuracy"] is not None if records else watched.edge_types is not None
        with side:
            _state(run, status)
            _draw(curves.accuracies(records) if known else curves.losses(records), "first")
            counted = records[-1].get("valid_sims") if known and records else None  # older runs do not tell
            if counted and counted < (whole := _num_held_out(run.id)):
                st.caption(f"Held-out systems counted here, for speed: {counted} of {whole}. Compare counts all of them.")
        with stage:
            _forming(run, status, watched, every_record)
        _more_curves(records, known)
        _beside(run, records)


@st.cache_data(show_spinner=False, max_entries=64)
def _num_held_out(run_id: str) -> int:
    return open_run(run_id).held_out().num_sims


def _steady(records: curves.Records, status: RunStatus) -> curves.Records:
    """The records at hand, or somewhat fewer while it trains: each new point draws a chart anew, and what one points at is lost."""
    spare = len(records) % (len(records) // STEADY + 1)
    return records[: len(records) - spare] if status.state == "running" and not status.paused else records


def _state(run: Run, status: RunStatus) -> None:
    if status.state in ENDED:
        colour, word = ENDED[status.state]
        st.badge(word, color=colour)
    else:
        pausing = ", pausing after this epoch" if run.pause_file.exists() and not status.paused and status.epoch else ""
        st.progress(status.share_done(run.config().max_seconds), text=_time_to_go(status) + pausing)
        _controls(run, status)
    if status.state in ("failed", "lost"):
        st.error(sentence(status.message), icon=":material/error:")
    elif status.state == "queued":
        busy = sum(used.running for used in usage().values())
        st.caption(f"{busy} run{'s train' if busy != 1 else ' trains'} here now. This page may be closed: the run stays in the queue.")
    elif status.state in ENDED:
        st.caption(sentence(status.message))
    elif not status.epoch:
        st.caption("The first epoch is under way." if run.snapshots() else "Getting ready: PyTorch takes seconds to load.")
    facts = [status.where, f"{status.samples_per_second:,.0f} systems a second" if status.samples_per_second else "", status.note]
    st.caption(sentence(" · ".join(filter(None, facts))))
    keep = {"type": "primary", "width": "stretch", "icon": ":material/check:"}
    if status.state in ENDED and status.checkpoint and st.button("Keep and compare", help="The other pages then work with this model; until then they keep to the one that they have.", **keep):
        keep_model_of([run])
        _see_on_next_page(run)
        st.switch_page(page("compare"), query_params=carried("compare"))
    _after(run, status)


def _controls(run: Run, status: RunStatus) -> None:
    """The same buttons in every state: nothing jumps under the mouse. With a key a button stays the same one whatever it says."""
    waits = status.state == "queued"
    with st.container(horizontal=True, gap="small"):
        says = {"key": f"pause {run.id}", "disabled": waits}
        if status.paused:
            st.button("Resume run", on_click=run.unpause, icon=":material/play_arrow:", help="Goes on where it waits.", **says)
        else:
            meaning = "Waits after the epoch at hand; its clock stands still."
            st.button("Pause run", on_click=run.pause, icon=":material/pause:", help=meaning, **says)
        meaning = "Trains to the end of one more epoch, then pauses."
        st.button("One epoch", on_click=run.step, icon=":material/skip_next:", help=meaning, disabled=waits)
        st.button("Stop", on_click=run.cancel, icon=":material/stop_circle:", help="Ends the training and keeps the model.")


def _after(run: Run, status: RunStatus) -> None:
    if status.state not in ENDED:
        return
    if status.state != "done" and st.button("Resume run", width="stretch", icon=":material/play_arrow:", help="Goes on from its last saved state."):
        if run.snapshots()[-1:] == [state.answer("epoch")]:  # who does not look back goes on with the training
            _look_at_the_last()
        run.resume()
        st.rerun()
    if st.button("New run", width="stretch", icon=":material/add:", help="With the settings of this run, and on its data unless others are in use."):
        _bring_data(run)
        state.unfollow_run()
        st.switch_page(page("train"), query_params=carried("train") | _as_this(run))
    if status.state in ("failed", "lost"):
        st.expander("The end of its log").code(run.log() or "The log is empty.", language=None)


def _bring_data(run: Run) -> None:
    """What the run learned from is the dataset in use, where a reload lost it."""
    if state.own_dataset() is None and run.data_name not in (FRESH_NAME, *map(sample_title, samples.names())):
        state.keep_dataset(run.data_name, run.training_data())


def _as_this(run: Run) -> dict[str, str]:
    """The address of a form that is filled in as it was for this run; other data, now in use, choose the parts that suit them."""
    said, mine = trained(run), state.own_dataset()
    kept = recipes.SUITED if mine is not None and mine.name != run.data_name else ()
    answers = {f"{said.preset}_{name}": ",".join(address.written(value)) for name, value in said.changes.items() if name not in kept}
    return {"preset": said.preset} | answers


def _time_to_go(status: RunStatus) -> str:
    if status.state == "queued" and not status.device:
        return "Waiting for a free device" + (f": {_ordinal(status.position)} in the queue" if status.position else "")
    if status.paused:
        return f"Epoch {status.epoch} of {status.num_epochs}, paused"
    if status.seconds_left is None:
        return "Starting"
    minutes, seconds = divmod(round(status.seconds_left), 60)
    return f"Epoch {status.epoch} of {status.num_epochs}, " + (f"{minutes} min {seconds} s to go" if minutes else f"{seconds} s to go")


def _ordinal(place: int) -> str:
    return f"{place}{'th' if place % 100 in (11, 12, 13) else ENDINGS.get(place % 10, 'th')}"


def _forming(run: Run, status: RunStatus, watched: Trajectories, records: curves.Records) -> None:
    epochs, ended = run.snapshots(), status.state in ENDED
    meaning = "An epoch is the stretch of training between two reports. Look back to see the graph form again. Which systems are watched is chosen before a run."
    numbers, held_out = numbers_watched(watched, run.data_name)
    which = f" of {held_out}system {numbers[0]}" if watched.num_sims == 1 else f" of {held_out}systems" if held_out else ""
    st.caption(f"The graph{which} forming: what the model believes after each epoch.", help=meaning)
    screen, scrubber = st.container(), st.container(horizontal=True, vertical_alignment="center", height=88, border=False)
    epoch, sim = epochs[-1] if epochs else None, 0
    with scrubber:
        if watched.num_sims > 1:
            sim = choose_one("System", "watched", range(watched.num_sims), start=0, format_func=lambda place: str(numbers[place]))
        meaning = "Slide through the history while the training goes on; off: the latest."
        back = ended or st.toggle("Look back", "epoch" in st.query_params, key=f"back {run.id}", disabled=len(epochs) < 2, help=meaning)
        if not back:
            _look_at_the_last()
        elif len(epochs) > 1:
            check_choice("Epoch", "epoch", epochs, start=epochs[-1])
            epoch = st.select_slider("Epoch", epochs, epochs[-1], **bound("epoch", "Epoch"))
    if ended and epochs and epoch != epochs[-1]:
        taken = "the best model, as it stands at" if run.config().keep_best else "the model of"
        st.caption(f"Of earlier epochs only the graph is kept: “Keep and compare” takes {taken} the last one, {status.epoch}.")
    with screen:
        posterior = None if epoch is None else _graph(run, epoch, watched, records)
        note = f"after epoch {epoch}" if epoch else "before the first epoch" if epoch is None else "before the first epoch: a guess"
        player(watched, key="forming", sim=sim, posterior=posterior, note=note, height=446)


def _see_on_next_page(run: Run) -> None:
    """The system whose graph was seen forming, by the same number."""
    numbers, held_out = numbers_watched(run.watched(), run.data_name)
    if held_out:
        state.keep_seen(state.Seen(state.HELD_OUT, numbers[state.answer("watched") or 0]))


def _from_the_start(run: Run) -> None:
    """Another run is shown by its last epoch and the first of its watched systems, unless the address says others: told to the widgets, which may stand there still."""
    state.forget(("epoch", "watched"))
    starts = {"watched": 0} | {"epoch": epoch for epoch in run.snapshots()[-1:]}
    state.choose({name: start for name, start in starts.items() if name not in st.query_params})


def _look_at_the_last() -> None:
    """Before the slider is drawn, if it is: no epoch is looked back to."""
    state.forget(("epoch",))
    st.query_params.pop("epoch", None)


def _more_curves(records: curves.Records, known: bool) -> None:
    st.caption("How the training goes, by seconds of training. Faint lines are the values, strong ones their running mean.", help=TERMS)
    figures = {"losses": curves.losses(records)} if known else {}
    figures |= {"terms": curves.terms(records), "errors": curves.errors(records), "rate": curves.learning_rate(records)}
    figures = {name: figure for name, figure in figures.items() if figure.data or not records}
    for column, (name, figure) in zip(st.columns(len(figures)), figures.items(), strict=True):
        with column:
            _draw(figure, name)


def _draw(figure: go.Figure, key: str) -> None:
    st.plotly_chart(figure, key=key, config=figures.PLAIN, alt=f"{figure.layout.title.text} against training time")


def _beside(run: Run, records: curves.Records) -> None:
    """Several runs in one chart."""
    others = {f"{dated(other)}, {other.id[:4]}": other for other in runs_at_hand()[:MOST_OFFERED] if other.id != run.id}
    if not others:
        return
    with st.expander("Beside other runs"):
        chosen = st.multiselect("Runs", others, max_selections=MOST_BESIDE, select_all=False, placeholder="Choose runs to lay beside this one", key=f"beside {run.id}")
        if chosen:
            runs = {f"{run.name} (this one)": records} | {name: others[name].records() for name in chosen}
            quantity = st.segmented_control("What", known := curves.known(runs), default=known[0], required=True, key="compared")
            _draw(curves.runs_compared(runs, quantity), "beside")
