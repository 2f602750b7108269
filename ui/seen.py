"""The systems that a page shows, and which one of them: chosen here, and the same on the next page."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from nri_core.errors import DataError
from nri_core.player import Opening
from ui import forms, samples, state
from ui.controls import bound, locked_among

# Of each page: the names in the address of which systems, and which one. No two share one: Streamlit drops from a link what is bound on the page that is left.
NAMES = {"explore": ("sample", "system"), "what_if": ("systems", "number"), "inside": ("of", "no"), "compare": ("on", "system_no")}


@dataclass
class _Selected:
    """Of one session: the pair or node that is selected in players, of which system, and what was when this page was entered."""

    now: str = ""
    of: tuple[str, int] = ("", 0)
    before: str | None = None  # not asked for yet


def choose_systems(options: Sequence[str], **style: Any) -> str:
    """Kinds of systems; links to other pages ask for the same."""
    key, before = NAMES[state.here()][0], state.seen()
    if state.changed(f"in use on {state.here()}", state.in_use()):
        state.forget(NAMES[state.here()])  # what was chosen beside another model or other data
    forms.check_choice("Systems", key, options, start=options[0])
    chosen = st.selectbox("Systems", options, **bound(key, "Systems", told=True, disabled=_locked(0)), **style)
    state.keep_seen(state.Seen(chosen, before.system if before.systems == chosen else 1, asked=chosen != options[0]))
    return chosen


def choose_system(count: int, *, ask: Callable[..., int] = st.slider, **style: Any) -> int:
    """One of these systems, counted from 0; links to other pages ask for the same one."""
    chosen = forms.choose_system(count, key=NAMES[state.here()][1], ask=ask, disabled=_locked(1), **style)
    state.keep_seen(replace(state.seen(), system=chosen + 1))
    return chosen


def choose_by_number(count: int) -> int:
    """The same by its number, where there may be many."""
    return choose_system(count, label=f"System, of {count:,}", ask=st.number_input)


def enter() -> None:
    """A page begins to be drawn."""
    if state.just_entered():
        state.own(_Selected).before = None


def keep_selected(told: Any) -> None:
    """Let the next page select this too: what a player told, which comes from a browser."""
    code = told.get("selected") if isinstance(told, Mapping) else told
    kept, seen = state.own(_Selected), state.seen()
    try:
        kept.now, kept.of = Opening(selected=str(code or "")).selected, (seen.systems, seen.system)
    except DataError:
        kept.now = ""


def selected_before() -> str:
    """What was selected when this page was entered, if it shows the same system; the same until another page is entered, since a player that is there knows better."""
    kept, seen = state.own(_Selected), state.seen()
    if kept.before is None:
        kept.before = kept.now if kept.of == (seen.systems, seen.system) else ""
    return kept.before


def show_systems(name: str) -> None:
    """For a callback: these systems on this page."""
    state.choose({NAMES[state.here()][0]: name})


def show_system(system: int) -> None:
    """For a callback: this one of them, counted from 0, on this page, unless a teacher's link locks another."""
    if not _locked(1):
        state.choose({NAMES[state.here()][1]: system + 1})


def _locked(place: int) -> bool:
    """Whether a link locks these names: on one page, and so on all, since each page shows what was looked at on the last."""
    return bool(locked_among(names[place] for names in NAMES.values()))


def same_systems(page: str) -> dict[str, str]:
    """What a link to `page` asks for, so that it shows what is looked at here."""
    seen, there = _now(), NAMES.get(page)
    shipped = seen.systems in samples.names()
    if there is None or not seen.systems or (shipped and state.uses_own() and not seen.asked):
        return {}
    systems = seen.systems
    if page == "explore" and not shipped:
        systems = state.OWN if systems == state.MINE else systems
        if systems != state.own_systems():
            return {}
    elif systems == state.OWN:
        systems = state.MINE if state.own_dataset() else ""
    asked = {there[0]: systems} if systems and (state.uses_own() or systems != samples.FIRST) else {}
    return asked | ({there[1]: str(seen.system)} if seen.system > 1 else {})


def ask_for_mine(page: str) -> dict[str, str]:
    """What a link to `page` asks for besides, so that it shows the dataset in use whatever was looked at before."""
    return {NAMES[page][0]: state.MINE}


def _now() -> state.Seen:
    """What the widgets of this page show in this run, even before they are drawn."""
    kept, here = state.seen(), NAMES.get(state.here())
    if here is None:
        return kept
    systems, system = (st.query_params.get(key) if state.just_entered() else state.answer(key) for key in here)
    if state.just_entered() and systems not in samples.names():  # anything can be written into an address
        systems = None
    number = int(system) if str(system)[:10].isdecimal() and len(str(system)) < 10 else kept.system
    return state.Seen(str(systems or kept.systems), number, asked=kept.asked or bool(systems and systems != kept.systems))
