"""Lesson: a graph is found by predicting; the visitor is the search."""

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from nri_core.candidates import Candidates, unexplained
from nri_core.checkpoint import Checkpoint
from nri_core.errors import NRIError
from nri_core.graph import off_diagonal
from nri_core.guess import Guess, share_right
from nri_core.player import Opening
from nri_core.player.guessing import Guessing
from nri_core.trajectories import Trajectories
from nri_core.what_if import forecasts
from ui import samples, screens, share
from ui.controls import bound, hidden
from ui.forms import choose_system, note
from ui.lessons import address
from ui.lessons.systems import HEIGHT, HIDDEN, moved, one, tell
from ui.names import sample_title, sentence
from ui.player import player
from ui.readings import checkpoint

_FIRST = "0000000000"  # no pair joined
_UNEXPLAINED = (
    "How far off the decoder is from one frame to the next, as a share of how much the motion changes: the median over frames, the mean over particles."
)


def show(stage: DeltaGenerator, side: DeltaGenerator) -> None:
    """A candidate graph that the visitor changes; what the decoder makes of it; the likeliest graph never needs the truth."""
    address.come_back(address.TRIED)
    data, model = samples.sample("springs5").trajectories, checkpoint(samples.folder("springs5"))
    tell(sample_title("springs5"), data, "Shipped springs5")
    pressed = moved(side).container(horizontal=True)
    with side:
        system = choose_system(data.num_sims, key="search_system", on_change=address.keep_tried, args=(_FIRST,))
    alone = one(data, system)
    tried = _tried(data)
    all_graphs = _candidates(alone.digest, model, alone)
    start = model.config.window - 1
    share.repeated_by(screens.taught("springs5", samples.folder("springs5"), system))
    left = unexplained(model, alone.select(slice(None), frames=slice(0, model.config.window)), tried.edge_types[None]).mean()
    rank, count = all_graphs.rank(tried.edge_types), len(all_graphs.log_probs)
    part = f"{float(f'{100 * left:.2g}'):g} %"
    with stage:
        caption = f"Rank {rank:,} of {count:,} graphs by how likely the motion is under it; {part} unexplained. Long dashes: your graph. Thin ones, from frame {start} on: the forecast under it."
        asked = Guessing(data.edge_type_names, live=True, start=tried.pairs, edition=f"{system} {address.tries()}")
        ahead = forecasts(model, alone, tried.edge_types[None], start=start, num_steps=data.num_steps - start - 1)
        told = player(alone, key="taught", caption=caption, height=HEIGHT, guess=asked, whose="Your graph", forecast=ahead, forecast_sim=0, opening=Opening(hidden=HIDDEN))
    if told.guess is not None:
        address.note_tried(Guess.of_pairs(told.guess, num_nodes=data.num_nodes).text)
        st.rerun()
    with side:
        st.metric("Rank of your graph", f"{rank:,} of {count:,}", help="Of all graphs on five particles, by how likely the decoder finds the motion under each.")
        st.metric("Motion left unexplained", part, help=_UNEXPLAINED)
        st.caption("The rank decides: on the way to the first, more may be left unexplained for a while.")
        better = Guess(all_graphs.better(tried.edge_types)).text
        with pressed:
            help_ = "Change the one pair that makes the motion likelier, by which graphs are ranked; two where no single one helps. On the way a wrong pair may come and go. No label is used."
            st.button("Best change", on_click=address.keep_tried, args=(better,), type="primary", disabled=better == tried.text, help=help_)
            st.button("Start over", on_click=address.keep_tried, args=(_FIRST,), disabled=tried.text == _FIRST)
        if not hidden("truth") and st.toggle("Compare with the truth", **bound("search_truth", "Compare with the truth")):
            right = share_right(tried.edge_types, data.edge_types[system])
            pairs = int(off_diagonal(data.num_nodes).sum()) // 2
            st.caption(f"**{round(pairs * right)} of {pairs} pairs** are as they truly are." + (" The search found them without a label." if rank == 1 and right == 1 else ""))


def _tried(data: Trajectories) -> Guess:
    text = address.tried() or _FIRST
    try:
        return Guess.of_text(text, num_nodes=data.num_nodes)
    except NRIError as error:
        note("orange", "link_off", sentence(str(error)))
        return Guess(np.zeros((data.num_nodes, data.num_nodes), np.int64))


@st.cache_resource(show_spinner=False, max_entries=64)
def _candidates(digest: str, _model: Checkpoint, _data: Trajectories) -> Candidates:
    return Candidates.of(_model, _data)
