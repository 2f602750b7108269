"""What surrounds every page: the menu, what is loaded, and the one place where a user's mistake becomes a sentence."""

import functools
import gc
import importlib
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from nri_core.errors import NRIError
from ui import address, controls, seen, share, state
from ui.names import literal, moment, sentence

_PAGES_DIR = Path(__file__).parent.parent / "pages"
_ICON = Path(__file__).parent / "icon.svg"
_arrival = st.components.v2.component("nri_arrival", js=(Path(__file__).parent / "arrival.js").read_text(encoding="utf-8"))
_SECONDS_BEFORE_WARMING = 3.0
_STYLE = """<style>
@media (min-width: 640px) { .stMainBlockContainer { padding-left: 2.5rem; padding-right: 2.5rem; } }
:is([data-testid="stBaseButton-primary"]:enabled, [data-testid="stMultiSelect"] [data-baseweb="tag"]) * { color: light-dark(#ffffff, #0f151c); } /* white on the dark theme's bright blue would be too pale to read */
[data-testid="stIconMaterial"] { max-width: 1.25em; overflow: hidden; white-space: nowrap; } /* its name, as long as the font is on its way */
[class*="st-key-room-"], :has(> [class*="st-key-room-"]) { min-height: max-content !important; overflow: visible !important; } /* ui/player.py: room for a player at least */
[data-testid="stButtonGroup"] [aria-checked="true"] * { color: light-dark(#005a8e, #7cc4f0); }
[data-testid="stButtonGroup"] [aria-checked="true"] { position: relative; z-index: 1; }
[data-testid="stButtonGroup"] [aria-checked="false"] { border-color: light-dark(#d5dde5, #2c3846) !important; } /* else the one beside the chosen has an open side, where a row breaks */
[data-testid="stColumn"] :is(.stMarkdownEllipsis, .stMarkdownEllipsis p, :has(> .stMarkdownEllipsis), [data-testid="stMetricValue"] *, [data-testid="stButtonGroup"] :is(div, p)) { white-space: normal; } /* words in a narrow column break, and are not cut */
@media (hover: none) { [data-testid="stCodeCopyButton"] { opacity: 1 !important; } } /* a finger does not hover */
@media (hover: none) { [data-testid="stElementToolbar"] { display: none !important; } } /* it would lie over the words above a table, where it cannot be sent away */
@media (hover: none) { button kbd { display: none !important; } } /* no keyboard to press them on */
[data-testid="stCaptionContainer"] code { color: inherit; background: none; padding: 0; } /* its green is too pale where all is pale */
.katex-display { padding: 2px 4px 6px; } /* else equations are a hair larger than their box, which then scrolls */
@media (max-width: 640px) { .katex-display { font-size: 0.8em; } }
</style>"""
STAGE_AND_SIDE = (3, 1)  # widths of the player and of the settings beside it; on a phone the player comes first


class PageEntry(NamedTuple):
    """A line of the menu; the page lives in `pages/<name>.py`. No help: its tooltip would cover the other lines."""

    title: str
    icon: str


@dataclass
class _Arrival:
    """Of one session: the page that is drawn, and where the browser is told of it."""

    page: str = ""
    place: DeltaGenerator | None = None  # for what tells the browser; None once it is told


@dataclass
class _Tour:
    """Of one session: whether its offer was sent away."""

    refused: bool = False


PAGES: dict[str, PageEntry] = {
    "explore": PageEntry("Explore", ":material/hub:"),
    "learn": PageEntry("Learn", ":material/school:"),
    "what_if": PageEntry("What if", ":material/alt_route:"),
    "inside": PageEntry("Inside the model", ":material/neurology:"),
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
    seen.enter()
    controls.obey_address()
    st.set_page_config(page_title=f"{entry.title} · NRI Explorer", page_icon=str(_ICON), layout="wide", initial_sidebar_state=200)
    st.html(_STYLE)  # first: what is drawn before it came would move
    with st.sidebar:
        st.markdown("**NRI Explorer**")
        st.caption("Who acts on whom, from motion alone")
        for other in PAGES:
            next_step(other, PAGES[other].title)
        loaded = st.empty()
        state.own(_Arrival).page, state.own(_Arrival).place = name, st.empty()
    controls.hide()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title(entry.title, anchor=False)
        if name == "explore":
            _offer_tour()
        share.offer(name)
    about_link = st.empty()
    with mistakes_shown():
        address.recall(name)
    _show_loaded(loaded.container())
    with mistakes_shown():
        yield
    _show_loaded(loaded.container())  # the page may have changed it
    follows = name == "train" and state.followed_run()  # then what the form was told stays in the address, for the next run
    if st.query_params and not follows:
        with about_link:
            share.say_unknown()
    if state.uses_own():
        st.sidebar.button("Back to the shipped ones", on_click=state.use_shipped, type="tertiary", icon=":material/undo:")
    state.keep_in_address(carried(name))
    seen_from_top()
    _warm_up()


def seen_from_top(what: str = "") -> None:
    """Say what the page shows, if it can show one thing or another: where that is new, the page is scrolled to its top. Only the first word counts."""
    arrival = state.own(_Arrival)
    if arrival.place:
        with arrival.place:
            _arrival(key="arrival", data={"place": f"{arrival.page} {what}"})
    arrival.place = None


@contextmanager
def mistakes_shown() -> Iterator[None]:
    """Turn an NRIError into its sentence on the page; anything else is a bug and reaches the log. Fragments need their own."""
    try:
        yield
    except NRIError as error:
        st.error(sentence(str(error)), icon=":material/error:")


def carried(name: str) -> dict[str, str]:
    """What a link to the page says of this session, so that the page itself need not add it: going back would meet it again."""
    taught = {kept: ",".join(sorted(names)) for kept, names in controls.taught().items()}
    return taught | seen.same_systems(name) | address.in_use(name)


def next_step(name: str, label: str, asks: Mapping[str, str] | None = None) -> None:
    """A link to the page that comes next; none where a teacher's link keeps to one page."""
    if not controls.hidden("menu"):
        st.page_link(page(name), label=label, icon=PAGES[name].icon, query_params={**carried(name), **(asks or {})} or None)


def _offer_tour() -> None:
    """A line for who is new here, beside the title, where nothing moves when it is sent away."""
    if not state.own(_Tour).refused and not controls.hidden("menu"):
        with st.container(horizontal=True, width="content", vertical_alignment="center", gap=None):
            next_step("learn", "New here? Take the tour", {"hidden_system": "2"})  # of the first, the answer stands on the landing page
            st.button("", on_click=_refuse_tour, icon=":material/close:", type="tertiary", help="Do not offer the tour again")


def _refuse_tour() -> None:
    state.own(_Tour).refused = True


def _show_loaded(place: DeltaGenerator) -> None:
    view = state.view()
    use = " in use" if view.in_use else ""
    place.caption(f"Dataset{use}  \n**{literal(view.data)}**  \n{view.size}")
    mine = state.own_model()
    place.caption(f"Model{use}  \n**{literal(view.model)}**" + (_as_of(mine) if mine and mine.name == view.model else ""))
    if (run := state.run_not_in_use()) and not controls.hidden("menu"):
        _offer_run(run, place)


def _offer_run(run_id: str, place: DeltaGenerator) -> None:
    from nri_core.jobs import open_run  # the landing page opens without it

    with suppress(NRIError):  # its folder may be gone
        place.caption("Your run is under way." if open_run(run_id).status().active else "The model of your run is not the one in use.")
        place.page_link(page("train"), label="See your run", icon=":material/visibility:", query_params={"run": run_id})


def _as_of(model: state.Model) -> str:
    """Of which run a model was kept, and after which epoch, and whether the run went on: runs may share a name. Empty for one that no run trains."""
    from nri_core.jobs import open_run  # the landing page opens without it

    with suppress(NRIError, ValueError):
        epoch, status = int(model.folder.name), open_run(model.run).status()
        newest = status.checkpoint or model.folder
        later = "; it goes on" if status.active else f"; it went on to {int(newest.name)}" if newest != model.folder else ""
        return f"  \nrun of {moment(status.submitted)}, as of epoch {epoch}{later}"
    return ""


@functools.cache
def _warm_up() -> None:
    """Once a process, after the first page has painted: look after the queue of runs, and import what the other pages need (torch takes seconds).

    Streamlit collects garbage after each script run, which with PyTorch's objects around takes 0.1 s and more of everybody's time: what is
    there by then stays for good, and is no longer looked through.
    """
    timer = threading.Timer(_SECONDS_BEFORE_WARMING, _get_ready)
    timer.daemon = True
    timer.start()


def _get_ready() -> None:
    importlib.import_module("nri_core.jobs").keep()
    importlib.import_module("nri_core.inference")
    gc.collect()
    gc.freeze()
