"""How much does it need, on Compare: accuracy against frames, noise and size, measured while one looks."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from nri_core.errors import DataError
from nri_core.network_baselines import BASELINES, reader_of
from nri_core.network_baselines import LAWS as KNOWN_LAWS
from nri_core.player.payload import NOUNS
from nri_core.sensitivity import Point, Question, Read, by_frames, by_nodes, by_noise, enough, fresh_by_frames, law_learned, measure, noise_on, usual_frames
from nri_core.snippets import Model
from nri_core.systems import System, system_of
from ui import figures, screens, share, state
from ui.choices import Chosen
from ui.controls import bound
from ui.forms import check_choice, note
from ui.frame import mistakes_shown, next_step
from ui.names import LAWS, called, literal
from ui.readings import WINDOW
from ui.state import Dataset

SECONDS_BETWEEN = 0.6
SECONDS_UNSEEN = 10.0  # then nobody looks any more, and measuring stops
GOOD = 0.95
FRAMES, NOISE, NODES = "Frames seen", "Noise", "Number of nodes"
_WORDS = {
    FRAMES: ("frames", "How many frames must be seen before the graph is clear?", "Frames seen"),
    NOISE: ("noise", "How much noise on what is seen does it bear?", "Noise: standard deviation, in the simulator's units"),
    NODES: ("nodes", "Does it read systems that are smaller or larger than those it learned from?", "Nodes in a system"),
}
_OWN_NOISE = "Noise: standard deviation, in shares of each feature's own spread"
_FRESH, _THESE, _NOBODY = "Fresh ones", "Those chosen above", "Nobody"


@dataclass
class Wish:
    """Of a session: whether it asked to measure; from then on another question is answered at once."""

    asked: bool = False


@dataclass
class Measuring:
    """One curve, measured in a thread of its own for as long as somebody looks, point after point; kept for all sessions."""

    read: Read
    question: Question
    points: list[Point] = field(default_factory=list)
    _seen: float = 0.0
    _fault: Exception | None = None
    _thread: threading.Thread | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def complete(self) -> bool:
        """Whether nothing is left to measure."""
        return len(self.points) == len(self.question.values)

    def look(self) -> list[Point]:
        """What is known by now; the rest goes on being measured. A bug in the measuring surfaces here."""
        with self._lock:
            self._seen = time.monotonic()
            if self._fault is not None:
                fault, self._fault = self._fault, None
                raise fault
            if not self.complete and (self._thread is None or not self._thread.is_alive()):
                self._thread = threading.Thread(target=self._measure, name="sensitivity", daemon=True)
                self._thread.start()
            return list(self.points)

    def _measure(self) -> None:
        while not self.complete and time.monotonic() - self._seen < SECONDS_UNSEEN:
            try:
                self.points.append(measure(self.read, self.question, self.question.values[len(self.points)]))
            except Exception as fault:  # noqa: BLE001 - raised again for whoever looks
                self._fault = fault
                return


def show_needs(side: DeltaGenerator, chosen: Chosen, dataset: Dataset) -> None:
    """The question beside, the curve on the stage; it begins when asked to and fills in while the page stays usable."""
    with side:
        check_choice("What changes", "need", _WORDS, start=FRAMES)
        by = st.radio("What changes", _WORDS, **bound("need", "What changes"))
        law = _law(chosen, dataset)
        sources = ([_FRESH] if law else []) + ([_THESE] if dataset.trajectories.edge_types is not None and by != NODES else [])
        fresh = _choose_systems(by, sources) == _FRESH
        methods = {_NOBODY: "", **{called(name): name for name in BASELINES}}
        check_choice("Beside it", "beside", methods, start=called("granger"))
        start = list(methods).index(called("granger"))
        beside = methods[st.selectbox("Beside it", methods, start, help="A classical method on the same systems, for contrast.", **bound("beside", "Beside it"))]
    word, asked, x_title = _WORDS[by]
    if not sources:
        _say_what_is_missing(asked, by, chosen, dataset)
        return
    x_title = x_title if fresh or by == FRAMES else _OWN_NOISE
    made = _fresh_ones(by, chosen, dataset, law) if fresh and law else f"“{literal(dataset.name)}”, read now"
    st.caption(f"{asked} Share of pairs that “{literal(chosen.name)}” gets right, on {made}.")
    with mistakes_shown():
        question = _question(by, chosen, dataset, law if fresh else None)
        if isinstance(chosen.reader.source, Model):
            share.repeated_by(screens.measured(dataset, chosen.reader.source, word, beside=beside, fresh=fresh))
        name = f"{chosen.name}, {chosen.way}" if chosen.way else chosen.name
        curves = {name: _measuring(chosen.reader.key, chosen.infer, question)}
        if beside and called(beside) != name:
            read, key = _beside(beside, chosen, dataset)
            curves[called(beside)] = _measuring(key, read, question)
        wish = state.own(Wish)
        if not wish.asked and not all(curve.complete for curve in curves.values()):
            _show_curves(x_title, curves, {name: [] for name in curves})
            st.button(f"Measure {sum(len(curve.question.values) for curve in curves.values())} points", type="primary", icon=":material/monitoring:", on_click=_ask, args=(wish,), key="measure")
            return
        follow = partial(_follow, by, x_title, curves)
        if all(curve.complete for curve in curves.values()):
            follow()
        else:
            st.fragment(follow, run_every=SECONDS_BETWEEN)()


def _say_what_is_missing(asked: str, by: str, chosen: Chosen, dataset: Dataset) -> None:
    """No mistake: what would have to be known to measure it, and where to go on."""
    whose = "the data that the model learned from" if chosen.checkpoint else f"“{literal(dataset.name)}”"
    unknown = f"the law behind {whose} is not known here"
    if dataset.trajectories.edge_types is not None:
        st.info(f"{asked} Systems of other sizes have to be simulated, and {unknown}. {FRAMES} and noise can be measured on the systems that are chosen.", icon=":material/info:")
    else:
        missing = f"This counts the pairs that are right, so a true graph has to be known. These data come without one, and none like them can be simulated: {unknown}."
        st.info(f"{asked} {missing} Give the known graph, or choose simulated ones under Systems and a model that fits them.", icon=":material/info:")
        next_step("upload", "Give a known graph under Your data")
    next_step("simulate", "Simulate systems whose graph is known")


def _ask(wish: Wish) -> None:
    wish.asked = True


def _choose_systems(by: str, options: Sequence[str]) -> str:
    """Nothing is asked where there is no choice."""
    if by == NODES or not options:
        return _FRESH
    check_choice("Read from", "read_from", options, start=options[0])
    return st.radio("Read from", options, help="Fresh systems are simulated by the law that the model learned from.", **bound("read_from", "Read from"))


def _question(by: str, chosen: Chosen, dataset: Dataset, law: System | None) -> Question:
    """On fresh systems of the law, or else on those that are there."""
    data = dataset.trajectories
    window, nodes = (chosen.checkpoint.config.window, chosen.checkpoint.config.num_nodes) if chosen.checkpoint else (WINDOW, data.num_nodes)
    if law is None:
        return noise_on(data, frames=window) if by == NOISE else by_frames(data, usual_frames(window, data.num_steps))
    if by == FRAMES:
        return fresh_by_frames(law, usual_frames(window, 4 * window), nodes=nodes)
    return by_noise(law, frames=window, nodes=nodes) if by == NOISE else by_nodes(law, frames=window)


def _fresh_ones(by: str, chosen: Chosen, dataset: Dataset, law: System) -> str:
    """What they are, but for what changes: they may be others than the systems that are chosen."""
    name = str(_told(chosen, dataset).get("system"))
    nodes = chosen.checkpoint.config.num_nodes if chosen.checkpoint else dataset.trajectories.num_nodes
    parts = {"law": LAWS[name].title.lower(), NODES: f"{nodes} {NOUNS[name]}s", NOISE: f"a noise of {law.noise:g}" if law.noise else "no noise"}
    whose = "those that it learned from" if chosen.checkpoint else f"“{literal(dataset.name)}”"
    return f"fresh systems like {whose}: {', '.join(words for part, words in parts.items() if part != by)}"


def _told(chosen: Chosen, dataset: Dataset) -> Mapping[str, Any]:
    """What is known of the data that the model learned from, or of those that are here."""
    return chosen.checkpoint.config.metadata.get("data", {}) if chosen.checkpoint else dataset.trajectories.metadata


def _law(chosen: Chosen, dataset: Dataset) -> System | None:
    """None where nobody knows it."""
    with suppress(DataError):
        return law_learned(chosen.checkpoint) if chosen.checkpoint else system_of(dataset.trajectories.metadata)
    return None


def _beside(name: str, chosen: Chosen, dataset: Dataset) -> tuple[Read, str]:
    """The method, told the law that is true where it takes one."""
    if name != "known_law":
        return reader_of(name), name
    told = str(_told(chosen, dataset).get("system"))
    law = told if told in KNOWN_LAWS else "springs"
    return reader_of(name, law=law), f"{name} {law}"


def _measuring(reader: str, read: Callable, question: Question) -> Measuring:
    return _kept(reader, question.by, question.key, read, question)


@st.cache_resource(show_spinner=False, max_entries=48)
def _kept(reader: str, by: str, key: str, _read: Read, _question: Question) -> Measuring:
    return Measuring(_read, _question)


def _follow(by: str, x_title: str, curves: dict[str, Measuring]) -> None:
    """What is known by now; once all is, the page is drawn anew without a timer."""
    before = all(curve.complete for curve in curves.values())
    points = {name: curve.look() for name, curve in curves.items()}
    _show_curves(x_title, curves, points)
    done, total = sum(map(len, points.values())), sum(len(curve.question.values) for curve in curves.values())
    if done < total:
        st.progress(done / total, f"{done} of {total} points measured. Go elsewhere if you like: it stops, and goes on when you are back.")
        return
    if not before:
        st.rerun()
    _say(by, next(iter(curves)), next(iter(points.values())))


def _spans(points: Sequence[Point]) -> str:
    """Where the accuracy is good: "3 and 8 to 15", each span of neighbouring points."""
    runs = [list(run) for good, run in groupby(points, key=lambda point: (point.accuracy or 0) >= GOOD) if good]
    words = [f"{run[0].at:g}" + (f" to {run[-1].at:g}" if len(run) > 1 else "") for run in runs]
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def _show_curves(x_title: str, curves: dict[str, Measuring], points: dict[str, list[Point]]) -> None:
    values = next(iter(curves.values())).question.values
    figure = figures.accuracy_by(points, values, x_title, spaced=0.0 in values)
    st.plotly_chart(figure, key="needs", config=figures.PLAIN, alt=f"Share of pairs right against {x_title.lower()}")


def _say(by: str, name: str, points: list[Point]) -> None:
    """What the curve says in one sentence, and what could not be measured."""
    known = [point for point in points if point.accuracy is not None]
    if by == FRAMES and known:
        least = enough(points, GOOD)
        found = f"From {least:g} frames on" if least is not None else "With none of these numbers of frames"
        st.markdown(f"{found} **{literal(name)}** gets at least {100 * GOOD:.0f} % of pairs right.")
    elif known:
        shown = _spans(known)
        what = f"{'a noise of' if by == NOISE else 'systems of'} {shown}{'' if by == NOISE else ' nodes'}"
        st.markdown(f"**{literal(name)}** gets at least {100 * GOOD:.0f} % of pairs right with {what}." if shown else f"**{literal(name)}** never gets {100 * GOOD:.0f} % of pairs right here.")
    counts = sorted({point.num_sims for point in points})
    st.caption(
        f"Line: the mean over {' to '.join(map(str, dict.fromkeys((counts[0], counts[-1]))))} systems a point; band: where the middle 80 % of them lie; dotted: always naming the "
        "commonest type. The model's types have no names of their own: each point counts them under the names that fit best there (“up to relabelling”).",
        help="Fewer systems of the larger ones are read, so that a point takes about as long. Fresh systems are simulated with a seed that no training used.",
    )
    for why in dict.fromkeys(point.why for point in points if point.why):
        places = ", ".join(f"{point.at:g}" for point in points if point.why == why)
        note("orange", "info", f"Not measured at {places}: {literal(why)}")
