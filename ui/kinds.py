"""Train without labels: what the data suggest, and which number of kinds of interaction makes held-out motion likeliest."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from nri_core.jobs import RunStatus
from nri_core.jobs.comparisons import kinds_chosen, kinds_tried, start_kinds
from nri_core.settings import TrainConfig
from nri_core.suggestions import suggest
from ui import state, visitor
from ui.backends import Backend
from ui.frame import mistakes_shown
from ui.loading import Choice
from ui.names import called, written

if TYPE_CHECKING:
    from nri_core.model_choice import TypeChoice

SECONDS_BETWEEN = 2.0
USUAL = 30  # epochs of each: enough for what is simple, and shorter than a training one means to keep


@dataclass
class _Kinds:
    """Of one session: the tag of the comparison that is shown, none for an empty one. It is in the address, so that a reload finds it."""

    tag: str = ""


def show(data: Choice, config: TrainConfig | None, start: TrainConfig, backend: Backend, *, prefix: str) -> None:
    """Both, folded away where the data name their types."""
    with st.expander("How many kinds of interaction? What suits these data", expanded=data.watch.edge_types is None or bool(_followed())):
        show_suggestions(data, config or start, prefix=prefix)
        compare_kinds(data, config, start, backend, prefix=prefix)


def show_suggestions(data: Choice, config: TrainConfig, *, prefix: str) -> None:
    """A sentence on each, and a button that sets what is not set so yet."""
    found = suggest(data.some, config)
    for suggestion in found:
        st.markdown(f":small[:material/arrow_right: {suggestion.sentence}]")
    changes = {name: value for suggestion in found for name, value in suggestion.changes.items() if getattr(config, name) != value}
    if changes:
        words = ", ".join(f"{called(name).lower()}: {written(value)}" for name, value in changes.items())
        keys = {prefix + name: _widget_value(value) for name, value in changes.items()}
        st.button("Use what is suggested", on_click=state.choose, args=(keys,), icon=":material/auto_fix_high:", help=words)
    else:
        st.caption("The settings are as suggested.")


def compare_kinds(data: Choice, config: TrainConfig | None, start: TrainConfig, backend: Backend, *, prefix: str) -> None:
    """Start the candidates, or follow those that were started; nothing waits for them."""
    st.caption(
        "How many kinds of interaction are there? Each number is trained for as many epochs, with the settings of this page, and judged by how likely it makes motion that "
        "was held out. The simplest wins that cannot be told from the best; “no interaction” takes part."
    )
    if tag := _followed():
        with mistakes_shown():
            if any(run.status().active for run in kinds_tried(tag).values()):
                st.fragment(_wait, run_every=SECONDS_BETWEEN)(tag)
            else:
                _show(tag, prefix)
        st.button("Compare anew", on_click=_follow, args=("",), icon=":material/restart_alt:")
        return
    field = TrainConfig.model_fields["epochs"].description
    epochs = st.number_input("Epochs of each", 1, max(start.epochs, USUAL), min(start.epochs, USUAL), key=f"{prefix}kinds_epochs", help=field)
    pressed = st.button("Compare kinds", icon=":material/category:", disabled=config is None, key=f"{prefix}kinds_start")
    if pressed and config is not None:
        with st.spinner("Getting the data ready: a second or two"), mistakes_shown():
            tag = start_kinds(data.make(), config, epochs=epochs, name=data.name, device=backend.device, engine=backend.engine, user=visitor.who())
            _follow(tag)
            st.rerun()


def _followed() -> str:
    return st.query_params.get("kinds", "") or state.own(_Kinds).tag


def _follow(tag: str) -> None:
    state.own(_Kinds).tag = tag
    if tag:
        st.query_params["kinds"] = tag
    else:
        st.query_params.pop("kinds", None)


def _wait(tag: str) -> None:
    states = {kinds: run.status() for kinds, run in kinds_tried(tag).items()}
    if not any(status.active for status in states.values()):
        st.rerun()
    show_progress({kinds.words: status for kinds, status in states.items()})


def show_progress(states: Mapping[str, RunStatus]) -> None:
    """A bar for each of several trainings."""
    for words, status in states.items():
        done = 1.0 if not status.active else status.epoch / status.num_epochs if status.num_epochs else 0.0
        st.progress(min(done, 1.0), f"{words[:1].upper()}{words[1:]}: {status.state}")


def _show(tag: str, prefix: str) -> None:
    with st.spinner("Comparing the models on what was held out"):
        found = _chosen(tag)
    rows = [{"Candidate": one.kinds.words, "Log-likelihood": one.log_likelihood, "Behind the best": one.behind, "±": one.spread} for one in found.candidates]
    numbers = {name: st.column_config.NumberColumn(format="%.3f") for name in list(rows[0])[1:]}
    st.dataframe(pd.DataFrame(rows), hide_index=True, column_config=numbers)
    st.markdown(f"Chosen: **{found.chosen.words}**." + ("" if found.best == found.chosen else f" Likeliest: {found.best.words}, but not clearly."))
    st.caption(
        "Of motion that was held out, one frame ahead, in nats per node and frame; ± is the standard error over recordings. A model that has not "
        "learned enough loses to a simpler one: where candidates are close, or nothing wins, compare with more epochs."
    )
    if found.chosen.num_edge_types > 1:
        keys = {f"{prefix}{name}": value for name, value in found.chosen._asdict().items()}
        st.button("Use it", on_click=state.choose, args=(keys,), type="primary", icon=":material/check:")
    else:
        st.info("In so many epochs no interaction was found that helps to predict: a graph inferred by such a model would mean little.", icon=":material/info:")


@st.cache_resource(show_spinner=False, max_entries=8)
def _chosen(tag: str) -> "TypeChoice":
    return kinds_chosen(kinds_tried(tag))


def _widget_value(value: Any) -> Any:
    """As the widgets of `forms` keep it: shares are a text."""
    return ", ".join(f"{part:g}" for part in value) if isinstance(value, tuple) else value
