"""The parts of "Inside the model": choosing an edge, stepping through the stages, and one stage."""

from dataclasses import dataclass

import pandas as pd
import streamlit as st
from torch import Tensor

from nri_core.checkpoint import Checkpoint
from nri_core.inference import as_posterior
from nri_core.player import Opening
from nri_core.posterior import EdgePosterior
from nri_core.stages import PASSED, Reading, Stage, known_relabelling, read, stages
from nri_core.trajectories import Trajectories
from ui import figures, pictures, readings, state
from ui.controls import bound, without_hidden_truth
from ui.forms import check_choice, choose_one, note
from ui.names import literal
from ui.player import player
from ui.seen import choose_system, keep_selected, selected_before
from ui.state import Model

PICTURES = 330  # pixels for the pictures of a stage: with sentence and stepper they fit a projector
WIDTHS = (1.2, 1)  # of the pictures and of the equation
_ON_A_NARROW_SCREEN = "<style>@media (max-width: 1000px) { .st-key-explained [data-testid=stColumn] { min-width: 100%; } }</style>"  # no equation loses its end

TERMS = {
    "paths": "Trajectories: where every node is, and how fast, frame by frame. The model reads them scaled, so that all features count alike.",
    "nodes": "Embedding: a list of numbers that a network makes of something, such that like things get like lists. Single numbers in it have no name.",
    "edges": "Edge embedding: the same for an ordered pair of nodes. Sender j and receiver i play different parts, so i ← j and j ← i differ.",
    "round": "Message passing: from edges to nodes and back. After it, what is believed of one pair depends on all the others.",
    "time": "Attention: weights over time that add up to one; where they are large, the pair tells most.",
    "features": "Pair features: what is seen of a pair does not change when the picture is turned or shifted. Values are standardised: 0 is usual.",
    "evidence": "Evidence: numbers for the pair that are added up over all steps, so that more frames make it surer.",
    "influences": "Influence: what one oscillator could do to another, as a function of how far it is ahead. Learned, not the sine of the true law.",
    "strengths": "Regression: the strengths that explain the pace of the receiver best, given all other senders at once.",
    "parts": "Parts: the outputs of the encoder's own layers, as they are.",
    "posterior": "Posterior: what is believed about the edge after seeing the motion. Logits are scores; softmax makes them positive and lets them add up to one.",
    "graphs": "Log-likelihood: the logarithm of how probable the motion is under a graph; 5 less is 150 times less likely.",
    "sample": "Gumbel noise makes the largest noisy score fall on each type as often as its probability says. A temperature near 0 gives a single type, a high one a blend.",
    "messages": "Message: what a sender tells a receiver in one frame, for each type of edge. The sampled edge says which of them count.",
    "sum": "Aggregation: messages are added up at the receiver, whatever their order or number.",
    "next": "Prediction: the mean of the distribution over the next state. Training makes the true next state likely under it.",
    "law": "Forecaster: a second decoder, for forecasts many frames ahead, which learned one force for each edge type.",
}
PASSING = {
    "soft sample": "Soft sample: a blend of types, which training can learn through.",
    "one-hot sample": "One type for each edge, drawn by chance.",
    "most probable": "One type for each edge, the likeliest; forecasts use this.",
}


Names = tuple[tuple[str, ...], tuple[int, ...]]  # of edge types, and which of them each type of the model is


@dataclass(frozen=True)
class Followed:
    """Which edge of which system, from which frame, and how the graph is drawn."""

    system: int
    edge: tuple[int, int]
    frame: int
    temperature: float
    seed: int
    passed: str


def follow(data: Trajectories, window: int) -> Followed:
    """Widgets for what is followed; all of it lives in the address."""
    names, last = list(data.node_names), data.num_steps  # frames are counted from 0, as the player does
    system = choose_system(data.num_sims, ask=st.number_input, width=105, help="Which of the systems.")
    ends = [int(end) for end in selected_before().split("-") if end]
    if len(ends) == 2 and max(ends) <= len(names) and state.answer("sender") is None and not {"sender", "receiver"} & {*st.query_params}:
        brought = {"sender": names[ends[0] - 1], "receiver": names[ends[1] - 1]}
        state.choose(brought)
        st.query_params.update(brought)  # for a reload: a widget writes down what the user chose, not what it was told
    check_choice("Sender", "sender", names, start=names[1])
    sender = st.selectbox("Sender", names, 1, **bound("sender"), width=110, help="The node that may act: j in the equations.")
    others = [name for name in names if name != sender]
    check_choice("Receiver", "receiver", others, start=others[0])
    receiver = st.selectbox("Receiver", others, **bound("receiver"), width=110, help="The node that it may act on: i in the equations.")
    if (sender, receiver) != (names[1], names[0]):  # chosen by somebody
        keep_selected(f"{names.index(sender) + 1}-{names.index(receiver) + 1}")
    first = min(window, max(last - 1, 1)) - 1
    check_choice("Frame", "frame", range(last), start=first)
    state.within("frame", 0, last - 1)
    frame = st.slider("Frame", 0, last - 1, first, **bound("frame"), width=170, help="The next state is predicted from this frame.")
    check_choice("Graph", "graph", PASSED, start=PASSED[0])
    meaning = "Which graph the decoder gets.  \n" + "  \n".join(PASSING.values())
    passed = st.selectbox("Graph", PASSED, **bound("graph"), width=160, help=meaning)
    warm = {"width": 150, "help": TERMS["sample"], **bound("temperature", disabled=passed != PASSED[0])}
    temperature = st.slider("Temperature", 0.1, 5.0, 0.5, 0.1, **warm)
    seed = st.number_input("Seed", 0, 10**6, 0, **bound("seed", disabled=passed == PASSED[2]), width=105, help="The same seed draws the same graph.")
    st.button("Draw again", on_click=state.choose, args=({"seed": (seed + 1) % 10**6},), icon=":material/casino:", disabled=passed == PASSED[2])
    return Followed(system, (names.index(receiver), names.index(sender)), frame, temperature, seed, passed)


def known(model: Model, data: Trajectories, system: int) -> Reading:
    """What the model reads of one system, listened to; kept for all sessions."""
    return _known(readings.digest_of(model.folder), data.digest, system, model, data)


@st.cache_resource(max_entries=32, show_spinner="Reading the graph of this system", show_time=True)
def _known(model_digest: str, data_digest: str, system: int, _model: Model, _data: Trajectories) -> Reading:
    return read(readings.checkpoint(_model.folder).members[0], _data, system)


def names_of(model: Model, checkpoint: Checkpoint, data: Trajectories) -> Names | None:
    """What other pages call the model's edge types; None for a model without a graph."""
    if (known := known_relabelling(checkpoint, data)) is not None:
        return data.edge_type_names, known
    return None if checkpoint.config.inference == "none" else readings.type_names(model.folder, data)


def told(checkpoint: Checkpoint, data: Trajectories, followed: Followed, reading: Reading, names: Names | None) -> list[Stage]:
    """All stages."""
    drawn = {"temperature": followed.temperature, "seed": followed.seed, "passed": followed.passed}
    called = () if names is None else tuple(names[0][kind] for kind in names[1])
    return stages(checkpoint, data, followed.system, followed.edge, frame=followed.frame, reading=reading, type_names=called, **drawn)


def step(found: list[Stage]) -> Stage:
    """Previous, the names of all stages, next; the chosen one is in the address."""
    titles = [stage.title for stage in found]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        buttons, place = st.container(horizontal=True, gap="xsmall", width="content"), st.container(width="content")
        with place:
            chosen = choose_one("Stage", "stage", titles, start=titles[0], label_visibility="collapsed")
        here = titles.index(chosen)
        for label, there in (("Previous", here - 1), ("Next", here + 1)):
            inside = 0 <= there < len(titles)
            answer = {"stage": titles[there]} if inside else {}
            buttons.button(label, on_click=state.choose, args=(answer,), disabled=not inside, type="primary" if label == "Next" else "secondary")
    return found[here]


def show(stage: Stage, followed: Followed, data: Trajectories, shown: EdgePosterior | None, at_first: EdgePosterior | None) -> None:
    """The sentence, the pictures, and beside them the equation, without and with numbers."""
    st.markdown(literal(stage.sentence), help=TERMS.get(stage.key))
    if shown is not None:
        st.caption(_verdict(followed, data, shown, at_first))
    st.html(_ON_A_NARROW_SCREEN)
    with st.container(key="explained"):
        left, right = st.columns(WIDTHS, gap="medium")
    with right:
        st.latex(rf"\small {stage.equation}", help=stage.source[:1].upper() + stage.source[1:] if stage.source else None)
        st.latex(rf"\small {stage.filled}")
        ends = ["$i$ receives, $j$ sends"] if "ij" in stage.equation else []
        st.caption(" · ".join([*(f"${symbol}$ {meaning}" for symbol, meaning in stage.symbols.items()), *ends]))
        if stage.key == "next" or stage.key == "law":
            _show_error(stage)
    with left:
        if stage.key == "paths":
            _show_paths(followed, data, shown)
        else:
            _show_pictures(stage, data.node_names[followed.edge[1]])


def _verdict(followed: Followed, data: Trajectories, shown: EdgePosterior, at_first: EdgePosterior | None) -> str:
    """What the model ends up with about the edge, and where the truth is known and may be seen, what is true: at every stage, for it is what one looks into it for."""
    receiver, sender = followed.edge
    ends, belief = f"{literal(data.node_names[sender])} → {literal(data.node_names[receiver])}", shown.edge_probs[0, receiver, sender]
    said = f"{ends}: in the end the model says **{literal(shown.edge_type_names[belief.argmax()])}**, with probability {belief.max():.3f}"
    if at_first is not None and (before := at_first.edge_probs[0, receiver, sender]).argmax() != belief.argmax():
        said += f" (the encoder alone **{literal(at_first.edge_type_names[before.argmax()])}**, {before.max():.3f})"
    truth = without_hidden_truth(data).edge_types
    if truth is None or truth.ndim > 3 or shown.edge_type_names != data.edge_type_names:
        return f"{said}."
    true = int(truth[followed.system, receiver, sender])
    return f"{said}; in truth it is **{literal(data.edge_type_names[true])}**: {'right' if true == belief.argmax() else 'wrong'}."


def _show_pictures(stage: Stage, sender: str) -> None:
    """Below each other, bars side by side, within the height that there is."""
    drawn = {name: numbers for name, numbers in stage.numbers.items() if numbers.picture != "none"}
    if not drawn:
        return
    if len(drawn) > 1 and all(numbers.picture in ("bars", "change", "arrows") for numbers in drawn.values()):
        places, heights = st.columns([5 if numbers.picture == "arrows" else max(len(numbers.columns), 3) for numbers in drawn.values()]), [PICTURES] * len(drawn)
    else:
        wanted = [pictures.wanted_height(numbers) for numbers in drawn.values()]
        places, heights = [st.container() for _ in drawn], [max(int(height * min(PICTURES / sum(wanted), 1.6)), 90) for height in wanted]
    for place, height, (name, numbers) in zip(places, heights, drawn.items(), strict=True):
        lit = sender if sender in numbers.rows else "as sampled"
        place.plotly_chart(pictures.picture(numbers, height, lit=lit), key=f"{stage.key} {name}", config=figures.PLAIN, width="stretch")


def _show_paths(followed: Followed, data: Trajectories, shown: EdgePosterior | None) -> None:
    """The player, the edge lit in it; pointing at another edge follows that one."""
    selected = f"{followed.edge[1] + 1}-{followed.edge[0] + 1}"
    said = player(
        data, key="inside", sim=followed.system, posterior=shown, posterior_sim=0, height=PICTURES + 20,
        opening=Opening(selected=selected, hidden=("truth", "matrix")), remember=("selected",), compact=True,
    )  # fmt: skip
    asked = said.view.get("selected") if isinstance(said.view, dict) else None
    pointed_anew, ends = state.changed("edge pointed at", asked), str(asked or "").split("-")
    if not pointed_anew or asked == selected or len(set(ends)) != 2 or not all(end.isascii() and end.isdigit() and 0 < int(end) <= data.num_nodes for end in ends):
        return
    sender, receiver = (data.node_names[int(end) - 1] for end in ends)
    state.choose_next({"sender": sender, "receiver": receiver})


def beliefs(checkpoint: Checkpoint, data: Trajectories, followed: Followed, reading: Reading, names: Names | None) -> tuple[EdgePosterior | None, EdgePosterior | None]:
    """What the model believes of this system in the end, and what its encoder alone did."""
    one = data.select(slice(followed.system, followed.system + 1))

    def called(logits: Tensor | None, way: str) -> EdgePosterior | None:
        if logits is None or names is None:
            return None
        return as_posterior(checkpoint.members[0], one, logits.softmax(-1), way).relabelled(names[1], names[0])

    return called(reading.belief, checkpoint.config.inference), called(reading.logits, "encoder")


def _show_error(stage: Stage) -> None:
    """How far the prediction is off, feature by feature, in the units of the data."""
    numbers = stage.numbers["state"]
    table = pd.DataFrame(numbers.values, index=list(numbers.rows), columns=list(numbers.columns))
    st.dataframe(table.style.format("{:.4g}"), height=36 + 35 * len(table))
    if "error" not in numbers.rows:
        st.caption("Nobody saw the next state: there is nothing to compare with.")


def offer_numbers(stage: Stage) -> None:
    """All numbers of the stage as tables: to read, to copy, to download."""
    with st.expander("The numbers", icon=":material/table:"):
        for numbers in stage.numbers.values():
            columns = pictures.columns_of(numbers)
            names = columns if len(set(columns)) == len(columns) else tuple(f"{place + 1}: {name}" for place, name in enumerate(columns))
            st.caption(literal(numbers.about))
            # A table in the place of another stage's keeps its widths, and would cut the names of rows.
            named = {"_index": st.column_config.TextColumn(width=min(24 + 8 * max(map(len, numbers.rows)), 260))}
            st.dataframe(pd.DataFrame(numbers.values, index=list(numbers.rows), columns=list(names)), column_config=named)


def explain_gaps(checkpoint: Checkpoint, reading: Reading) -> None:
    """What is missing in this model, and what to make of it."""
    if checkpoint.others:
        note("blue", "info", f"This model is {len(checkpoint.members)} models whose answers are averaged (an ensemble); what follows is the first of them.")
    if reading.belief is None:
        note("blue", "info", "This model infers no graph: its decoder treats every pair alike, or no pair at all. Choose another model to see a graph inferred.")
    elif reading.encoder is None:
        note("blue", "info", "This model has no encoder. The graph shown is the one under which its decoder predicts the motion best, so the stages of an encoder are missing.")
    elif reading.way == "encoder" != checkpoint.config.inference:
        note("blue", "info", "The graph shown is the encoder's. This model would do better by also trying which graph lets its decoder predict best, but with so many nodes that takes minutes.")


