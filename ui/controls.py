"""What a page lets one change: widgets that live in the address, and what a teacher's link hides or locks."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import streamlit as st

from nri_core.trajectories import Trajectories
from ui import state
from ui.names import called

PARTS = {"menu": "Menu and links to other pages", "truth": "True graph", "export": "Export", "share": "Share"}  # of every page
HIDE, LOCK = "hide", "lock"  # in the address
MOST_NAMED = 100
MOST_COUNTED = 2.0**53
_NAME = re.compile(r"[A-Za-z0-9_]{1,60}")
_MENU = "[data-testid=stSidebar], [data-testid=stExpandSidebarButton]"


@dataclass(frozen=True)
class Control:
    """A widget of the page that lives in the address: its name, and whether a link tells it even at its start value."""

    label: str
    told: bool
    widget: bool = True


@dataclass
class Controls:
    """Of one session: what is hidden and locked, and the widgets that the page has drawn."""

    hidden: frozenset[str] = frozenset()
    locked: frozenset[str] = frozenset()
    drawn: dict[str, Control] = field(default_factory=dict)
    before: set[str] = field(default_factory=set)  # of all earlier runs: the address may still name what has just gone


def bound(key: str, label: str = "", *, told: bool = False, disabled: bool = False) -> dict[str, Any]:
    """Keywords of a widget that lives in the address as `key`, and that a teacher may hide or lock.

    `label` is what Share calls it, if not by the name of the setting. `told`: a link names it even at its start value, because the start depends on
    what the session did before.
    """
    controls = state.own(Controls)
    controls.drawn[key] = Control(label or called(key), told)
    return {"key": key, "bind": "query-params" if _can_be_read(key) else None, "disabled": disabled or key in controls.locked}


def pressing(key: str, label: str, *, disabled: bool = False) -> bool:
    """Whether the button in the container `key` is disabled: a teacher may hide or lock it, as `label`."""
    state.own(Controls).drawn[key] = Control(label, told=False)
    return disabled or key in state.own(Controls).locked


def _can_be_read(key: str) -> bool:
    """Numbers beyond what a browser counts, infinity and NaN would break the widget: it then starts as usual, and `forms` says why."""
    try:
        return abs(float(st.query_params.get(key, "0"))) < MOST_COUNTED
    except ValueError:
        return True


def heed(key: str, label: str) -> None:
    """Know a name in the address that a page reads and writes itself, without a widget: nothing of it can be hidden."""
    state.own(Controls).drawn[key] = Control(label, told=False, widget=False)


def drawn() -> dict[str, Control]:
    """The widgets of the page that live in the address, by their keys."""
    return state.own(Controls).drawn


def drawn_before(name: str) -> bool:
    """Whether a widget of this name was there in an earlier run of this session."""
    return name in state.own(Controls).before


def hidden(name: str) -> bool:
    """Whether a teacher's link hides this control or part of the page."""
    return name in state.own(Controls).hidden


def held(name: str) -> bool:
    """Whether a teacher's link keeps this control as it is, hidden or locked."""
    return hidden(name) or bool(locked_among([name]))


def hidden_among(names: Iterable[str]) -> tuple[str, ...]:
    """Those that are hidden."""
    return tuple(name for name in names if hidden(name))


def locked_among(names: Iterable[str]) -> tuple[str, ...]:
    """Those that are locked."""
    return tuple(name for name in names if name in state.own(Controls).locked)


def truth_hidden() -> bool:
    """Whether a link hides the truth; then says why no score is here."""
    if hidden("truth"):
        st.caption("How many pairs are right is not shown: this link hides the truth.")
    return hidden("truth")


def without_hidden_truth(data: Trajectories) -> Trajectories:
    """The same without its true graphs where these are to be guessed."""
    if data.edge_types is None or not hidden("truth"):
        return data
    return _without_truth(data.digest, data)


@st.cache_resource(show_spinner=False, max_entries=32)
def _without_truth(digest: str, _data: Trajectories) -> Trajectories:
    return replace(_data, edge_types=None, edge_type_names=())


def obey_address() -> None:
    """Hide and lock what the address says; the session keeps to it on every page, and the address goes on saying it."""
    controls = state.own(Controls)
    controls.before |= set(controls.drawn)
    controls.drawn = {}
    asked = {name: _names(st.query_params.get_all(name)) for name in (HIDE, LOCK)}
    if any(asked.values()):
        controls.hidden, controls.locked = asked[HIDE], asked[LOCK]
    for name, kept in taught().items() if not any(asked.values()) else ():
        st.query_params[name] = ",".join(sorted(kept))


def taught() -> dict[str, frozenset[str]]:
    """What is hidden and what is locked, as the address calls it; empty where nothing is."""
    controls = state.own(Controls)
    return {name: names for name, names in ((HIDE, controls.hidden), (LOCK, controls.locked)) if names}


def teach_nothing() -> None:
    """For a callback: everything is there again."""
    controls = state.own(Controls)
    controls.hidden = controls.locked = frozenset()
    for name in (HIDE, LOCK):
        st.query_params.pop(name, None)


def hide() -> None:
    """Take what is hidden out of sight and out of reach of the keyboard, before it is drawn."""
    selectors = [f".st-key-{name}" for name in sorted(state.own(Controls).hidden)] + [_MENU] * hidden("menu")
    if selectors:
        st.html(f"<style>{', '.join(selectors)} {{ display: none !important; }}</style>")


def unknown(more: Iterable[str] = ()) -> list[str]:
    """Names in the address that no page of this session had, once this one is drawn; `more` are known as well."""
    controls = state.own(Controls)
    return sorted((controls.hidden | controls.locked) - set(controls.drawn) - controls.before - set(PARTS) - set(more))


def _names(texts: Iterable[str]) -> frozenset[str]:
    """Whoever edits an address by hand may write anything: only what can be the name of a control is looked at."""
    words = [word.strip() for text in texts for word in text[: 64 * MOST_NAMED].split(",")]
    return frozenset([word for word in words if _NAME.fullmatch(word)][:MOST_NAMED])
