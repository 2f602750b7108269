"""What each encoder says of its own steps. A new encoder works without an entry; with one it tells its own story."""

from collections.abc import Callable

import numpy as np
import torch

from nri_core.models.encoders.phase import INFLUENCES
from nri_core.models.geometry import PAIR_FEATURES
from nri_core.stages.contract import BEYOND, PAPER, Numbers, Place, Step, Told
from nri_core.stages.listening import Heard
from nri_core.stages.writing import lines, number, strips, vector

SEEN = ("distance", "log distance", "closeness", "closing speed", "passing speed", "receiver's speed along", "sender's speed along")
SEEN += ("receiver to wall", "sender to wall", "receiver pulled", "receiver pushed aside", "sender pulled", "sender pushed aside")
SEEN += ("receiver's change", "sender's change", "pulled together")


def _nodes(heard: Heard, place: Place) -> Told:
    nodes = heard.last("encoder.embed").gave[0].numpy()
    i, j = nodes[place.receiver], nodes[place.sender]
    filled = lines(rf"h_{{{place.i}}} &= {vector(i)}", rf"h_{{{place.j}}} &= {vector(j)}")
    return Told(filled, {"nodes": strips("Node embeddings", receiver=i, sender=j)})


def _edges_of(part: str) -> Callable[[Heard, Place], Told]:
    """The embedding of the pair, from a block whose rows are edges, or from one that gives [sim, node, slot, channel]."""

    def tell(heard: Heard, place: Place) -> Told:
        both = [_pair(heard.last(part).gave, edge).numpy() for edge in (place, place.back)]
        filled = lines(rf"h_{{{place.ij}}} &= {vector(both[0])}", rf"h_{{{place.back.ij}}} &= {vector(both[1])}")
        return Told(filled, {"edges": strips("Edge embeddings", this_edge=both[0], the_way_back=both[1])})

    return tell


def _pair(values: torch.Tensor, place: Place) -> torch.Tensor:
    return values[place.row] if values.ndim == 2 else values[0, place.receiver, place.slot]


def _factor(heard: Heard, place: Place) -> Told:
    nodes, edge = heard.last("encoder.factor.node").gave[0].numpy(), heard.last("encoder.factor").gave[0, place.receiver, place.slot].numpy()
    i, j = nodes[place.receiver], nodes[place.sender]
    filled = lines(rf"h'_{{{place.i}}} &= {vector(i, 3)}", rf"h'_{{{place.j}}} &= {vector(j, 3)}", rf"h'_{{{place.ij}}} &= {vector(edge, 3)}")
    return Told(filled, {"round": strips("After one round", receiver=i, sender=j, this_edge=edge)})


def _attention(heard: Heard, place: Place) -> Told:
    weights = heard.last("encoder.attend").gave[place.row].softmax(-1).numpy()
    pooled = heard.last("encoder.edge").given[0][0, place.receiver, place.slot].numpy()
    best = int(weights[0].argmax())
    filled = lines(rf"\alpha_{{{place.ij}}} &= {vector(weights[0])}", rf"\bar h_{{{place.ij}}} &= {vector(pooled)}")
    places = tuple(str(step) for step in range(weights.shape[1]))
    about = f"Attention along the pair: most at place {best + 1} of {len(places)}, each place sees 14 frames"
    return Told(filled, {"attention": Numbers(about, weights.astype(float), ("attention",), places, "lines"), "pooled": strips("What attention keeps", pooled=pooled)})


def _seen(heard: Heard, place: Place) -> Told:
    """The features of the pair at each step, as the encoder's first layer gets them: standardised."""
    raw = heard.last("encoder._features").gave[0, :, place.receiver, place.slot].numpy()
    steps, num = raw.shape
    scaled = heard.last("encoder.evidence.step").given[0].unflatten(0, (steps, len(place.node_names), -1))[:, place.receiver, place.slot].numpy()
    names = SEEN if num == len(SEEN) else tuple(f"feature {feature + 1}" for feature in range(num))
    at = min(place.frame, steps - 1)
    kept = [0, PAIR_FEATURES + 2, PAIR_FEATURES + 4] if num == len(SEEN) else [0, 1, 2]
    filled = rf"\phi_{{{place.ij}}}^{{{at}}} = ({number(raw[at, kept[0]])},\ \ldots,\ {number(raw[at, kept[1]])},\ \ldots,\ {number(raw[at, kept[2]])},\ \ldots)"
    columns = tuple(str(step) for step in range(steps))
    return Told(filled, {"features": Numbers("What is seen of the pair at each step, standardised", scaled.T.astype(float), names, columns)})


def _evidence(heard: Heard, place: Place) -> Told:
    count = len(place.node_names)
    summed = heard.last("encoder.evidence.evidence")
    steps = len(heard.last("encoder.evidence.step").gave) // (count * (count - 1))
    each = sum(heard.last(f"encoder.evidence.{part}").gave.unflatten(0, (steps, count, count - 1))[:, place.receiver, place.slot] for part in ("step", "context"))
    total = summed.given[0][0, place.receiver, place.slot].numpy()
    edge = heard.last("encoder.evidence.edge").given[0][0, place.receiver, place.slot].numpy()[: summed.gave.shape[-1]]
    filled = lines(rf"\textstyle\sum_t (s+c) &= {vector(total, 3)}", rf"e_{{{place.ij}}} &= {vector(edge, 3)}")
    columns = tuple(str(step) for step in range(steps))
    shown = Numbers("What each step adds, a row a channel", each.T.numpy().astype(float), tuple(str(row + 1) for row in range(each.shape[1])), columns)
    return Told(filled, {"each": shown, "evidence": strips("Evidence, summed over time", evidence=edge)})


def _influences(heard: Heard, place: Place) -> Told:
    over_time = heard.last("encoder.influence").gave[0, :, place.receiver, place.slot].numpy()
    at = min(place.frame, len(over_time) - 1)
    filled = rf"f_{{{place.ij}}}^{{{at}}} = {vector(over_time[at])}"
    columns = tuple(str(step) for step in range(len(over_time)))
    shown = Numbers("What the sender could do to the receiver", over_time.T.astype(float), ("influence 1", "influence 2"), columns, "lines")
    return Told(filled, {"influences": shown})


def _strengths(heard: Heard, place: Place) -> Told:
    found = [heard.last("encoder._regression").gave[0, edge.receiver, edge.slot].numpy() for edge in (place, place.back)]
    beta = [one[:INFLUENCES] for one in found]
    spread = [np.exp(one[INFLUENCES : 2 * INFLUENCES] / 2) for one in found]
    filled = lines(*(rf"\beta_{{{edge.ij}}} &= {vector(value)} \pm {vector(error)}" for edge, value, error in zip((place, place.back), beta, spread, strict=True)))
    columns = tuple(f"influence {number + 1}" for number in range(INFLUENCES))
    return Told(filled, {"strengths": Numbers("Strength of each influence", np.stack(beta).astype(float), ("this edge", "the way back"), columns, "bars")})


_FACTOR = Step(
    "round", "Round", "Each node sums up what its edges say, and every edge looks again at both of its ends: so {j} → {i} hears of the other edges.",
    lines(r"h'_j &= f_v\big(\tfrac1N \textstyle\sum_i h_{ij}\big)", r"h'_{ij} &= f_{e2}([h'_j, h'_i, h_{ij}])"), f"{PAPER}, equations 7 and 8",
    ("encoder.factor", "encoder.factor.node"), _factor,
    {r"h'_j": "what a node gathered", r"h'_{ij}": "the edge after the round", "N": "number of nodes"},
)  # fmt: skip
_ALONE = Step(
    "round", "Round", "Two more blocks look at the pair {j} → {i} by itself; this encoder was built without the round between edges.",
    r"h'_{ij} = f_{e2}([f_v(h_{ij}), h_{ij}])", "the reference's option without a factor graph", ("encoder.factor",), _edges_of("encoder.factor"),
    {r"h'_{ij}": "the edge after both blocks"},
)  # fmt: skip
_MLP = (
    Step(
        "nodes", "Nodes", "The encoder turns each path into a list of numbers, its embedding: one for {i}, one for {j}, by the same network.",
        r"h_j = f_{\mathrm{emb}}(x_j)", f"{PAPER}, equation 5", ("encoder.embed",), _nodes,
        {"x_j": "the whole path of a node", "h_j": "its embedding", r"f_{\mathrm{emb}}": "a small network, the same for all nodes"},
    ),
    Step(
        "edges", "Edges", "The encoder looks at the two embeddings together and makes one of the pair: what may pass from {j} to {i}.",
        r"h_{ij} = f_{e1}([h_j, h_i])", f"{PAPER}, equation 6", ("encoder.edge_first.norm",), _edges_of("encoder.edge_first.norm"),
        {r"h_{ij}": "embedding of the edge from sender j to receiver i", r"f_{e1}": "a small network, the same for all pairs"},
    ),
)  # fmt: skip
_CNN = (
    Step(
        "time", "Attention", "The encoder slides along the paths of {j} and {i} and weighs each stretch of time by how much it tells about the pair.",
        r"\bar h_{ij} = \tfrac{1}{T'}\textstyle\sum_t \alpha^t_{ij}\, p^t_{ij}, \quad \alpha_{ij} = \mathrm{softmax}_t(a_{ij})", f"{PAPER}, appendix B",
        ("encoder.attend", "encoder.edge"), _attention,
        {r"\alpha^t": "attention to a stretch of time; adds up to 1", "p^t": "what the convolutions say there", r"\bar h_{ij}": "what is kept of the pair", "T'": "number of stretches"},
    ),
    Step(
        "edges", "Edges", "One more network turns what attention kept of the pair into the embedding of the edge from {j} to {i}.",
        r"h_{ij} = f_{e1}(\bar h_{ij})", f"{PAPER}, appendix B", ("encoder.edge",), _edges_of("encoder.edge"),
        {r"h_{ij}": "embedding of the edge from sender j to receiver i", r"f_{e1}": "a small network, the same for all pairs"},
    ),
)  # fmt: skip
_EDGEWISE = (
    Step(
        "features", "Features", "At every step the encoder looks at {i} as seen from {j}: how far, how fast, and who changes course towards whom.",
        r"\phi_{ij}^t = \big(|r|,\ \ldots,\ \mathrm{asinh}\,\Delta v_i\!\cdot\! u,\ \ldots,\ \mathrm{asinh}\,\Delta v_j\!\cdot\! u,\ \ldots\big)", BEYOND,
        ("encoder._features", "encoder.evidence.step"), _seen,
        {"r": "line from sender to receiver", "u": "its direction", r"\Delta v": "change of velocity in the step", r"\phi_{ij}^t": "16 numbers for each pair and step"},
    ),
    Step(
        "evidence", "Evidence", "What each step says about {j} → {i} is added up over time, after a look at who else is near {i}.",
        lines(r"e_{ij} &= \mathrm{asinh}\big(W \textstyle\sum_t (s_{ij}^t + c_{ij}^t)\big)", r"s_{ij}^t &= f_s(\phi_{ij}^t),\ \ c_{ij}^t = f_c\big(\textstyle\sum_{j'\neq j} s_{ij'}^t\big)"),
        BEYOND, ("encoder.evidence.step", "encoder.evidence.context", "encoder.evidence.evidence", "encoder.evidence.edge"), _evidence,
        {"s": "what the pair shows in a step", "c": "what the receiver's other senders show", r"e_{ij}": "evidence about the edge (mean of both directions, where these are alike)"},
    ),
)  # fmt: skip
_PHASE = (
    Step(
        "influences", "Influences", "From the difference of the two phases the encoder computes what {j} could do to the pace of {i}, frame by frame.",
        r"f_{ij}^t = f(\sin \Delta, \cos \Delta), \quad \Delta = \varphi_j - \varphi_i", BEYOND, ("encoder.influence",), _influences,
        {r"\varphi": "phase of an oscillator", r"\Delta": "how far the sender is ahead", "f": "two influences, learned, the same for all pairs"},
    ),
    Step(
        "strengths", "Strengths", "How strongly must {j} act on {i} to explain its pace, given all the others? A regression, with its uncertainty.",
        r"\dot\varphi_i^t - g(\omega_i) \approx \textstyle\sum_j \beta_{ij} \cdot f_{ij}^t", BEYOND, ("encoder._regression",), _strengths,
        {r"\beta_{ij}": "strength of each influence, ± its uncertainty in units of the unexplained", r"g(\omega)": "an oscillator's own pace", r"\dot\varphi": "its pace"},
    ),
)  # fmt: skip

ENCODER_STEPS: dict[str, tuple[Step, ...]] = {"mlp": _MLP, "cnn": _CNN, "edgewise": _EDGEWISE, "phase": _PHASE}


def _children(heard: Heard, place: Place) -> Told:
    """Whatever the direct parts of the encoder gave for this pair, or for its two ends."""
    found: dict[str, np.ndarray] = {}
    for part, calls in heard.calls.items():
        if not part.startswith("encoder.") or not calls or not isinstance(gave := calls[-1].gave, torch.Tensor):
            continue
        name, count = part.removeprefix("encoder."), len(place.node_names)
        if gave.ndim >= 3 and gave.shape[-3:-1] == (count, count - 1):
            found[name] = gave.flatten(0, -4)[0, place.receiver, place.slot].numpy() if gave.ndim > 3 else gave[place.receiver, place.slot].numpy()
        elif gave.ndim >= 2 and gave.shape[-2] == count:
            found[f"{name}, receiver"] = gave.flatten(0, -3)[0, place.receiver].numpy() if gave.ndim > 2 else gave[place.receiver].numpy()
    numbers = {name: Numbers(f"Output of {name}", row[None].astype(float), (name,)) for name, row in found.items()}
    last = next(reversed(found.values()), np.zeros(1))
    return Told(rf"h_{{{place.ij}}} = {vector(last)}", numbers)


FALLBACK = (
    Step("parts", "Parts", "What the parts of this encoder make of the pair {j} → {i}.", r"h_{ij} = f_{\mathrm{enc}}(x)_{ij}", BEYOND, ("encoder.*",), _children,
         {r"h_{ij}": "what the encoder's last part says of the pair", "x": "all paths"}),
)  # fmt: skip


def encoder_steps(encoder: str, factor_graph: bool = True) -> tuple[Step, ...]:
    """The steps of an encoder between paths and posterior."""
    steps = ENCODER_STEPS.get(encoder)
    if steps is None:
        return FALLBACK
    if encoder == "mlp":
        return (*steps, _FACTOR if factor_graph else _ALONE)
    return (*steps, _FACTOR) if encoder == "cnn" and factor_graph else steps
