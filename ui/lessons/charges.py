"""Lesson: pairs of charges are not independent; one number a particle explains them all."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from nri_core.charges import as_charges, charges_of, impossible_triangles, ways
from nri_core.inference import infer_edges
from nri_core.player import Opening
from nri_core.posterior import EdgePosterior
from nri_core.trajectories import Trajectories
from ui import samples, screens, share
from ui.controls import bound
from ui.forms import check_choice, choose_one, choose_system
from ui.lessons import charts
from ui.lessons.systems import HEIGHT, HIDDEN, Named, moved, named, score, tell
from ui.names import sample_title
from ui.player import player
from ui.readings import checkpoint

_SIZES = {"5": "charged5", "10": "charged10"}
_WAYS = ("Pair by pair", "One charge each")
_MOST_FRAMES = 49


def show(stage: DeltaGenerator, side: DeltaGenerator) -> None:
    """The encoder's reading of few frames, as it is or as the likeliest charges."""
    with moved(side):
        size = choose_one("Particles", "charged_particles", _SIZES, start="5", wrap=True)
        data = samples.sample(_SIZES[size]).trajectories
        way = choose_one("Read", "charged_way", _WAYS, start=_WAYS[0], wrap=True)
        check_choice("Frames seen", "charged_frames", range(5, _MOST_FRAMES + 1), start=8)
        frames = st.slider("Frames seen", 5, _MOST_FRAMES, 8, **bound("charged_frames", "Frames seen"))
    with side:
        system = choose_system(data.num_sims, key="charged_system", start=3)
    read = {name: _kept(data.digest, frames, name, _SIZES[size], data) for name in _WAYS}
    posterior, right = read[way]
    tell(sample_title(_SIZES[size]), data, f"Shipped {_SIZES[size]}")
    broken = impossible_triangles(posterior.edge_types[system])
    share.repeated_by(screens.taught(_SIZES[size], samples.folder(_SIZES[size]), system, inference="encoder", frames=frames, charges=way == _WAYS[1]))
    with stage:
        player(data, sim=system, key="taught", posterior=posterior, caption=_caption(data, posterior, system, way, right[system]), height=HEIGHT, opening=Opening(hidden=HIDDEN))
    with side:
        all_ways, explained = ways(data.num_nodes)
        about = f"There are {all_ways:,} ways to call the pairs attracting or repelling; charges explain {explained:,} of them."
        st.metric("Triangles no charges allow", len(broken), help=about)
        charts.shares({name: shares.mean() for name, (_, shares) in read.items()}, title=f"Right, {data.num_sims} systems", chosen=way, key="charges")


def _caption(data: Trajectories, posterior: EdgePosterior, system: int, way: str, right: float) -> str:
    words = score("{} of this system's pairs right. ", right)
    broken = impossible_triangles(posterior.edge_types[system])
    if way == _WAYS[1]:
        signs = charges_of(posterior)[system]
        return words + "Charges: " + ", ".join(f"{name} {'+' if sign > 0 else '−'}" for name, sign in zip(data.node_names, signs, strict=True)) + " (or all the other way round)."
    if len(broken):
        return words + f"Look at {', '.join(data.node_names[node] for node in broken[0])}: no charges give such a triangle."
    return words + "Every triangle here could come from charges."


@st.cache_resource(show_spinner=False, max_entries=256)
def _kept(digest: str, frames: int, way: str, model: str, _data: Trajectories) -> Named:
    part = _data.select(slice(None), frames=slice(0, frames))
    pairwise = named(infer_edges(checkpoint(samples.folder(model)), part, inference="encoder"), part)
    return pairwise if way == _WAYS[0] else named(as_charges(pairwise.posterior), part)
