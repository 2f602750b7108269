"""From paths to a belief about every edge: by the encoder and, where the model reads so, through the decoder."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from nri_core.checkpoint import Checkpoint
from nri_core.inference import read_edges, way_through_decoder
from nri_core.models.marginal import Graphs, all_graphs, graph_scores, incoming_sets, one_hot, set_table
from nri_core.models.rereading import reread
from nri_core.stages.contract import BEYOND, PAPER, Numbers, Place, Stage, Told
from nri_core.stages.encoders import encoder_steps
from nri_core.stages.listening import Heard, listen
from nri_core.stages.writing import lines, number, shares, vector
from nri_core.trajectories import Trajectories

CANDIDATES = 8  # graphs that are shown
MOST_SEARCHED = 20  # nodes up to which a search through the decoder is waited for, where the encoder can say it at once


@dataclass(frozen=True, eq=False)
class Reading:
    """What one model makes of the paths of one simulation, whatever the edge; `belief` is that of the model's own way, in logits.

    None where there is no encoder, or no graph at all. `before` holds the decoder's probabilities where the law read them again, `table` the scores of the candidates.
    """

    encoder: Heard | None = field(repr=False)
    logits: Float[Tensor, "1 node slot type"] | None
    belief: Float[Tensor, "1 node slot type"] | None
    way: str
    table: Float[Tensor, "1 node set"] | None = None
    before: Float[Tensor, "1 node slot type"] | None = None


def read(checkpoint: Checkpoint, data: Trajectories, sim: int) -> Reading:
    """One real pass of the encoder over the first frames, listened to; and the model's own way of reading, where that is another.

    Where that would be a search among more than 20 nodes, which takes minutes, the encoder's belief stands for it.
    """
    window = data.select(slice(sim, sim + 1), frames=slice(0, checkpoint.config.window))
    model, settings, how = checkpoint.model, checkpoint.config.settings, checkpoint.config.inference
    values, observed = checkpoint.tensor(window).cpu(), checkpoint.sightings(window)
    encoder = logits = belief = table = None
    if model.encoder is not None:
        hears = {part for step in encoder_steps(settings.encoder, settings.factor_graph) for part in step.hears}
        logits, encoder = listen(model, sorted(hears), lambda listened: listened.edge_logits(values, observed))
    if how == "none":
        return Reading(encoder, logits, None, "none")
    way = way_through_decoder(model, data.num_nodes)
    if how == "encoder" or (way == "search" and logits is not None and data.num_nodes > MOST_SEARCHED):
        return Reading(encoder, logits, logits, "encoder")
    with torch.no_grad():
        decoded = read_edges(model.eval(), values, inference="decoder", observed=observed)
        again = reread(model.forecaster, values, decoded, undirected=settings.undirected, observed=observed) if how == "law" else None
        table = None if way == "search" else set_table(model, values, observed=observed)
    belief = (decoded if again is None else again).clamp_min(1e-30).log()
    return Reading(encoder, logits, belief, way + ", read again" * (how == "law"), table, None if again is None else decoded)


def posterior_stage(reading: Reading, place: Place) -> Stage:
    """Softmax of the encoder's logits, for one edge."""
    logits = reading.logits[0, place.receiver, place.slot]
    probs = logits.softmax(-1)
    filled = lines(rf"q(z_{{{place.ij}}}) &= \mathrm{{softmax}}{vector(logits.numpy())}", rf"&= {shares(probs.numpy())}")
    shown = {
        "logits": Numbers("Logits: the encoder's score of each type", logits[None].numpy().astype(float), ("logit",), place.type_names, "bars"),
        "posterior": Numbers("Probability of each type", probs[None].numpy().astype(float), ("probability",), place.type_names, "bars"),
    }
    sentence = f"The encoder's last layer scores each edge type; softmax turns the scores of {place.arrow} into probabilities."
    symbols = {r"\ell_{ij}": "logits, a score for each type", "q": "belief about the edge, its posterior", "z_{ij}": "type of the edge"}
    return Stage("posterior", "Posterior", sentence, r"q(z_{ij} \mid x) = \mathrm{softmax}(\ell_{ij})", filled, symbols, f"{PAPER}, section 3.1", shown)


def graphs_stage(reading: Reading, checkpoint: Checkpoint, place: Place) -> Stage:
    """The belief through the decoder: which graphs explain the motion, and what they say of this edge."""
    probs = reading.belief[0, place.receiver, place.slot].softmax(-1).numpy()
    again = reading.before is not None
    follow = _follow([reading.before[0, place.receiver, place.slot].numpy(), probs] if again else [probs], place)
    after = {"posterior": Numbers("Probability, read again" if again else "Probability of each type", probs[None].astype(float), ("probability",), place.type_names, "bars")}
    symbols = {"p(x | z)": "how likely the motion is under a graph, by the decoder", "z": "a candidate graph", "q": "belief about the edge"}
    if reading.table is None:
        told = Told(lines(*follow), {})
        sentence = f"There are too many graphs to list: the best one is climbed to, and {place.arrow} is tried with each type in it."
        equation = r"q(z_{ij}=k) \propto p(x \mid z^*_{ij \to k})"
    else:
        scores, kinds, whose = _candidates(reading, checkpoint, place)
        both_count = reading.way.startswith("per receiver") and checkpoint.config.settings.undirected
        back = _candidates(reading, checkpoint, place.back)[:2] if both_count else None
        told = _best(scores, kinds, place, follow, back=back)
        sentence = f"The decoder tries {len(scores):,} {whose} and asks which make this motion likely. Shown: the best, and what {place.arrow} is in each."
        equation = lines(r"q(z_{ij}=k) &= \textstyle\sum_{z:\, z_{ij}=k} p(z \mid x)", r"p(z \mid x) &\propto p(z) \textstyle\prod_t p(x^{t+1} \mid x^t, z)")
        if both_count:
            sentence += f" Both directions of a pair are one edge here, so what {place.back.arrow} makes likely counts as much."
            equation = r"q(z_{ij}=k) \propto \textstyle\sum_{z_i:\, z_{ij}=k} p(x_i, z_i) \; \sum_{z_j:\, z_{ji}=k} p(x_j, z_j)"
            symbols = {r"z_i": "edges that end at i", r"p(x_i, z_i)": "how likely they make the path of i, by the decoder", "q": "belief about the edge"}
    if again:
        sentence += " A path that this leaves unexplained is read once more through the learned law, which then has the last word."
    return Stage("graphs", "Graphs", sentence, equation, told.filled, symbols, f"{BEYOND}: exact sums over graphs in place of the bound", told.numbers | after)


def _candidates(reading: Reading, checkpoint: Checkpoint, place: Place) -> tuple[np.ndarray, np.ndarray, str]:
    """The score of each candidate, the type of the edge in it, and what is listed."""
    settings, num_nodes = checkpoint.config.settings, len(place.node_names)
    if reading.way.startswith("exact"):
        graphs: Graphs = all_graphs(num_nodes, settings.num_edge_types)
        return graph_scores(reading.table, graphs)[0].numpy(), graphs.edges[:, place.receiver, place.slot].argmax(-1).numpy(), "graphs"
    sets = one_hot(incoming_sets(num_nodes - 1, settings.num_edge_types), settings.num_edge_types)
    whose = f"sets of edges that end at {place.node_names[place.receiver]}"
    return reading.table[0, place.receiver].numpy(), sets[:, place.slot].argmax(-1).numpy(), whose


def _best(scores: np.ndarray, kinds: np.ndarray, place: Place, follow: Sequence[str], *, back: tuple[np.ndarray, np.ndarray] | None) -> Told:
    """The best candidates and, type by type, how far behind the best one is; `back` are those of the other direction, where it counts; `follow` is what comes of it."""
    count = len(place.type_names)
    best_of_each = [int(np.flatnonzero(kinds == kind)[scores[kinds == kind].argmax()]) for kind in range(count)]
    order = sorted({*np.argsort(-scores)[: max(CANDIDATES - count, 1)].tolist(), *best_of_each}, key=lambda graph: -scores[graph])
    behind = scores - scores[order[0]]
    best = _behind(scores, kinds, count)
    columns = tuple(f"{_rank(behind, graph)}: {place.type_names[kinds[graph]]}" for graph in order)
    shown = {
        "candidates": Numbers("Log-likelihood behind the best candidate", behind[order][None].astype(float), ("behind the best",), columns, "bars"),
        "best": Numbers("Best candidate with each type: log-likelihood behind the best of all", best[None].astype(float), ("behind the best",), place.type_names, "none"),
    }
    if back is None:
        gaps = [rf"\max_{{z_{{ij}}=k}} \log p(x, z) - \max_z \log p(x, z) &= {_listed(best)}"]
    else:
        both = {place.ij: best, place.back.ij: _behind(*back, count)}
        gaps = [rf"\max_{{z_{{{edge}}}=k}} \log p - \max \log p &= {_listed(values)}" for edge, values in both.items()]
    return Told(lines(*gaps, *follow), shown)


def _follow(beliefs: Sequence[np.ndarray], place: Place) -> list[str]:
    """The belief that follows, and that of reading again where there is one: a line each."""
    words = ("", r"\text{read again: } ")
    return [rf"{word}q(z_{{{place.ij}}}) &= {shares(belief)}" for word, belief in zip(words, beliefs, strict=False)]


def _behind(scores: np.ndarray, kinds: np.ndarray, count: int) -> np.ndarray:
    """Of each type: the log-likelihood of the best candidate that has it, behind the best of all."""
    return np.array([scores[kinds == kind].max() for kind in range(count)]) - scores.max()


def _listed(values: np.ndarray) -> str:
    return "(" + ",\\ ".join(number(value) for value in values) + ")"


def _rank(behind: np.ndarray, graph: int) -> int:
    """1 for the best."""
    return 1 + int((behind > behind[graph]).sum())
