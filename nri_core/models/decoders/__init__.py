"""Decoders: a state and a graph → a prediction of the next state.

An additive decoder works in two stages, so that one set of messages serves many graphs:
`messages(state)` gives what each sender would say under each edge type; `update(state, aggregate, messages)` turns the
sum that arrives at a node into a prediction for it. The others have `step(state, edges, memory)`, whose memory may be empty.
"""

from torch import nn

from nri_core.models.decoders.lstm import LSTMDecoder
from nri_core.models.decoders.mlp import MLPDecoder
from nri_core.models.decoders.phase import PhaseDecoder
from nri_core.models.decoders.relative import RelativeDecoder
from nri_core.models.decoders.rnn import RNNDecoder
from nri_core.models.decoders.simulated import SimulatedDecoder

DECODERS: dict[str, type[nn.Module]] = {
    "relative": RelativeDecoder,
    "phase": PhaseDecoder,
    "mlp": MLPDecoder,
    "rnn": RNNDecoder,
    "simulated": SimulatedDecoder,
    "lstm": LSTMDecoder,
    "joint_lstm": LSTMDecoder,
}
