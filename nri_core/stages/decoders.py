"""What each decoder says of its own steps. A new decoder works without an entry; with one it tells its own story."""

import numpy as np
import torch
from torch import Tensor

from nri_core.models.layers import tanh
from nri_core.models.marginal import one_hot
from nri_core.models.prediction import Messages
from nri_core.stages.contract import BEYOND, PAPER, Numbers, Picture, Place, Step, Told
from nri_core.stages.listening import Heard
from nri_core.stages.writing import lines, number, signed, strips, vector

MOST_TRIED = 30  # senders whose effect is found by leaving them out, one by one


def _sending(heard: Heard, place: Place) -> tuple[str, ...]:
    return place.type_names[1:] if heard.model.settings.skip_first else place.type_names


def _weights(heard: Heard, place: Place) -> np.ndarray:
    """The sampled edge, over the types that send."""
    kinds = heard.edges[0, place.receiver, place.slot].numpy()
    return kinds[1:] if heard.model.settings.skip_first else kinds


def _shares(heard: Heard, place: Place) -> Numbers:
    """The sampled edge over all types, the silent one included."""
    return Numbers("Sampled edge", heard.edges[0, place.receiver, place.slot][None].numpy().astype(float), ("share",), place.type_names, "bars")


def _channels(heard: Heard, place: Place, width: int) -> tuple[str, ...]:
    """Where messages are changes of features, those; else they are numbered."""
    scored = heard.model.decoder.scored
    return tuple(f"Δ{place.feature_names[dim]}" for dim in scored) if width == len(scored) and width <= 3 else ()


def _drawn(columns: tuple[str, ...]) -> Picture:
    """Velocities are arrows."""
    return "arrows" if columns and all(name.startswith("Δv") for name in columns) else "strips"


def _mixed(kinds: np.ndarray, weights: np.ndarray, total: np.ndarray, place: Place) -> tuple[str, ...]:
    """Σ_k z_k m^k with numbers, a line for each of at most three types."""
    parts = [rf"{weight:.3f}\,{vector(kind, 3)}" for weight, kind in zip(weights[:3], kinds[:3], strict=True)]
    parts += [r"\ldots"] if len(kinds) > 3 else []
    first = rf"\tilde m_{{{place.ij}}} &= {parts[0]}"
    return (first, *(rf"&\quad + {part}" for part in parts[1:]), rf"&= {vector(total, 3)}")


def _contributions(heard: Heard, place: Place, values: Tensor) -> Tensor:
    """What each sender's messages [slot, type, channel] add at the receiver, by the model's own sum with all other edges left out."""
    edges = heard.edges[:, place.receiver : place.receiver + 1]
    alone = torch.eye(edges.shape[2])[:, None, :, None] * edges
    return heard.model.aggregate(Messages(values[None, None]), alone)[:, 0]


def _said(heard: Heard, place: Place) -> Tensor:
    return heard.last("decoder.messages").gave.values.flatten(0, -5)[0, place.receiver]  # [slot, sending, channel]


def _additive_messages(heard: Heard, place: Place) -> Told:
    said, weights = _said(heard, place), _weights(heard, place)
    kinds, columns = said[place.slot].numpy(), _channels(heard, place, said.shape[-1])
    total = _contributions(heard, place, said)[place.slot].numpy()
    written = _mixed(kinds, weights, total, place)
    if heard.calls.get("decoder._strength"):
        along, across = heard.calls["decoder._strength"][0].gave.flatten(1, -4)[:, 0, place.receiver, place.slot].unbind(-1)
        k = int(weights.argmax())
        written = (rf"m^{{{place.kind(k + heard.model.settings.skip_first)}}}_{{{place.ij}}} &= {number(along[k])}\,u {signed(across[k])}\,u_\perp", *written)
    rows = tuple(f"if {name}" for name in _sending(heard, place))
    shown = Numbers("Message of each edge type, and what is sent", np.vstack([kinds, total]).astype(float), (*rows, "as sampled"), columns, _drawn(columns))
    return Told(lines(*written), {"messages": shown, "shares": _shares(heard, place)})


def _additive_sum(heard: Heard, place: Place) -> Told:
    each = _contributions(heard, place, _said(heard, place)).numpy()
    total = heard.last("aggregate").gave.flatten(0, -3)[0, place.receiver].numpy()
    return _sum_told(each, total, place, _channels(heard, place, each.shape[-1]))


def _sum_told(each: np.ndarray, total: np.ndarray, place: Place, columns: tuple[str, ...]) -> Told:
    other = total - each[place.slot]
    filled = lines(
        rf"a_{{{place.i}}} &= \underbrace{{{vector(each[place.slot], 3)}}}_{{j={place.j}}} + \underbrace{{{vector(other, 3)}}}_{{\text{{others}}}}",
        rf"&= {vector(total, 3)}",
    )
    shown = Numbers("What arrives from each sender, and their sum", np.vstack([each, total]).astype(float), (*place.senders, "sum"), columns, _drawn(columns))
    return Told(filled, {"sum": shown})


def _before_and_after(heard: Heard, place: Place) -> tuple[np.ndarray, np.ndarray]:
    """The receiver's state and its predicted next one, as the model has them: normalised."""
    call = heard.last("step")
    before, after = (part.flatten(0, -3)[0, place.receiver].numpy() for part in (call.given[0], call.gave[0].mean))
    return before, after


def _next(heard: Heard, place: Place) -> Told:
    before, after = _before_and_after(heard, place)
    filled = lines(rf"\mu_{{{place.i}}} &= {vector(before)}", rf"&\quad + {vector(after - before)}", rf"&= {vector(after)}")
    return Told(filled, {"predicted": _state(np.stack([before, after]), place)})


def _state(rows: np.ndarray, place: Place) -> Numbers:
    return Numbers("Normalised state of the receiver", rows.astype(float), ("now", "next"), place.feature_names, "none")


def _next_velocity(heard: Heard, place: Place) -> Told:
    before, after = _before_and_after(heard, place)
    scored = list(heard.model.decoder.scored)
    own = heard.calls["decoder._strength"][-1].gave.flatten(0, -3)[0, place.receiver].numpy()
    total = heard.last("aggregate").gave.flatten(0, -3)[0, place.receiver].numpy()
    filled = lines(
        rf"v'_{{{place.i}}} &= {vector(before[scored])}",
        rf"&\quad + \underbrace{{{vector(own)}}}_{{g}} + \underbrace{{{vector(total)}}}_{{\sum \tilde m}}",
        rf"&= {vector(after[scored])}",
    )
    return Told(filled, {"predicted": _state(np.stack([before, after]), place)})


def _rnn_messages(heard: Heard, place: Place) -> Told:
    kinds = np.stack([tanh(call.gave).flatten(0, -4)[0, place.receiver, place.slot].numpy() for call in heard.matching("decoder.second.*")])
    weights = _weights(heard, place)
    total = weights @ kinds
    rows = tuple(f"if {name}" for name in _sending(heard, place))
    shown = Numbers("Message of each edge type, and what is sent", np.vstack([kinds, total]).astype(float), (*rows, "as sampled"))
    return Told(lines(*_mixed(kinds, weights, total, place)), {"messages": shown, "shares": _shares(heard, place)})


def _rnn_memory(heard: Heard, place: Place) -> Told:
    heard_sum = heard.last("decoder._aggregate").gave.flatten(0, -3)[0, place.receiver].numpy()
    hidden = heard.last("step").gave[1][0].flatten(0, -3)[0, place.receiver].numpy()
    filled = lines(rf"a_{{{place.i}}} &= {vector(heard_sum, 3)}", rf"h'_{{{place.i}}} &= {vector(hidden, 3)}")
    return Told(filled, {"memory": strips("At the receiver", mean_message=heard_sum, memory_after=hidden)})


def _lstm_memory(heard: Heard, place: Place) -> Told:
    hiddens = heard.last("step").gave[1][0].numpy()  # [layer, object, unit]
    rows = hiddens[:, place.receiver] if hiddens.shape[1] == len(place.node_names) else hiddens[:, 0]
    names = tuple(f"layer {layer + 1}" for layer in range(len(rows)))
    return Told(rf"h = {vector(rows[-1])}", {"memory": Numbers("What the network remembers", rows.astype(float), names)})


def _effects(heard: Heard, place: Place) -> Told:
    """The change of the prediction when an edge is replaced by one of the first type: by the decoder itself, edge by edge."""
    call, none = heard.last("step"), one_hot(torch.zeros((), dtype=torch.long), heard.edges.shape[-1])
    state, edges, *rest = call.given
    tried = sorted({*range(min(edges.shape[2], MOST_TRIED)), place.slot})
    effects = []
    with torch.no_grad():
        for slot in tried:
            without = edges.clone()
            without[..., place.receiver, slot, :] = none
            change = call.gave[0].mean - heard.model.step(state, without, *rest)[0].mean
            effects.append(change.flatten(0, -3)[0, place.receiver].numpy())
    each = np.stack(effects)
    rows = tuple(place.senders[slot] for slot in tried)
    shown = Numbers("What each edge changes in the receiver's next state", each.astype(float), rows, place.feature_names)
    return Told(rf"\delta_{{{place.ij}}} = {vector(each[tried.index(place.slot)])}", {"sum": shown})


_z = {"z_{ij,k}": "how much the sampled edge is of type k", "m^k": "message under type k"}
_STEP = ("step",)
_EFFECT = Step(
    "sum", "Effect", "What the edge {j} → {i} does: the next state with it, minus the next state if it were of the first type.",
    r"\delta_{ij} = \mu_i(z) - \mu_i(z \text{ without } ij)", "found by asking the decoder twice", _STEP, _effects,
    {r"\mu_i(z)": "next state of the receiver under the sampled graph", r"\delta": "what the edge changes"},
)  # fmt: skip
_NEXT = Step(
    "next", "Next state", "The decoder predicts where {i} is one frame later.", r"\mu_i = x_i + \Delta_i", BEYOND, _STEP, _next,
    {r"\mu_i": "predicted next state", "x_i": "state now", r"\Delta_i": "predicted change"},
)  # fmt: skip


def _additive(messages: str, message_words: dict[str, str], source: str, hears: tuple[str, ...] = ()) -> tuple[Step, Step]:
    sentence = "Along the edge {j} → {i} a message is sent: a mix of one message for each edge type, by the sampled shares."
    return (
        Step("messages", "Messages", sentence, messages, source, ("decoder.messages", *hears), _additive_messages, _z | message_words),
        Step("sum", "Sum", "At {i} the messages of all senders add up; only what its edges let through arrives.",
             r"a_i = \textstyle\sum_{j \neq i} \tilde m_{ij}", source, ("aggregate",), _additive_sum,
             {"a_i": "sum at the receiver", r"\tilde m_{ij}": "message along an edge, as sampled"}),
    )  # fmt: skip


_MIX = r"\tilde m_{ij} = \textstyle\sum_k z_{ij,k}\, m^k_{ij}"
_MLP = (
    *_additive(lines(_MIX.replace("=", "&=", 1), r"m^k_{ij} &= \mathrm{ReLU}(W_2\, \mathrm{ReLU}(W_1 [x_j, x_i]))"), {"W": "weights, a set for each type"}, f"{PAPER}, equations 10 and 11"),
    Step("next", "Next state", "From its own state and the sum, {i} computes its change; the next state is the present one plus this change.",
         r"\mu_i = x_i + f_v([x_i, a_i])", f"{PAPER}, equation 11", _STEP, _next,
         {r"\mu_i": "predicted next state", "x_i": "state now", "f_v": "a small network: the change", "a_i": "sum of messages"}),
)  # fmt: skip
_RELATIVE = (
    *_additive(lines(r"m^k_{ij} &= a_k\, u + b_k\, u_\perp", _MIX.replace("=", "&=", 1)), {"u": "direction from sender to receiver", r"u_\perp": "across it", "a_k, b_k": "push along and across, from a small network"}, BEYOND, ("decoder._strength",)),
    Step("next", "Next state", "The messages are changes of velocity: with its own term they give the next velocity of {i}, and that its next place.",
         r"v'_i = v_i + g(x_i, v_i) + \textstyle\sum_j \tilde m_{ij}", BEYOND, (*_STEP, "decoder._strength", "aggregate"), _next_velocity,
         {"v_i": "velocity now", "v'_i": "predicted velocity", "g": "own term: walls, drag", r"\tilde m": "messages"}),
)  # fmt: skip
_PHASE = (
    *_additive(lines(_MIX.replace("=", "&=", 1), r"m^k_{ij} &= f_k(\sin\Delta, \cos\Delta, \dot\varphi_j - \dot\varphi_i)"), {r"\Delta": "how far the sender is ahead", "f_k": "a small network for each type"}, BEYOND),
    Step("next", "Next state", "An oscillator's own pace and the sum of messages give its next phase and its next rate.",
         r"(\varphi'_i - \varphi_i,\ \dot\varphi'_i) = g(\omega_i) + \textstyle\sum_j \tilde m_{ij}", BEYOND, _STEP, _next,
         {r"\varphi": "phase", r"\dot\varphi": "rate", r"g(\omega)": "own pace", r"\tilde m": "messages"}),
)  # fmt: skip
_RNN = (
    Step("messages", "Messages", "Along the edge {j} → {i} a message is sent from memory to memory: a mix of one for each edge type.",
         lines(_MIX.replace("=", "&=", 1), r"m^k_{ij} &= \tanh(W_2 \tanh(W_1 [h_j, h_i]))"), f"{PAPER}, equations 13 and 14", ("decoder.second.*",), _rnn_messages,
         _z | {"h": "what each node remembers"}),
    Step("sum", "Memory", "The mean message and the present state pass through gates that decide what {i} keeps in its memory and what is new.",
         lines(r"a_i &= \tfrac{1}{K(N-1)}\textstyle\sum_j \tilde m_{ij}", r"h'_i &= (1-u)\,n + u\,h_i"), f"{PAPER}, equations 14 to 16", (*_STEP, "decoder._aggregate"), _rnn_memory,
         {"a_i": "mean message", "h": "memory", "u": "gate: how much is kept", "n": "what is new"}),
    Step("next", "Next state", "From its memory {i} computes its change; the next state is the present one plus this change.",
         r"\mu_i = x_i + f_{\mathrm{out}}(h'_i)", f"{PAPER}, equation 17", _STEP, _next,
         {r"\mu_i": "predicted next state", "x_i": "state now", r"f_{\mathrm{out}}(h')": "change, from the memory"}),
)  # fmt: skip
_SIMULATED = (
    _EFFECT,
    Step("next", "Next state", "This decoder is the true law itself, run for one frame under the sampled graph; nothing in it is learned.",
         r"x_i(t+1) = x_i(t) + \int_t^{t+1} F_i(x, z)\, dt", f"{PAPER}, Table 1: simulated decoder", _STEP, _next, {"F": "the law", "z": "the sampled graph"}),
)  # fmt: skip
_LSTM = (
    Step("sum", "Memory", "This decoder sees no graph: what has happened so far lies in the memory of a recurrent network.",
         r"h^{t} = \mathrm{LSTM}(x^{t}, h^{t-1})", f"{PAPER}, Table 2: LSTM baselines", _STEP, _lstm_memory, {"h": "memory", "x": "state"}),
    Step("next", "Next state", "From its memory the network computes the change of {i}; no edge takes part.",
         r"\mu_i = x_i + f_{\mathrm{out}}(h)", f"{PAPER}, Table 2: LSTM baselines", _STEP, _next, {r"\mu_i": "predicted next state", "x_i": "state now"}),
)  # fmt: skip

DECODER_STEPS: dict[str, tuple[Step, ...]] = {"mlp": _MLP, "rnn": _RNN, "relative": _RELATIVE, "phase": _PHASE, "simulated": _SIMULATED, "lstm": _LSTM, "joint_lstm": _LSTM}
FALLBACK = (_EFFECT, _NEXT)


def decoder_steps(decoder: str) -> tuple[Step, ...]:
    """The steps of a decoder between sampled graph and next state."""
    return DECODER_STEPS.get(decoder, FALLBACK)
