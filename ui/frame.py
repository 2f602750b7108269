"""What surrounds every page: the menu, what is loaded, and the one place where a user's mistake becomes a sentence."""

import functools
import importlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from nri_core.errors import NRIError
from ui import state
from ui.names import literal

_PAGES_DIR = Path(__file__).parent.parent / "pages"
_ICON = Path(__file__).parent / "icon.svg"
_SECONDS_BEFORE_WARMING = 3.0
_NARROW_MARGINS = "<style>@media (min-width: 640px) { .stMainBlockContainer { padding-left: 2.5rem; padding-right: 2.5rem; } }</style>"
STAGE_AND_SIDE = (3, 1)  # widths of the player and of the settings beside it; on a phone the player comes first


class PageEntry(NamedTuple):
    """A line of the menu; the page lives in `pages/<name>.py`. No help: its tooltip would cover the other lines."""

    title: str
    icon: str


PAGES: dict[str, PageEntry] = {
    "explore": PageEntry("Explore", ":material/hub:"),
    "simulate": PageEntry("Simulate", ":material/scatter_plot:"),
    "upload": PageEntry("Your data", ":material/upload_file:"),
    "train": PageEntry("Train", ":material/model_training:"),
    "runs": PageEntry("Runs", ":material/list_alt:"),
    "compare": PageEntry("Compare", ":material/compare:"),
    "results": PageEntry("Results", ":material/table_chart:"),
}


def page(name: str) -> st.Page:
    """A fresh `st.Page`: one object shared by two sessions would let the first one's run refuse the second's.

    It has no icon of its own: the browser would fetch it, as favicon, from the internet.
    """
    return st.Page(_PAGES_DIR / f"{name}.py", title=PAGES[name].title, default=name == "explore")


@contextmanager
def frame(name: str) -> Iterator[None]:
    """Draw menu, title and what is loaded around the page `name`, and show the user's mistakes as sentences."""
    entry = PAGES[name]
    state.enter(name)
    st.set_page_config(page_title=f"{entry.title} · NRI Explorer", page_icon=str(_ICON), layout="wide", initial_sidebar_state=200)
    with st.sidebar:
        st.markdown("**NRI Explorer**")
        st.caption("Who acts on whom, from motion alone")
        for other in PAGES:
            next_step(other, PAGES[other].title)
        loaded = st.empty()
    _show_loaded(loaded.container())
    st.html(_NARROW_MARGINS)
    st.title(entry.title, anchor=False)
    with mistakes_shown():
        yield
    _show_loaded(loaded.container())  # the page may have changed it
    if state.uses_own():
        st.sidebar.button("Back to the shipped ones", on_click=state.use_shipped, type="tertiary", icon=":material/undo:")
    _warm_up()


@contextmanager
def mistakes_shown() -> Iterator[None]:
    """Turn an NRIError into its sentence on the page; anything else is a bug and reaches the log. Fragments need their own."""
    try:
        yield
    except NRIError as error:
        st.error(str(error), icon=":material/error:")


def next_step(name: str, label: str) -> None:
    """A link to the page that comes next."""
    st.page_link(page(name), label=label, icon=PAGES[name].icon)


def _show_loaded(place: DeltaGenerator) -> None:
    view = state.view()
    place.caption(f"Dataset  \n**{literal(view.data)}**  \n{view.size}")
    place.caption(f"Model  \n**{literal(view.model)}**")


@functools.cache
def _warm_up() -> None:
    """Once a process, after the first page has painted: look after the queue of runs, and import what the other pages need (torch takes seconds)."""
    timer = threading.Timer(_SECONDS_BEFORE_WARMING, _get_ready)
    timer.daemon = True
    timer.start()


def _get_ready() -> None:
    importlib.import_module("nri_core.jobs").keep()
    importlib.import_module("nri_core.inference")
