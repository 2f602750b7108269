"""Compare's choices: which systems, and who reads their graphs."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import streamlit as st

from nri_core.checkpoint import Checkpoint
from nri_core.errors import CheckpointError, NRIError
from nri_core.inference import forecast_start
from nri_core.jobs import open_run
from nri_core.network_baselines import BASELINES, directions, reader_of
from nri_core.network_baselines import LAWS as KNOWN_LAWS
from nri_core.posterior import EdgePosterior
from nri_core.sensitivity import as_reader
from nri_core.trajectories import Trajectories
from ui import readings, samples, state
from ui.caveats import caveats
from ui.controls import bound, without_hidden_truth
from ui.forms import check_choice, choose_one
from ui.frame import next_step
from ui.names import LAWS, called, law_of, sentence
from ui.readings import Reader, by_baseline, by_model
from ui.seen import choose_systems, show_systems
from ui.state import Dataset, Model

_BEST = "Best way"
_FITTING, _MY_MODEL = "A model that fits", "My model"


@dataclass(frozen=True)
class Chosen:
    """Who reads, by what name and how, and what to beware of; `start` is the frame after which it predicts."""

    name: str
    reader: Reader
    start: int
    about: str = ""
    caveats: tuple[str, ...] = ()
    run: str = ""  # that trained it, where that is known
    infer: Callable[[Trajectories], EdgePosterior] | None = None  # the graphs of any data, without forecasts
    checkpoint: Checkpoint | None = None
    way: str = ""  # of a model's ways, where it is not its own


def choose_data() -> Dataset:
    """Own data first, if there are any; else shipped systems."""
    options = _datasets()
    data = options[choose_systems(list(options))]()
    return replace(data, trajectories=without_hidden_truth(data.trajectories))


def _datasets() -> dict[str, Callable[[], Dataset]]:
    own, options = state.own_dataset(), {}
    if own:
        options[state.MINE] = lambda: own
    if held := _held_out():
        # What the training set aside comes first unless the session has other data to try the model on, and it can read them.
        first = {held.name: lambda: held}
        options = options | first if own and not _trained_on(own) and _fits(state.own_model(), own.trajectories) else first | options
    return options | {name: partial(state.shipped_dataset, name) for name in samples.names()}


def _held_out() -> Dataset | None:
    model = state.own_model()
    try:
        return Dataset(state.HELD_OUT, _of_run(model.run)[1], held_out=True) if model and model.run else None
    except NRIError:
        return None  # the run's folder was deleted: there is nothing to offer


def _trained_on(data: Dataset) -> bool:
    model = state.own_model()
    try:
        return bool(model and model.run) and _of_run(model.run)[0] == _motion(data.trajectories.digest, data.trajectories)
    except NRIError:
        return False


@st.cache_resource(show_spinner="Opening what the training held out", max_entries=2)
def _of_run(run_id: str) -> tuple[str, Trajectories]:
    """What moved in the data that the run learned from, and what it held out."""
    run = open_run(run_id)
    learned = run.training_data()
    return _motion(learned.digest, learned), run.held_out()


@st.cache_data(show_spinner=False, max_entries=32)
def _motion(digest: str, _data: Trajectories) -> str:
    """Digest of the motion alone: a graph that is added later makes no other data of it."""
    return replace(_data, edge_types=None, edge_type_names=(), metadata={}).digest


def choose_reader(data: Dataset) -> Chosen | None:
    """A model or a classical method; None, with ways out, where it cannot read these data."""
    models, methods = _models(data.trajectories), {called(name): name for name in BASELINES}
    check_choice("Read by", "by", {**models, **methods}, start=_FITTING)
    name = st.selectbox("Read by", {**models, **methods}, **bound("by", "Read by"), help="A trained model, or a classical method.")
    try:
        return _by_model(models[name], data) if name in models else _by_method(methods[name], data.trajectories)
    except NRIError as error:
        st.error(_naming(models.get(name), error), icon=":material/error:")
        _offer_ways_out(models.get(name), models[_FITTING], data.trajectories)
        return None


def choose_model(data: Dataset, *, needs_graph: bool = False) -> Model | None:
    """A model that reads these data, and a graph in them where that is needed; None, with ways out, where the chosen one cannot."""
    models = _models(data.trajectories)
    check_choice("Model", "by", models, start=_FITTING)
    name = st.selectbox("Model", models, **bound("by", "Model"), width=190, help="The trained model whose work is shown.")
    try:
        checkpoint = readings.checkpoint(models[name].folder)
        checkpoint.check(data.trajectories)
        if needs_graph and checkpoint.config.inference == "none":
            raise CheckpointError("This model forecasts without a graph, so there is no edge to change. Choose another one.")
    except NRIError as error:
        st.error(_naming(models[name], error), icon=":material/error:")
        _offer_ways_out(models[name], models[_FITTING], data.trajectories, methods=False)
        return None
    return models[name]


def _naming(model: Model | None, error: NRIError) -> str:
    """The error's sentence with the model's name in it: it may be one that nobody chose."""
    return sentence(str(error).replace("This model", f"The model “{model.name}”", 1) if model else str(error))


def _models(data: Trajectories) -> dict[str, Model]:
    """The one that fits best, then all by their names: own, shipped."""
    own, fitting = state.own_model(), samples.fitting(data)
    shipped = {name: state.shipped_model(name) for name in samples.names()}
    best = own if own and (fitting is None or _fits(own, data)) else shipped[fitting or samples.FIRST]
    return {_FITTING: best} | ({_MY_MODEL: own} if own else {}) | shipped


def _fits(model: Model, data: Trajectories) -> bool:
    try:
        readings.checkpoint(model.folder).check(data)
    except NRIError:
        return False
    return True


def _by_model(model: Model, data: Dataset) -> Chosen:
    checkpoint, trajectories = readings.checkpoint(model.folder), data.trajectories
    checkpoint.check(trajectories)
    if checkpoint.config.inference == "none":
        raise CheckpointError("This model forecasts without a graph, so there is none to compare. Choose another one.")
    ways = _ways(checkpoint)
    way, inference = _BEST, None
    if len(ways) > 1:
        meaning = (
            "The encoder reads the graph off the motion at once. The best way asks the decoder, the network that predicts the motion, "
            "under which graph it predicts best."
        )
        way = choose_one("Way", "way", ways, start=_BEST, known_as="Way of reading", help=meaning, label_visibility="collapsed", wrap=True)
        inference = ways[way]
    seen = not data.held_out and not data.shipped and _trained_on(data)
    reader = by_model(model.folder, inference, trajectories)
    notes = caveats(checkpoint.config, trajectories, seen=seen, held_out=data.held_out)
    known = {"infer": as_reader(checkpoint, inference), "checkpoint": checkpoint, "way": way.lower() if inference else ""}
    return Chosen(model.name, reader, forecast_start(checkpoint, trajectories), caveats=tuple(notes), run=model.run, **known)


def offered(data: Dataset) -> dict[str, Callable[[], Reader]]:
    """Everyone who can read these data, by name: each way of each model that can, the one that fits best first, classical methods, and each law that could be taken for true."""
    found: dict[str, Callable[[], Reader]] = {}
    trajectories = data.trajectories
    models = _models(trajectories)
    best = models.pop(_FITTING)
    for name, model in sorted(models.items(), key=lambda named: named[1] != best):
        if not _fits(model, trajectories):
            continue
        checkpoint = readings.checkpoint(model.folder)
        ways = {} if checkpoint.config.inference == "none" else _ways(checkpoint)
        for way, inference in ways.items():
            found[name if way == _BEST else f"{name}, {way.lower()}"] = partial(by_model, model.folder, inference, trajectories)
    found |= {called(name): partial(by_baseline, name, trajectories) for name in BASELINES if name != "known_law"}
    laws = [law for law, known in KNOWN_LAWS.items() if known.of_phases == ("phase" in trajectories.feature_names)]
    return found | {f"Known law: {LAWS[law].title.lower()}": partial(by_baseline, "known_law", trajectories, law=law) for law in laws}


def _ways(checkpoint: Checkpoint) -> dict[str, str | None]:
    """The model's own way of reading the graph, and what it improves on."""
    own, ways = checkpoint.config.inference, {_BEST: None}
    if own != "encoder" and checkpoint.model.encoder is not None:
        ways["Encoder alone"] = "encoder"
    if own not in ("encoder", "decoder") and checkpoint.config.settings.additive:
        ways["Decoder alone"] = "decoder"
    return ways


def _by_method(name: str, data: Trajectories) -> Chosen:
    options = {}
    if name == "known_law":
        own, laws = law_of(data.metadata), {LAWS[law].title: law for law in KNOWN_LAWS}
        first = list(laws).index(own.title) if own and own.title in laws else 0
        options["law"] = laws[st.selectbox("Law", laws, first, **bound("told", "Law that is told"), help="Try a wrong one, and see it fail.")]
    about = (BASELINES[name].__doc__ or "").strip().split("\n")[0]
    about += " Each direction of a pair is read on its own." if directions(name, data) else " Both directions of a pair get the same."
    reader = by_baseline(name, data, **options)
    return Chosen(called(name), reader, reader.source.window - 1, about, infer=reader_of(name, **options))


def _offer_ways_out(model: Model | None, fitting: Model, data: Trajectories, *, methods: bool = True) -> None:
    """Buttons to data or a model that go together: an error must not be a dead end."""
    if model != fitting and _fits(fitting, data):
        st.button(f"Read by {fitting.name}", on_click=state.choose, args=({"by": _FITTING},), icon=":material/swap_horiz:", width="stretch")
    suited = next((name for name in samples.names() if model and _fits(model, samples.sample(name).trajectories)), None)
    if suited:
        st.button(f"Show {suited}", on_click=show_systems, args=(suited,), icon=":material/swap_horiz:", width="stretch")
    if methods:
        st.button("Read by correlation", on_click=state.choose, args=({"by": called("correlation")},), icon=":material/swap_horiz:", width="stretch")
    next_step("train", "Train a model on such data")
