"""The address of a page: what a link restores, what it must say for that, and what it cannot carry."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from nri_core.errors import DataError, JobError, NRIError
from nri_core.player import Opening
from ui import controls, samples, state
from ui.edits import of_belief
from ui.forms import note, plain
from ui.names import sentence

MADE, RUN = "made", "run"
FILE = "file"  # made by nobody that an address could ask
SEEN: dict[str, type] = {"frame": int, "view": str, "zoom": str, "threshold": float, "temperature": float, "selected": str}  # of the player, as an `Opening` takes it
DRAFT = "draft"  # of a guess that was not told yet: the player says it too
BY_PAGES = {RUN, "kinds", "edits", "guess", "example"}  # what pages read and write themselves, without a widget
_KNOWN = BY_PAGES | {MADE, state.name_of_model("train"), "sample", controls.HIDE, controls.LOCK, *SEEN}  # besides the widgets of the page
_HERE = ("127.0.0.1", "localhost", "::1")


@dataclass
class _Lost:
    """Of one session: sentences on what the address named and is not there any more. They stay until another page is entered, or other data or another model are in use: a page may draw itself again at once."""

    said: list[Callable[[], object]] = field(default_factory=list)
    beside: tuple[str, str] = ("", "")


def recall(page: str) -> None:
    """Bring back what the address names and this session lacks: data simulated again, the model of a run. Raises NRIError, and the page goes on without."""
    lost = state.own(_Lost)
    if state.just_entered() or lost.beside != state.in_use():
        lost.said.clear()
    for say in lost.said:
        say()
    made, own = st.query_params.get(MADE), state.own_dataset()
    if lost_file():
        if page != "train" or RUN not in st.query_params:  # else the run is asked for it
            say_lost()
    elif made and own is None:
        from ui.simulations import remade  # torch: the landing page opens without it

        name, data = remade(made)
        state.keep_dataset(name, data, made=made)
    try:
        _recall_model(st.query_params.get(state.name_of_model(page)))
    except NRIError as error:
        state.forget_model()
        _say(partial(st.error, sentence(str(error)), icon=":material/error:"))
    lost.beside = state.in_use()


def _say(words: Callable[[], object]) -> None:
    state.own(_Lost).said.append(words)
    words()


def _recall_model(told: str | None) -> None:
    """Make the model of the run that the address names, or the mean of several, the one in use, where this session has none: a reload, or a link from somebody else.

    Raises NRIError for a run that is not there, or not any more: session and address then forget it, so that the page goes on without.
    """
    mine = state.own_model()
    if mine and not mine.folder.is_dir():
        raise JobError(f"The model “{mine.name}” was in use here, and is not there any more. A shipped one stands in its place; choose another under Runs.")
    if mine or not told:
        return
    if told in samples.names():
        state.keep_model(state.shipped_model(told).name, samples.folder(told))
    elif told == FILE:
        state.forget_model()
        _say(partial(note, "orange", "link_off", "A model that was loaded from files was in use here, and no address carries one. Load it again under Train; until then, a shipped one stands in its place."))
    else:
        from nri_core.jobs import open_run  # the landing page opens without it
        from ui.keeping import keep_model_of

        runs = [open_run(one) for one in told.split(",")]
        if runs[1:] or runs[0].checkpoint_dir:
            keep_model_of(runs)


def lost_file() -> bool:
    """Whether the address says that a file was in use, and this session has none."""
    return st.query_params.get(MADE) == FILE and state.own_dataset() is None


def say_lost() -> None:
    """That it has to be brought again; the address then forgets it."""
    st.query_params.pop(MADE)
    named = st.query_params.get(RUN, FILE)
    instead = "what its training held out is here" if named not in (FILE, *samples.names()) else "shipped systems stand in its place"
    _say(partial(note, "orange", "link_off", f"A file was in use here, and no address carries one. Bring it again under Your data; until then, {instead}."))


def in_use(page: str) -> dict[str, str]:
    """What the address of a page says of the user's own data and model, so that a reload or somebody else finds them."""
    data, model = state.own_dataset(), state.own_model()
    said = {MADE: data.made or FILE} if data else {}
    return said | ({state.name_of_model(page): _told(model)} if model else {})


def _told(model: state.Model) -> str:
    """The runs that it is of, or the shipped one that it is."""
    shipped = (name for name in samples.names() if samples.folder(name) == model.folder)
    return ",".join(model.runs) or next(shipped, FILE)


def link(page: str, seen: Mapping[str, Any], taught: Mapping[str, Sequence[str]]) -> str:
    """What opens the page as it is now, for whoever has it: with the player as `seen`, and with controls hidden or locked as `taught`."""
    said = _said() | {key: written(state.answer(key)) for key, control in controls.drawn().items() if control.told and state.answer(key) is not None}
    said = {name: values for name, values in said.items() if name in controls.drawn() or name in BY_PAGES}
    said |= {name: [str(value)] for name, value in seen.items() if name in SEEN and name not in controls.drawn() and value not in (None, "")}
    if DRAFT in seen:  # as it is now, whatever the address says
        said[DRAFT] = [str(seen[DRAFT])] if seen[DRAFT] else []
    said |= {name: [",".join(names)] for name, names in taught.items() if names}
    if "edits" in said and "truth" in taught.get(controls.HIDE, ()):  # the world cannot be changed where nobody knows its law
        said["edits"] = [of_belief(said["edits"][0])]
    said |= {name: [value] for name, value in in_use(page).items()}
    query = urlencode(said, doseq=True, safe=",")
    start = st.context.url or ""
    return start + "/" * (not urlsplit(start).path) + (f"?{query}" if query else "")


def opening_asked(start: Opening) -> Opening:
    """How the player opens: as the address says, and else as `start`; what no player can show is said and left out."""
    for name, kind in SEEN.items():
        asked = st.query_params.get(name)
        if asked and name not in controls.drawn():  # a widget of the page may go by such a name
            try:
                start = replace(start, **{name: kind(asked)})
            except (ValueError, DataError):
                note("orange", "link_off", f"The address asks the player for {name} = {plain(asked)}, which it cannot show. Using its own.")
    return start


def unknown() -> list[str]:
    """Names in the address that nobody on this page asks for, once it is drawn."""
    return sorted(name for name in st.query_params if name not in _KNOWN and name not in controls.drawn() and not controls.drawn_before(name))


def left_behind() -> Iterator[str]:
    """A sentence on each thing that no link can carry."""
    model, data = state.own_model(), state.own_dataset()
    if RUN in st.query_params and state.here() == "train":
        yield "With the run goes what it was given to learn from: whoever opens the link can work with that."
    elif data and not data.made:
        yield "Your file does not travel in a link. Whoever wants to see all of it needs the file, under Your data."
    if model and model.run:
        yield "With the model goes what its training held out of the data: whoever opens the link can see that part of them."
    if model and _told(model) == FILE:
        yield "Your model stays in this session: it was loaded from files. Whoever opens the link sees a shipped one, and can load the files under Train."
    if urlsplit(st.context.url or "").hostname in _HERE:
        yield "The address is that of this computer. For others in your network start the app by `make app HOST=0.0.0.0`, and put this computer's address into the link."


def _said() -> dict[str, list[str]]:
    """What the browser's address says at this moment; `st.query_params` may lag behind the widgets that are bound to it."""
    context = get_script_run_ctx()
    return parse_qs(context.query_string, keep_blank_values=True) if context else {}


def written(answer: Any) -> list[str]:
    """As a bound widget writes itself into the address."""
    if isinstance(answer, list | tuple):
        return [str(one) for one in answer]
    return [str(answer).lower() if isinstance(answer, bool) else str(answer)]
