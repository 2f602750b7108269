"""The paper's recurrent decoder: messages between hidden states, a gated update, and the change of state from what is remembered."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from nri_core.models.layers import Dense, from_receivers, from_senders, tanh
from nri_core.models.prediction import Memory, Prediction
from nri_core.settings import ModelSettings


class RNNDecoder(nn.Module):
    """Kipf et al. 2018, equations 13 to 17.

        m_ij^k = tanh(W2 tanh(W1 [h_j, h_i]));  a_i = Σ_j Σ_k z_ij,k m_ij^k / (K (N − 1))
        r = σ(U_r x + V_r a);  u = σ(U_u x + V_u a);  n = tanh(U_n x + r · V_n a);  h' = (1 − u) n + u h;  μ = x + f_out(h')

    Assumes nothing about the features; what one frame does not show, it may remember. K counts the types that send. The
    reference divides by the number of features instead of senders, and keeps its dropout on at test time: neither is kept.
    """

    needs = ()

    def __init__(self, settings: ModelSettings, *, feature_names: tuple[str, ...], num_nodes: int) -> None:
        super().__init__()
        dims, hidden = len(feature_names), settings.decoder_hidden
        self.scored = tuple(range(dims))
        self.skip_first, self.hidden = settings.skip_first, hidden
        self.sending = settings.num_edge_types - settings.skip_first
        self.from_sender = nn.Linear(hidden, self.sending * hidden)
        self.from_receiver = nn.Linear(hidden, self.sending * hidden, bias=False)
        self.second = nn.ModuleList(nn.Linear(hidden, hidden) for _ in range(self.sending))
        self.see, self.hear = nn.Linear(dims, 3 * hidden), nn.Linear(hidden, 3 * hidden, bias=False)  # for r, u, n side by side
        self.output = Dense(hidden, hidden, hidden, dims)

    def calibrate(self, values: Float[Tensor, "sim time node dim"], observed: Bool[Tensor, "sim time node"] | None = None) -> None:
        """Nothing depends on the data."""

    def step(
        self, state: Float[Tensor, "*batch node dim"], edges: Float[Tensor, "*batch node slot type"], memory: Memory | None
    ) -> tuple[Prediction, Memory]:
        """One frame; the memory is the hidden state of each node, zero at the start."""
        hidden = state.new_zeros(*state.shape[:-1], self.hidden) if memory is None else memory[0]
        heard = self.hear(self._aggregate(hidden, edges)).chunk(3, dim=-1)
        seen = self.see(state).chunk(3, dim=-1)
        reset, keep = torch.sigmoid(seen[0] + heard[0]), torch.sigmoid(seen[1] + heard[1])
        new = torch.tanh(seen[2] + reset * heard[2])
        hidden = (1 - keep) * new + keep * hidden
        return Prediction(state + self.output(hidden)), (hidden,)

    def _aggregate(self, hidden: Float[Tensor, "*batch node hidden"], edges: Tensor) -> Float[Tensor, "*batch node hidden"]:
        first = tanh(from_senders(self.from_sender(hidden)) + from_receivers(self.from_receiver(hidden)))
        sending = edges[..., 1:] if self.skip_first else edges
        kinds = zip(self.second, first.chunk(self.sending, dim=-1), sending.unbind(-1), strict=True)
        total = sum(tanh(layer(part)) * share[..., None] for layer, part, share in kinds)
        return total.sum(-2) / (self.sending * total.shape[-2])
