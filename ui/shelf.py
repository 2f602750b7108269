"""The Runs page: a table of runs, and what can be done with one or several of them."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import pandas as pd
import streamlit as st

from nri_core.errors import JobError
from nri_core.jobs import Run, RunStatus, advance
from nri_core.jobs.repeat import command
from nri_core.jobs.results import latest, learned_from
from nri_core.jobs.shelf import delete, pack, rename, restore, unpack
from nri_core.settings import TrainConfig
from nri_core.snippets import Ran
from ui import curves, figures, share, state, ticked
from ui.controls import bound
from ui.forms import note
from ui.frame import carried, mistakes_shown, next_step, page
from ui.keeping import keep_model_of
from ui.loading import runs_at_hand
from ui.names import called, distinct, literal, written
from ui.sweeps import show_sweeps

MOST_COMPARED = 8
MOST_SENTENCES = 3
SECONDS = 2.0  # between two looks at runs that are under way
STATES = {"queued": "… waiting", "running": "▶ running", "done": "✓ done", "failed": "✗ failed", "cancelled": "■ stopped", "lost": "✗ lost"}

COLUMNS = {
    "Name": st.column_config.TextColumn(width=200),
    "Done": st.column_config.ProgressColumn(format="%.0f %%", min_value=0, max_value=100, width=110, help="Of the training time that it will take"),
    "Edges right": st.column_config.NumberColumn(format="%.1f %%", help="Share of pairs named rightly, up to relabelling, on the first validation systems, as many as an epoch can wait for. Compare counts all of them"),
    "Encoder alone": st.column_config.NumberColumn(format="%.1f %%", help="The same, read by the encoder alone"),
    "Error, 10 frames": st.column_config.NumberColumn(format="%.1e", help="Mean squared forecast error 10 frames ahead, in scaled units, on some validation systems; Compare counts all of them. None where the last epoch was too short to count it"),
    "Validation loss": st.column_config.NumberColumn(format="%.3f", help="Only comparable between runs of one recipe"),
    "Seconds": st.column_config.NumberColumn(format="%.0f", help="Of training, pauses left out"),
    "Seed": st.column_config.NumberColumn(help="Of the training; that of simulated data is in their name"),
    "Started": st.column_config.DatetimeColumn(format="D MMM, HH:mm"),
}
WIDER = {"Name": st.column_config.TextColumn(width=300)}  # side by side, with the seeds of runs that share a name


LOSS_OF = ("objective", "encoder", "likelihood", "normalization", "prediction_steps", "burn_in")  # settings that say what a loss adds up


@dataclass
class _Deleted:
    """Of one session: what was deleted last, which can be taken back."""

    run_ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class Entry:
    """A run with what the table says of it."""

    run: Run
    status: RunStatus
    config: TrainConfig
    sweep: str | None
    results: dict[str, Any]

    @property
    def progress(self) -> float:
        """From 0 to 1."""
        return self.status.share_done(self.config.max_seconds)

    @property
    def row(self) -> dict[str, Any]:
        """A line of the table."""
        results, errors = self.results, self.results.get("valid_mse", {})
        return {
            "Name": self.status.name,
            "State": STATES[self.status.state] + (", paused" if self.status.paused else ""),
            "Done": 100 * self.progress,
            "Edges right": _percent(results.get("edge_accuracy")),
            "Encoder alone": _percent(results.get("edge_accuracy_encoder")),
            "Error, 10 frames": errors.get("10"),
            "Validation loss": results.get("valid_loss"),
            "Seconds": self.status.seconds,
            "Seed": self.config.seed,
            "Device": self.status.where,
            "Started": self.status.submitted.astimezone(),
        }


def show_runs() -> None:
    """The list and what is chosen in it, anew every two seconds as long as a run is under way."""
    advance()
    under_way = _under_way(_entries()[0])
    st.fragment(_listed, run_every=SECONDS if under_way else None)(under_way)


def _listed(under_way: bool) -> None:
    with mistakes_shown():
        found, unreadable = _entries()
        for sentence in unreadable[:MOST_SENTENCES]:
            note("red", "error", literal(sentence))
        if found:
            st.caption("Every training of this server that you may see. Tick one to open it, several to compare them.")
            ticked.say_unknown([entry.run.id for entry in found])
            listed = _filtered(found)
            chosen = _choose(listed)
            if len(chosen) == 1:
                _show_one(chosen[0])
            elif chosen:
                _show_several(chosen)
            show_sweeps([(entry.sweep, entry.run) for entry in listed if entry.sweep])
        else:
            st.caption("A run is one training: its settings, its curves, the graphs it found and its model. There is none yet.")
            next_step("train", "Train a model")
        if _under_way(found) != under_way:  # last, so that what was pressed just now is not lost
            st.rerun()


def _under_way(found: Sequence[Entry]) -> bool:
    return any(entry.status.active for entry in found)


def _entries() -> tuple[list[Entry], list[str]]:
    """The runs that this user may see, newest first, and a sentence about each that cannot be read."""
    found, unreadable = [], []
    for run in runs_at_hand():
        try:
            asked = run.requested()
            found.append(Entry(run, run.status(), asked.settings, asked.sweep, latest(run)))
        except (JobError, ValueError) as error:
            unreadable.append(str(error))
    return found, unreadable


def _filtered(found: Sequence[Entry]) -> list[Entry]:
    """Those that the user looks for."""
    with st.container(horizontal=True, vertical_alignment="top"):
        text = st.text_input("Find", **bound("find"), placeholder="Part of a name", width=170)
        sweeps = sorted({entry.sweep for entry in found if entry.sweep})
        sweep = st.selectbox("Sweep", sweeps, index=None, key="sweep", placeholder="All", width=210) if sweeps else None
        states = st.pills("State", list(STATES), selection_mode="multi", key="states", format_func=lambda name: STATES[name])
    words = (text or "").lower().split()
    return [
        entry
        for entry in found
        if all(word in entry.status.name.lower() for word in words)
        and (not states or entry.status.state in states)
        and (sweep is None or entry.sweep == sweep)
    ]


def _choose(found: Sequence[Entry]) -> list[Entry]:
    """The table; what is selected in it."""
    if not found:
        st.info("No run is like that. Clear the search or the states above.", icon=":material/search_off:")
        return []
    table = _known(pd.DataFrame([entry.row for entry in found]))
    listed = hash(tuple(entry.run.id for entry in found))  # a selection is of places: it holds as long as the same runs stand there
    start = {"selection": {"rows": [place for place, entry in enumerate(found) if ticked.asked(entry.run.id)]}}
    event = st.dataframe(table, hide_index=True, on_select="rerun", selection_mode="multi-row", selection_default=start, column_config=COLUMNS, placeholder="–", key=f"table {listed}")
    chosen = [found[place] for place in event.selection.rows if place < len(found)]
    ticked.keep([entry.run.id for entry in chosen], listed=[entry.run.id for entry in found])
    return chosen


def _show_one(entry: Entry) -> None:
    """What can be done with one run."""
    run, status = entry.run, entry.status
    st.subheader(literal(status.name), anchor=False)
    st.caption(literal(status.message))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.page_link(page("train"), label="Open", icon=":material/open_in_new:", query_params={"run": run.id})
        if status.checkpoint:
            for target, label in (("explore", "Load into Explore"), ("compare", "Load into Compare")):
                if st.button(label, key=target, icon=":material/hub:" if target == "explore" else ":material/compare:"):
                    keep_model_of([run])
                    st.switch_page(page(target), query_params=carried(target) | ({"sample": state.HELD_OUT} if target == "explore" else {}))
        with st.popover("Rename", icon=":material/edit:", key=f"rename {run.id} {status.name}"), st.form(f"rename {run.id}", border=False):
            name = st.text_input("Name", status.name, max_chars=120, key=f"name {run.id}", width=420)
            if st.form_submit_button("Rename it", type="primary"):
                rename(run, name)
                st.rerun()
        st.download_button("Download", lambda: _packed(run), f"{run.id}.zip", "application/zip", icon=":material/download:", on_click="ignore")
        _stop_or_resume(entry)
        _delete_button([entry])
    with mistakes_shown():  # a run with files missing can still be renamed and deleted
        line = command(run)
        limited, done = entry.config.max_seconds is not None, status.state == "done"
        whole = f"trains as this run was to, all {entry.config.epochs:,} epochs" + " or up to its time limit" * limited
        does = "repeats this run" + (", as far as a time limit can be repeated" if limited else " exactly") if done else whole
        st.caption(f"The command that {does}; call it in the project's folder.")
        st.code(line, language="bash", wrap_lines=True)
        share.repeated_by(Ran(runs=(run.id,), lines=(line,)))
    with st.expander("Settings that differ from the live recipe"):
        changed = {called(name): written(value) for name, value in entry.config if value != TrainConfig.model_fields[name].default}
        st.table(pd.Series(changed, name="Value", dtype=str)) if changed else st.caption("None.")
    with st.expander("The end of its log"):
        st.code(run.log() or "The log is empty.", language=None)


def _show_several(chosen: Sequence[Entry]) -> None:
    """Settings and results side by side, and curves in one chart."""
    names = [entry.status.name for entry in chosen]
    names = distinct([name if names.count(name) == 1 else f"{name}, training seed {entry.config.seed}" for name, entry in zip(names, chosen, strict=True)])
    differing = [name for name in TrainConfig.model_fields if len({repr(getattr(entry.config, name)) for entry in chosen}) > 1]
    with mistakes_shown():
        share.repeated_by(Ran(runs=tuple(entry.run.id for entry in chosen), lines=tuple(command(entry.run) for entry in chosen)))
    st.subheader(f"{len(chosen)} runs side by side", anchor=False)
    st.caption("Settings that differ, then results." if differing else "Their settings are alike.")
    learned = {learned_from(entry.run.directory) for entry in chosen}
    if len(learned) > 1:
        note("orange", "info", "They learned from different data: what they get right, and their errors, are of different systems.")
    settings = [{called(name): written(getattr(entry.config, name)) for name in differing} for entry in chosen]
    results = [{name: value for name, value in entry.row.items() if name not in ("Name", "Done", "Seed", "Started")} for entry in chosen]
    rows = [{"Name": name} | one | other for name, one, other in zip(names, settings, results, strict=True)]
    st.dataframe(_known(pd.DataFrame(rows)), hide_index=True, column_config=COLUMNS | WIDER, placeholder="–")
    if summed := [called(name).lower() for name in differing if name in LOSS_OF]:
        note("orange", "info", f"What is minimised differs ({', '.join(summed)}), so these losses cannot be compared. The errors of forecasts can, where the data are the same.")
    records = {name: entry.run.records() for name, entry in list(zip(names, chosen, strict=True))[:MOST_COMPARED]}
    quantity = st.segmented_control("What", known := curves.known(records), default=known[0], required=True, key="compared")
    st.plotly_chart(curves.runs_compared(records, quantity), config=figures.PLAIN, key="several", alt=f"{quantity} of the chosen runs against training time")
    with st.container(horizontal=True):
        averaged = all(entry.status.checkpoint for entry in chosen) and set(differing) <= {"seed"} and len(learned) == 1
        if averaged:
            help_ = "One model of these: its belief is the mean of theirs, and so is its forecast."
            if st.button("Average these models", icon=":material/groups:", help=help_):
                with mistakes_shown():
                    keep_model_of([entry.run for entry in chosen])
                    st.switch_page(page("compare"), query_params=carried("compare"))
        _delete_button(chosen)
    if not averaged:
        st.caption("Only models that differ in nothing but the seed, and learned from the same data, can be averaged.")


def upload() -> None:
    """Add a packed run."""
    file = st.file_uploader("A run, as the Runs page of another machine downloads it", "zip")
    if file is not None and st.button("Open it", type="primary"):
        run, deleted = unpack(file), state.own(_Deleted)
        state.know_run(run.id)
        deleted.run_ids = tuple(other for other in deleted.run_ids if other != run.id)
        st.rerun()


def show_deleted() -> None:
    """What was deleted last, with a way back."""
    if deleted := state.own(_Deleted).run_ids:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.info(f"{len(deleted)} run{'s' * (len(deleted) > 1)} deleted; kept for a day.", icon=":material/delete:", width=420)
            if st.button("Undo", icon=":material/undo:"):
                state.own(_Deleted).run_ids = ()
                for run_id in deleted:
                    restore(run_id)
                st.rerun()


def _stop_or_resume(entry: Entry) -> None:
    if entry.status.active:
        if st.button("Stop", icon=":material/stop_circle:", help="Ends the training and keeps the model."):
            entry.run.cancel()
            st.rerun()
    elif entry.status.state != "done":
        if st.button("Resume", icon=":material/play_arrow:", help="Goes on from its last saved state."):
            entry.run.resume()
            st.rerun()


def _delete_button(chosen: Sequence[Entry]) -> None:
    over = not any(entry.status.active for entry in chosen)
    label = "Delete" if len(chosen) == 1 else f"Delete {len(chosen)} runs"
    if st.button(label, disabled=not over, icon=":material/delete:", help="It can be undone for a day." if over else "Stop what is running first."):
        ticked.forget([entry.run.id for entry in chosen])
        for entry in chosen:
            delete(entry.run)
        state.own(_Deleted).run_ids = tuple(entry.run.id for entry in chosen)
        st.rerun()


def _packed(run: Run) -> BinaryIO:
    """An open file that is gone once it is closed."""
    with tempfile.TemporaryDirectory() as folder:
        pack(run, Path(folder) / "run.zip")
        return open(Path(folder) / "run.zip", "rb")


def _known(table: pd.DataFrame) -> pd.DataFrame:
    """Without the columns that nobody fills."""
    return table.drop(columns=[name for name in table if table[name].isna().all()])


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share
