"""Lesson: correlation, Granger causality, and regression on a right and a wrong law, on the same frames."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from nri_core.player import Opening
from nri_core.snippets import Method
from ui import samples, screens, share
from ui.controls import bound
from ui.forms import check_choice, choose_one, choose_system
from ui.lessons import charts
from ui.lessons.systems import HEIGHT, HIDDEN, by_method, moved, score, tell
from ui.names import sample_title
from ui.player import player

_WAYS = {
    "Correlation": ("correlation", {}),
    "Granger": ("granger", {}),
    "Right law": ("known_law", {"law": "springs"}),
    "Wrong law": ("known_law", {"law": "charged"}),
}
_ABOUT = {
    "Correlation": "joins the pairs whose paths look most alike",
    "Granger": "joins a pair where the past of one helps to predict the other",
    "Right law": "is told that springs pull, and fits how strongly each pair does",
    "Wrong law": "is told that these are charges, and fits who attracts whom",
}


def show(stage: DeltaGenerator, side: DeltaGenerator) -> None:
    """One system in the player, read by the chosen way; all ways over all systems beside it."""
    data = samples.sample("springs5").trajectories
    tell(sample_title("springs5"), data, "classical methods")
    with moved(side):
        way = choose_one("Read by", "way_read", _WAYS, start="Correlation", wrap=True)
        check_choice("Frames read", "frames_read", range(6, data.num_steps + 1), start=49)
        frames = st.slider("Frames read", 6, data.num_steps, 49, **bound("frames_read", "Frames read"))
    with side:
        system = choose_system(data.num_sims, key="read_system")
        read = {name: by_method(method, data, frames, **options) for name, (method, options) in _WAYS.items()}
        posterior, right = read[way]
        charts.shares({name: shares.mean() for name, (_, shares) in read.items()}, title=f"Right, {data.num_sims} systems, {frames} frames", chosen=way, key="ways")
    method, options = _WAYS[way]
    share.repeated_by(screens.taught("springs5", Method(name=method, window=frames, options=options), system))
    with stage:
        caption = f"{way} {_ABOUT[way]}{score(': {} right here', right[system])}{score(', {} over all systems', right.mean())}."
        player(data, sim=system, key="taught", posterior=posterior, caption=caption, height=HEIGHT, view="difference", opening=Opening(hidden=HIDDEN))
