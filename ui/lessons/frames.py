"""Lesson: accuracy against the number of frames and the noise on them, measured live."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from nri_core.inference import infer_edges
from nri_core.player import Opening
from nri_core.systems import Simulation, Springs
from nri_core.trajectories import Trajectories
from ui import samples, screens, share, simulations
from ui.controls import bound, truth_hidden
from ui.forms import check_choice, choose_one, choose_system
from ui.lessons import charts
from ui.lessons.systems import HEIGHT, HIDDEN, Named, moved, named, percent, score, tell
from ui.player import player
from ui.readings import checkpoint

_LENGTHS = (3, 5, 8, 12, 20, 30, 49)  # frames, of the curve
_NOISES = (0.0, 0.002, 0.005, 0.01, 0.02, 0.05)
_WAYS = {"Decoder": None, "Encoder": "encoder"}
_SIZE = Simulation(num_sims=36, num_nodes=5, num_steps=49, seed=3)


def show(stage: DeltaGenerator, side: DeltaGenerator) -> None:
    """The motion that the model saw, what it read, and the curve over lengths."""
    with moved(side):
        check_choice("Frames seen", "frames_seen", range(3, _SIZE.num_steps + 1), start=8)
        frames = st.slider("Frames seen", 3, _SIZE.num_steps, 8, **bound("frames_seen", "Frames seen"))
        check_choice("Noise", "noise_seen", _NOISES, start=0.005)
        about = "Standard deviation of what is added to every place and velocity; the walls stand at ±5."
        noise = st.select_slider("Noise", _NOISES, 0.005, **bound("noise_seen", "Noise"), help=about)
        about = "The decoder tries graphs and keeps those that predict well; the encoder names one at a glance."
        way = choose_one("Read through", "way_seen", _WAYS, start="Decoder", wrap=True, help=about)
    with side:
        curve = st.container()
        system = choose_system(_SIZE.num_sims, key="seen_system")
    data = simulations.preview(Springs(noise=noise), _SIZE)
    reading = _read(data, frames, way)
    tell(f"Springs, noise {noise:g}", data, "Shipped springs5")
    noisy = simulations.screen("springs", Springs(noise=noise), _SIZE).data
    share.repeated_by(screens.taught(noisy, samples.folder("springs5"), system, inference=_WAYS[way], frames=frames))
    with stage:
        seen = data.select(slice(system, system + 1), frames=slice(0, frames))
        caption = f"The {frames} frames that the model saw, over and over.{score(' In this system {} right', reading.right[system])}{score(', {} over all systems.', reading.right.mean())}"
        opening = Opening(hidden=HIDDEN)
        player(seen, key="taught", posterior=reading.posterior, posterior_sim=system, caption=caption, height=HEIGHT, view="difference", opening=opening)
    with curve:
        if truth_hidden():
            return
        with st.spinner("Reading other lengths"):
            lines = {name: [100 * _read(data, length, name).right.mean() for length in _LENGTHS] for name in _WAYS}
        title = f"Right, {_SIZE.num_sims} systems: {percent(reading.right.mean())} here"
        charts.curves(_LENGTHS, lines, title=title, x_title="Frames seen", y_title="Right (%)", key="lengths", mark=frames)


def _read(data: Trajectories, frames: int, way: str) -> Named:
    return _kept(data.digest, frames, way, data)


@st.cache_resource(show_spinner=False, max_entries=512)
def _kept(digest: str, frames: int, way: str, _data: Trajectories) -> Named:
    part = _data.select(slice(None), frames=slice(0, frames))
    return named(infer_edges(checkpoint(samples.folder("springs5")), part, inference=_WAYS[way]), part)
