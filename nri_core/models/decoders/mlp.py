"""The paper's Markovian MLP decoder: a message network for each edge type."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from nri_core.models.layers import Dense, from_receivers, from_senders, heard
from nri_core.models.prediction import Messages, Prediction
from nri_core.settings import ModelSettings


class MLPDecoder(nn.Module):
    """Kipf et al. 2018, equations 10 to 12.

        m_ij^k = ReLU(W2 ReLU(W1 [x_j, x_i]));  μ_i = x_i + f_v([x_i, Σ_j Σ_k z_ij,k m_ij^k])

    Assumes that one frame holds the whole state; knows nothing about its geometry. The sum over senders is not divided
    by their number. The first layer is applied to receivers and senders apart and added for each edge: equal to the
    reference's product with the concatenated pair, at a fraction of the work.
    """

    needs = ()

    def __init__(self, settings: ModelSettings, *, feature_names: tuple[str, ...], num_nodes: int) -> None:
        super().__init__()
        dims, hidden = len(feature_names), settings.decoder_hidden
        self.scored = tuple(range(dims))
        self.sending = settings.num_edge_types - settings.skip_first
        self.from_sender = nn.Linear(dims, self.sending * hidden)
        self.from_receiver = nn.Linear(dims, self.sending * hidden, bias=False)
        self.second = nn.ModuleList(nn.Linear(hidden, hidden) for _ in range(self.sending))
        bound = (2 * dims) ** -0.5  # PyTorch's default for the reference's one layer over the pair
        for parameter in (self.from_sender.weight, self.from_sender.bias, self.from_receiver.weight):
            nn.init.uniform_(parameter, -bound, bound)
        self.output = Dense(dims + hidden, hidden, hidden, dims)

    def calibrate(self, values: Float[Tensor, "sim time node dim"], observed: Bool[Tensor, "sim time node"] | None = None) -> None:
        """Nothing depends on the data."""

    def messages(self, state: Float[Tensor, "*batch node dim"], observed: Bool[Tensor, "*batch node"] | None = None) -> Messages:
        """m_ij^k for every pair and sending type; a sender that nobody saw says nothing."""
        first = torch.relu_(from_senders(self.from_sender(state)) + from_receivers(self.from_receiver(state)))
        kinds = zip(self.second, first.chunk(self.sending, dim=-1), strict=True)
        said = [torch.relu_(layer(hidden.flatten(0, -2))).unflatten(0, hidden.shape[:-1]) for layer, hidden in kinds]
        return Messages(heard(said[0].unsqueeze(-2) if self.sending == 1 else torch.stack(said, dim=-2), observed))

    def update(
        self, state: Float[Tensor, "*#batch dim"], aggregate: Float[Tensor, "*#batch channel"], messages: Messages
    ) -> Prediction:
        """μ from the sum that arrives at each node."""
        return Prediction(self.scored_mean(state, aggregate))

    def scored_mean(self, state: Float[Tensor, "*#batch dim"], aggregate: Float[Tensor, "*#batch channel"]) -> Float[Tensor, "*batch scored"]:
        """Every feature is scored."""
        own = state.expand(*aggregate.shape[:-1], state.shape[-1])
        return own + self.output(torch.cat([own, aggregate], dim=-1))
