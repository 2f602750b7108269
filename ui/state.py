"""What a session keeps from page to page. The only file that names session keys."""

import shutil
import weakref
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import streamlit as st

from nri_core.errors import NRIError
from nri_core.player.payload import noun_of
from nri_core.trajectories import Trajectories
from ui import samples
from ui.names import sample_title

T = TypeVar("T")
MINE = "My dataset"  # what pages call the dataset in use where there are others beside it
OWN = "My model"  # among the systems of Explore: the dataset in use, as a model reads it of which no run tells what it never saw
_DATASET, _MODEL, _RUNS, _RUN, _PAGE, _VIEW, _SAMPLE, _SEEN = "dataset", "model", "runs", "run", "page", "view", "sample", "seen"
HELD_OUT = "Held-out systems"  # what pages call the systems that the training of the model in use set aside
_NEXT, _ENTERED, _MADE = "next answers", "page entered", "made"


@dataclass(frozen=True)
class Dataset:
    """Trajectories and the name that the pages call them by. A run's training did not see what it held out."""

    name: str
    trajectories: Trajectories
    shipped: bool = False
    held_out: bool = False
    made: str = ""  # how to simulate them again, where that is known
    sample: str = ""  # the shipped systems of this name

    @property
    def size(self) -> str:
        """How much there is, in words."""
        sims, frames, nodes, _ = self.trajectories.values.shape
        return f"{sims:,} system{'' if sims == 1 else 's'} · {nodes} {noun_of(self.trajectories)}s · {frames} frames"


@dataclass(frozen=True)
class Model:
    """A checkpoint folder, the name that the pages call it by, and the run that trained it, where that is known; of a mean, the first of its runs."""

    name: str
    folder: Path
    run: str = ""
    beside: tuple[str, ...] = ()  # the other runs of a mean

    @property
    def runs(self) -> tuple[str, ...]:
        """All runs that it is of; none for a model that no run trained here."""
        return (self.run, *self.beside) if self.run else ()


@dataclass(frozen=True)
class View:
    """What a page works with, as the sidebar names it."""

    data: str
    size: str
    model: str
    in_use: bool = False  # not only on this page


@dataclass(frozen=True)
class Seen:
    """Which systems a page shows, and which one of them, counted from 1; `asked` where somebody chose them."""

    systems: str = ""
    system: int = 1
    asked: bool = False


def own_dataset() -> Dataset | None:
    """The dataset that was made or loaded in this session."""
    return st.session_state.get(_DATASET)


def dataset() -> Dataset:
    """The dataset in use; until one is made or loaded, shipped systems."""
    return own_dataset() or shipped_dataset(sample_name())


def shipped_dataset(name: str = samples.FIRST) -> Dataset:
    """Systems that come with the app."""
    return Dataset(sample_title(name), samples.sample(name).trajectories, shipped=True, sample=name)


def keep_dataset(name: str, trajectories: Trajectories, *, made: str = "") -> None:
    """Make `trajectories` the dataset in use, which Train then offers to train on; `made` says how to simulate them again."""
    st.session_state[_DATASET], st.session_state[_SEEN], st.session_state[_RUN] = Dataset(name, trajectories, made=made), None, None


def own_model() -> Model | None:
    """The model that was trained or loaded in this session; where its run went on since, the run's newest."""
    mine = st.session_state.get(_MODEL)
    if mine and mine.run and not mine.beside and not mine.folder.is_dir():
        from nri_core.jobs import open_run  # the landing page opens without it

        with suppress(NRIError):
            mine = st.session_state[_MODEL] = replace(mine, folder=open_run(mine.run).checkpoint_dir or mine.folder)
    return mine


def own_systems() -> str:
    """What Explore calls the systems of the session's own model; empty without one."""
    mine = own_model()
    return (HELD_OUT if mine.run else OWN) if mine else ""


def model() -> Model:
    """The model in use; until one is trained or loaded, a shipped one."""
    own = own_dataset()
    return own_model() or shipped_model((samples.fitting(own.trajectories) if own else None) or sample_name())


def shipped_model(name: str) -> Model:
    """A model that comes with the app."""
    return Model(f"Shipped {name}", samples.folder(name))


def keep_model(name: str, folder: Path, *, run: str = "", beside: tuple[str, ...] = (), temporary: bool = False) -> None:
    """Make the checkpoint in `folder` the model in use; a temporary folder goes when the session or another model replaces it."""
    model = Model(name, folder, run, beside)
    if temporary:
        weakref.finalize(model, shutil.rmtree, folder, ignore_errors=True)
    st.session_state[_MODEL], st.session_state[_SEEN] = model, None


def forget_model() -> None:
    """Go on without a model of the session's own."""
    st.session_state[_MODEL] = st.session_state[_SEEN] = None
    st.query_params.pop(name_of_model(here()), None)


def name_of_model(page: str) -> str:
    """What the address of a page calls the run whose model is in use: on Train, `run` is the one to look at."""
    return "model" if page == "train" else _RUN


def in_use() -> tuple[str, str]:
    """What tells the user's own dataset and model from any other; empty for one that there is not."""
    data, mine = own_dataset(), own_model()
    return data.trajectories.digest if data else "", str(mine.folder) if mine else ""


def uses_own() -> bool:
    """Whether the dataset or the model in use is the user's own."""
    return any(in_use())


def use_shipped() -> None:
    """Return to the systems and the model that come with the app."""
    st.session_state[_DATASET] = None
    st.query_params.pop(_MADE, None)
    forget_model()


def sample_name() -> str:
    """The shipped systems that the address asks for, else those chosen last, else the first."""
    asked = st.query_params.get(_SAMPLE) or seen().systems
    return asked if asked in samples.names() else samples.FIRST


def keep_seen(seen: Seen) -> None:
    """Let links to other pages ask for this."""
    st.session_state[_SEEN] = seen


def seen() -> Seen:
    """What was looked at last."""
    return st.session_state.get(_SEEN) or Seen()


def choose(answers: Mapping[str, Any]) -> None:
    """For callbacks: what widgets show from now on, by their keys."""
    st.session_state.update(answers)


def forget(names: Iterable[str]) -> None:
    """Before these widgets are drawn: they start anew, as the address says."""
    for name in names:
        st.session_state.pop(name, None)


def heard(component: str, name: str) -> Any:
    """For callbacks: what the component with this key has just told under `name`; None if nothing."""
    return getattr(st.session_state.get(component), name, None)


def within(key: str, low: int, high: int) -> None:
    """Before a widget with this key is drawn: what it showed may lie outside by now, for other data."""
    shown = st.session_state.get(key)
    if isinstance(shown, int) and not low <= shown <= high:
        st.session_state[key] = min(max(shown, low), high)


def choose_next(answers: Mapping[str, Any]) -> None:
    """Begin a new run in which widgets show these answers: for what is only known once they are drawn."""
    st.session_state[_NEXT] = dict(answers)
    st.rerun()


def own(kind: type[T]) -> T:
    """The session's own object of this class, which a module of `ui` keeps its state in; made when it is first asked for."""
    return st.session_state.setdefault(f"own {kind.__name__}", kind())


def answer(key: str) -> Any:
    """What the widget of this key shows; None where it is not there."""
    return st.session_state.get(key)


def changed(what: str, value: Any) -> bool:
    """Whether `value` is another than when this was last asked; the first time is no change."""
    before = st.session_state.get(f"last {what}", value)
    st.session_state[f"last {what}"] = value
    return before != value


def here() -> str:
    """The page that is drawn."""
    return st.session_state.get(_PAGE, "")


def just_entered() -> bool:
    """Whether this is its first run: what widgets show may be left from another page."""
    return st.session_state[_ENTERED]


def enter(page: str) -> None:
    """Note which page is drawn: what another one had in view is forgotten. What was chosen for this run is now shown."""
    choose(st.session_state.pop(_NEXT, {}))
    st.session_state[_ENTERED] = st.session_state.get(_PAGE) != page
    if just_entered():
        st.session_state[_PAGE], st.session_state[_VIEW] = page, None


def show(data: str, size: str, model: str) -> None:
    """Let the sidebar name what the page works with, where that is not what is in use."""
    st.session_state[_VIEW] = View(data, size, model)


def view() -> View:
    """What the sidebar names."""
    if shown := st.session_state.get(_VIEW):
        return shown
    if own_dataset() is None and (mine := own_model()) and mine.run:
        return View(HELD_OUT, "of this model", mine.name, in_use=True)
    used = dataset()
    reads = own_model() or samples.fitting(used.trajectories)
    return View(used.name, used.size, model().name if reads else "none that can read them", in_use=True)


def runs() -> list[str]:
    """Ids of the training runs that this session started or opened, newest first."""
    return list(st.session_state.get(_RUNS, ()))


def know_run(run_id: str) -> None:
    """Let this session's lists hold a run, without showing it."""
    if run_id not in runs():
        st.session_state[_RUNS] = [run_id, *runs()]


def followed_run() -> str | None:
    """Id of the run that Train shows: the one in the address, else the one that this session follows."""
    return st.query_params.get(_RUN) or st.session_state.get(_RUN)


def follow_run(run_id: str) -> None:
    """Let Train show this run, and put its id into the address, where a reload finds it."""
    st.session_state[_RUNS] = [run_id, *(other for other in runs() if other != run_id)]
    st.session_state[_RUN] = st.query_params[_RUN] = run_id


def run_not_in_use() -> str | None:
    """On other pages than Train: id of the run that it shows, where the model in use is not that run's."""
    followed, mine = st.session_state.get(_RUN), own_model()
    return None if here() == "train" or (mine and followed in mine.runs) else followed


def keep_in_address(told: Mapping[str, str]) -> None:
    """Let a reload find the data and the model in use again: what their part of the address says."""
    for name in (_MADE, _RUN, name_of_model(here())):
        if name in told and st.query_params.get(name) != told[name]:
            st.query_params[name] = told[name]


def unfollow_run() -> None:
    """Let Train show the form again."""
    st.session_state[_RUN] = st.session_state[_VIEW] = None
    st.query_params.pop(_RUN, None)
