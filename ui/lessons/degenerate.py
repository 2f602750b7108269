"""Lesson: a model whose graph says nothing, the same for every system, beside one that needs the right graph."""

from typing import NamedTuple

import numpy as np
import streamlit as st
from jaxtyping import Float
from streamlit.delta_generator import DeltaGenerator

from nri_core.inference import infer_edges, rollout
from nri_core.metrics import forecast_error, static_error
from nri_core.player import Opening
from nri_core.posterior import EdgePosterior
from nri_core.trajectories import Trajectories
from ui import samples, screens, share
from ui.controls import bound, truth_hidden
from ui.forms import check_choice, choose_one, choose_system
from ui.lessons import charts
from ui.lessons.systems import HEIGHT, HIDDEN, moved, named, score, tell
from ui.names import sample_title
from ui.player import player
from ui.readings import checkpoint

_ONE_FRAME = "One frame"
_MODELS = {_ONE_FRAME: samples.SAMPLE_DATA / "lessons" / "one_step", "As in Explore": samples.folder("springs5")}
_START, _AHEAD = 48, 20
_GRAPHS = ("Its own", "Another system's")


class _Reading(NamedTuple):
    drawn: dict[str, EdgePosterior]  # by the graph that the decoder is given
    right: np.ndarray
    forecasts: dict[str, Trajectories]
    errors: dict[str, Float[np.ndarray, " horizon"]]  # median over systems
    alike: np.ndarray  # whether both graphs of a system are the same


def show(stage: DeltaGenerator, side: DeltaGenerator) -> None:
    """One model's graph and forecast, under its own graph or another system's; both errors by horizon."""
    data = samples.sample("springs5").trajectories
    with moved(side):
        who = choose_one("Model", "listener", _MODELS, start=_ONE_FRAME, wrap=True)
        given = choose_one("Predict under the graph", "given", _GRAPHS, start=_GRAPHS[0], wrap=True)
        check_choice("Error after (frames)", "ahead", range(1, _AHEAD + 1), start=1)
        ahead = st.slider("Error after (frames)", 1, _AHEAD, 1, **bound("ahead", "Error after (frames)"))
    with side:
        cost = st.container()
        system = choose_system(data.num_sims, key="listening_system")
    reading = _kept(data.digest, who, data)
    tell(sample_title("springs5"), data, "Taught one frame at a time" if who == _ONE_FRAME else "Shipped springs5")
    share.repeated_by(screens.taught("springs5", _MODELS[who], system))
    own, other = (reading.errors[graph][ahead - 1] for graph in _GRAPHS)
    ratio = f"{float(f'{other / own:.2g}'):,g}"
    times = "is the same" if ratio == "1" else f"is {ratio} times as large"
    with stage:
        about = score("{} of its edges are right here, ", reading.right[system]) + score("{} over all systems. ", reading.right.mean()) if given == _GRAPHS[0] else "Drawn: the graph that it infers for another system. "
        if reading.alike[system]:
            about += "It infers one and the same graph for this system and the other. "
        after = f"Under another system's graph its error after {ahead} frame{'s' * (ahead > 1)} {times}."
        caption = f"{about}Thin dashes: its forecast from frame {_START} on, under {'its own' if given == _GRAPHS[0] else 'that'} graph. {after}"
        shown = {"caption": caption, "height": HEIGHT, "view": "difference", "opening": Opening(hidden=HIDDEN)}
        player(data, sim=system, key="taught", posterior=reading.drawn[given], forecast=reading.forecasts[given], **shown)
    with cost:
        st.metric(
            "Error, other graph against own",
            "the same" if ratio == "1" else f"{ratio} times",
            help="The median error of the forecast under another system's graph, against that under the model's own graph.",
        )
        still = np.median(static_error(reading.forecasts[given], data), axis=0)
        lines = {"own": reading.errors[_GRAPHS[0]], "other": reading.errors[_GRAPHS[1]], "at rest": still}
        charts.curves(range(1, _AHEAD + 1), lines, title="Forecast error, by graph", x_title="Frames ahead", y_title="Squared error", key="listening", mark=ahead, log=True)
        truth_hidden()


@st.cache_resource(show_spinner=False, max_entries=8)
def _kept(digest: str, who: str, _data: Trajectories) -> _Reading:
    model = checkpoint(_MODELS[who])
    posterior = infer_edges(model, _data)
    graphs = {_GRAPHS[0]: posterior, _GRAPHS[1]: posterior.select(np.roll(np.arange(_data.num_sims), 1))}
    forecasts = {name: rollout(model, _data, graph, start=_START, num_steps=_AHEAD) for name, graph in graphs.items()}
    errors = {name: np.median(forecast_error(forecast, _data), axis=0) for name, forecast in forecasts.items()}
    own, right = named(posterior, _data)
    drawn = {_GRAPHS[0]: own, _GRAPHS[1]: own.select(np.roll(np.arange(_data.num_sims), 1))}
    alike = np.array([np.array_equal(one, other) for one, other in zip(*(graph.edge_types for graph in graphs.values()), strict=True)])
    return _Reading(drawn, right, forecasts, errors, alike)
