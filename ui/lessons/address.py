"""What the address holds besides widgets, so that a link or a reload finds it: a graph that was guessed, one that is being tried, the open example."""

from dataclasses import dataclass, field

import streamlit as st

from ui import state
from ui.address import DRAFT
from ui.controls import heed

GUESS, TRIED, _EXAMPLE = "guess", "graph", "example"
_SYSTEMS = {GUESS: "hidden_system", TRIED: "search_system"}  # keys of the sliders that say which system a graph was drawn for


@dataclass
class _Tries:
    """Of one session: how often a graph was changed by other means than drawing, how often the visitor began anew by a button below the player, and what was
    drawn for which system in lessons that were left."""

    count: int = 0
    restarts: int = 0
    left: dict[str, tuple[str, int | None]] = field(default_factory=dict)


def guess() -> str:
    """The guess of the hidden graph; empty if there is none."""
    heed(GUESS, "Your guess")
    return st.query_params.get(GUESS, "")


def draft() -> str:
    """A guess that somebody had not told yet who made the link; empty if there is none."""
    heed(DRAFT, "Your guess so far")
    return st.query_params.get(DRAFT, "")


def keep_guess(text: str) -> None:
    """Put a guess into the address."""
    st.query_params.pop(DRAFT, None)
    st.query_params[GUESS] = text


def forget_guess() -> None:
    """For callbacks: guess anew."""
    for name in (GUESS, DRAFT):
        st.query_params.pop(name, None)


def guess_again() -> None:
    """For a button below the player: the same system anew, from the top of the page."""
    forget_guess()
    state.own(_Tries).restarts += 1


def example() -> str:
    """The example that is open; empty if none."""
    heed(_EXAMPLE, "Example")
    return st.query_params.get(_EXAMPLE, "")


def open_example(name: str) -> None:
    """For callbacks: into the address, so that the link can be sent."""
    st.query_params[_EXAMPLE] = name


def leave() -> None:
    """For callbacks: what belongs to one lesson does not follow to the next; `come_back` has it again."""
    for name, key in _SYSTEMS.items():
        if text := st.query_params.get(name):
            state.own(_Tries).left[name] = (text, state.answer(key))
    for name in (GUESS, DRAFT, TRIED, _EXAMPLE):
        st.query_params.pop(name, None)


def come_back(name: str) -> None:
    """What was drawn in this lesson before it was left, unless the address says something else. To be called before the lesson draws anything."""
    text, system = state.own(_Tries).left.pop(name, ("", None))
    if text and not st.query_params.get(name):
        st.query_params[name] = text
        state.choose({_SYSTEMS[name]: system})


def guess_another(key: str, system: int) -> None:
    """The same with another system, of the slider `key`."""
    state.choose({key: system})
    guess_again()


def tried() -> str:
    """The graph that the visitor tries; empty if none."""
    heed(TRIED, "Your graph")
    return st.query_params.get(TRIED, "")


def note_tried(text: str) -> None:
    """The visitor drew another graph."""
    st.query_params[TRIED] = text


def keep_tried(text: str) -> None:
    """For callbacks: another graph to go on from, which the player has not drawn itself."""
    note_tried(text)
    state.own(_Tries).count += 1


def tries() -> int:
    """How often the graph was changed by other means than drawing."""
    return state.own(_Tries).count


def restarts() -> int:
    """How often the visitor began anew by a button below the player."""
    return state.own(_Tries).restarts
