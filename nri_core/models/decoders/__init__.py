"""Decoders: a state and a graph → a prediction of the next state.

Every decoder works in two stages, so that one set of messages serves many graphs:
`messages(state)` gives what each sender would say under each edge type; `update(state, aggregate, messages)` turns the
sum that arrives at a node into a prediction for it.
"""

from nri_core.models.decoders.mlp import MLPDecoder
from nri_core.models.decoders.relative import RelativeDecoder

DECODERS: dict[str, type[MLPDecoder] | type[RelativeDecoder]] = {"relative": RelativeDecoder, "mlp": MLPDecoder}
