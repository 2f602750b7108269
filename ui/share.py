"""Share: one button on every page, with the link that opens it as it is now, links for a class, and what repeats it outside the app."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from nri_core.snippets import Screen
from ui import address, controls, state
from ui.forms import note
from ui.lessons import LESSONS
from ui.names import literal
from ui.seen import NAMES

_GLANCE = (Path(__file__).parent / "glance.js").read_text(encoding="utf-8")
_glance = st.components.v2.component("nri_glance", js=_GLANCE)
_NOT_A_LOCK = (
    "Hidden controls are not on the page, locked ones are there but do not move. It helps a class to keep to the point; it is no protection: "
    "whoever edits the address has everything back."
)
_PYTHON = "Save it in the project's folder and run it there, with the Python of .venv. The numbers are those of this page."
_COMMAND = "Run it in the project's folder, with the Python of .venv."
_RUNS = " This app keeps its runs where NRI_RUNS_DIR says: set it there too."


@dataclass
class Shown:
    """Of one session: what the page said last that it shows, and whether Share was pressed since."""

    screen: Screen | None = None
    pressed: bool = False


PLAYER = {"threshold": "Edge threshold", "temperature": "Temperature", "view": "View", "matrix": "Matrix", "speed": "Speed", "loop": "Loop", "keep": "Picture and film"}


def offer(page: str) -> None:
    """The button; nothing is computed before it is pressed, and the page is not drawn anew for it.

    That it was pressed is told by the glance at the page, which the browser puts there only then. The popover itself tells nothing: a click on a link
    closes it, and what it told would come between the link and its page.
    """
    shown = state.own(Shown)
    shown.screen = None
    if not controls.hidden("share"):
        with st.container(width="content"):
            shown.pressed = False
            st.fragment(_popover)(page)
            shown.pressed = True  # whenever the fragment runs by itself


def repeated_by(screen: Screen) -> None:
    """Let Share offer the Python and the commands that repeat this page without the app."""
    state.own(Shown).screen = screen


def say_unknown() -> None:
    """A sentence on names in the address that are nowhere on this page: written by hand, or of an older version.

    What a link for a class hides or locks may be of another lesson.
    """
    if words := controls.unknown({*PLAYER, *chain(*NAMES.values()), *(name for lesson in LESSONS for name in lesson.moved)}) + address.unknown():
        named = ", ".join(f"“{literal(word[:30])}”" for word in words[:5]) + (" and others" if len(words) > 5 else "")
        note("orange", "link_off", f"The address names {named}, which this page does not have. The rest holds.")


def _popover(page: str) -> None:
    with st.popover("Share", icon=":material/share:", key="share", type="tertiary"):
        _show(page)


def _show(page: str) -> None:
    place = st.container()
    seen = _glance(key="glance", on_seen_change=_heard).get("seen") or {}  # below: it has no height, but its row has
    if not state.own(Shown).pressed:
        place.caption("Looking at the page.")
        return
    screen = state.own(Shown).screen
    with place:
        if screen is None:
            _show_link(page, seen)
            st.caption("Nothing is computed here yet that Python or a command could repeat.")
            return
        link, python, command = st.tabs(["Link", "Python", "Command"])
        with link:
            _show_link(page, seen)
        for tab, text, language in ((python, screen.python(), "python"), (command, screen.command(), "bash")):
            with tab:
                st.caption((_PYTHON if language == "python" else _COMMAND) + _RUNS * ("NRI_RUNS_DIR" in os.environ))
                st.code(text.strip(), language=language, wrap_lines=True)


def _show_link(page: str, seen: dict[str, Any]) -> None:
    told = st.empty()
    place = st.container()
    if "frame" in seen and not st.toggle(f"Stand still at frame {seen['frame']}, where it was when you pressed Share", value=not seen.get("playing"), key="share here"):
        seen = {name: value for name, value in seen.items() if name != "frame"}
    taught = controls.taught()
    if st.toggle("For a class", value=bool(taught), key="share class", help=_NOT_A_LOCK):
        st.caption("It starts where you are now: go to the page, lesson or stage where the class should begin, then share.")
        names = {key: control.label for key, control in controls.drawn().items() if control.widget} | PLAYER
        left, right = st.columns(2)  # below each other, the open list of one would cover the other
        taught = {
            controls.HIDE: _choose(left, "Hide", controls.PARTS | names, taught.get(controls.HIDE, ())),
            controls.LOCK: _choose(right, "Lock", names, taught.get(controls.LOCK, ())),
        }
        if taught[controls.LOCK] and "menu" not in taught[controls.HIDE]:
            st.caption(f"What is locked here is locked {'in this lesson' if page == 'learn' else 'on this page'}; the systems on Explore, Compare, What if and Inside the model alike, and what belongs to the player (speed, view, …) on every page. Lessons have systems of their own. To keep a class here, hide the menu as well.")
        if "truth" in taught[controls.HIDE]:
            st.caption("What a model infers stays to be seen outside the first lesson, and where it is right it is the answer. Examples do not say what to look for.")
        if "truth" in taught[controls.HIDE] and "edits" in st.query_params:
            st.caption("Starts and true edges that you changed are left out: where the truth is hidden, they cannot be shown.")
        if st.toggle("For a page of a course, in a frame", key="share embed", help="Leaves out the app's own margins and toolbar, for an <iframe> in a learning platform."):
            taught["embed"] = ["true"]
    told.caption(f"Whoever opens this link sees the page as you see it now{', without what you hide' * bool(taught.get(controls.HIDE))}.")
    place.code(address.link(page, seen, taught), language=None, wrap_lines=True)
    if controls.taught():
        st.button("Show everything here again", on_click=controls.teach_nothing, icon=":material/visibility:")
    for sentence in address.left_behind():
        st.caption(sentence)


def _choose(place: DeltaGenerator, label: str, names: dict[str, str], start: Iterable[str]) -> list[str]:
    """Ticks, by the names that people see."""
    return place.multiselect(label, list(names), [name for name in names if name in start], format_func=names.get, placeholder="Nothing", key=f"share {label}")


def _heard() -> None:
    """The run that follows reads what was seen."""
