"""Lesson: guess the hidden graph, and be scored beside the model and correlation."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from nri_core.errors import NRIError
from nri_core.guess import Guess, share_right
from nri_core.metrics import score_edges
from nri_core.player import Opening
from nri_core.player.guessing import Guessing
from nri_core.snippets import Method
from nri_core.trajectories import Trajectories
from ui import samples, screens, share, state
from ui.controls import hidden, locked_among, truth_hidden
from ui.forms import choose_one, choose_system, note
from ui.lessons import address
from ui.lessons.systems import HEIGHT, HIDDEN, by_method, moved, tell
from ui.names import sample_title, sentence
from ui.player import player

_SHOWN = "differences"  # key of whose graph is shown
_READ = 49  # frames, as the model reads
_TITLES = {"You": "Your guess", "Correlation": "Correlation"}
_WHO = {"You": "your guess", "The model": "what the model inferred", "Correlation": "the pairs whose paths look most alike"}


def show(stage: DeltaGenerator, side: DeltaGenerator) -> None:
    """First the question, without the truth; once guessed, three readings of the same system."""
    address.come_back(address.GUESS)
    sample = samples.sample("springs5")
    data = sample.trajectories
    with side:
        system = choose_system(data.num_sims, key="hidden_system", on_change=address.forget_guess)
    guess = _said_before(address.guess(), data)
    if guess is None:
        _ask(stage, side, data, system)
    else:
        _score(stage, side, sample, system, guess)


def _said_before(text: str, data: Trajectories) -> Guess | None:
    if not text:
        return None
    try:
        return Guess.of_text(text, num_nodes=data.num_nodes)
    except NRIError as error:
        note("orange", "link_off", sentence(str(error)))
        return None


def _ask(stage: DeltaGenerator, side: DeltaGenerator, data: Trajectories, system: int) -> None:
    tell(sample_title("springs5"), data, "your eyes")
    with stage:
        caption = "Choose two particles, or a cell of the matrix, to join a pair."
        begun = _said_before(text := address.draft(), data)
        asked = Guessing(data.edge_type_names, start=begun.pairs if begun else (), edition=f"{system} {text}".strip())
        told = player(data, sim=system, key="taught", caption=caption, height=HEIGHT, guess=asked, opening=Opening(hidden=HIDDEN))
    with side:
        pairs = data.num_nodes * (data.num_nodes - 1) // 2
        st.metric("Pairs to judge", pairs, help="Springs pull both ends alike, so a pair is one question.")
        st.metric("Tossing a coin gets right", f"{pairs / 2:g} of {pairs}", help="Each pair carries a spring with chance one half.")
        st.caption("Slow the player down (the box “1 ×”), step frame by frame, look for turns that two particles take towards each other.")
    if told.guess is not None:
        address.keep_guess(Guess.of_pairs(told.guess, num_nodes=data.num_nodes).text)
        st.query_params.pop(_SHOWN, None)
        state.choose({_SHOWN: "You"})
        st.rerun()


def _score(stage: DeltaGenerator, side: DeltaGenerator, sample: samples.Sample, system: int, guess: Guess) -> None:
    data = sample.trajectories
    tell(sample_title("springs5"), data, "Shipped springs5")
    correlated, alike = by_method("correlation", data, _READ)
    mine = share_right(guess.edge_types, data.edge_types[system])
    shares = {"You": mine, "The model": score_edges(sample.posterior, data).accuracy_by_sim[system], "Correlation": alike[system]}
    with moved(side):
        readers = {name: graph for name, graph in _WHO.items() if name != "The model" or not hidden("truth")}  # which it all but tells
        who = choose_one("Show the graph of", _SHOWN, readers, start="You", wrap=True)
    with side:
        if not truth_hidden():
            for name, part in shares.items():
                st.metric(name, _right(part, data), help=f"Pairs named rightly: {_WHO[name]}.")
        with st.container(horizontal=True):
            st.button("Next system", on_click=address.guess_another, args=("hidden_system", (system + 1) % data.num_sims + 1), type="primary", icon=":material/skip_next:", disabled=bool(locked_among(["hidden_system"])))
            st.button("Guess again", on_click=address.guess_again, icon=":material/replay:")
    beliefs = {"You": (guess.posterior(data), 0), "The model": (sample.posterior, system), "Correlation": (correlated, system)}
    posterior, place = beliefs[who]
    share.repeated_by(screens.taught("springs5", Method(name="correlation", window=_READ) if who == "Correlation" else samples.folder("springs5"), system))
    with stage:
        caption = f"Shown: {_WHO[who]}." if hidden("truth") else f"{who}: {_right(shares[who], data)}. Shown against the truth: {_WHO[who]}. Each pair is two arrows."
        opening = Opening(hidden=HIDDEN)
        player(data, sim=system, key="taught", posterior=posterior, posterior_sim=place, caption=caption, height=HEIGHT, view="difference", opening=opening, whose=_TITLES.get(who, ""))


def _right(share: float, data: Trajectories) -> str:
    pairs = data.num_nodes * (data.num_nodes - 1) // 2
    return f"{round(pairs * share)} of {pairs} pairs"
