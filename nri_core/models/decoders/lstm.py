"""Forecasts without a graph, to compare with: an LSTM for each object, and one LSTM for all of them together."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from nri_core.models.layers import reference_linear
from nri_core.models.prediction import Memory, Prediction
from nri_core.settings import ModelSettings

LAYERS = 2


class LSTMDecoder(nn.Module):
    """Baselines of Kipf et al. 2018, Table 2: an MLP for each object → two layers of LSTM → MLP; predicts the change.

    "lstm" (single) runs one network over each object by itself and reads any number of them; "joint_lstm" sees all objects
    side by side in one state of N · hidden units, so that it fits their number and order only. Linear layers start as the
    reference's.
    """

    needs = ()

    def __init__(self, settings: ModelSettings, *, feature_names: tuple[str, ...], num_nodes: int) -> None:
        super().__init__()
        dims, hidden = len(feature_names), settings.decoder_hidden
        self.scored = tuple(range(dims))
        together = num_nodes if settings.decoder == "joint_lstm" else 1
        width = together * hidden
        self.embed = nn.Sequential(reference_linear(dims, hidden), nn.ReLU(), reference_linear(hidden, hidden), nn.ReLU())
        self.recurrent = nn.LSTM(width, width, LAYERS)
        self.output = nn.Sequential(reference_linear(width, width), nn.ReLU(), reference_linear(width, together * dims))

    def calibrate(self, values: Float[Tensor, "sim time node dim"], observed: Bool[Tensor, "sim time node"] | None = None) -> None:
        """Nothing depends on the data."""

    def step(
        self, state: Float[Tensor, "sim node dim"], edges: Float[Tensor, "sim node slot type"], memory: Memory | None
    ) -> tuple[Prediction, Memory]:
        """One frame, whatever the edges; the memory is hidden and cell state, [layer, object, unit] each, zero at the start."""
        hidden = self.embed(state).reshape(-1, self.recurrent.input_size)
        hiddens, cells = memory or (hidden.new_zeros(LAYERS, *hidden.shape),) * 2
        after = []
        for layer, weights in enumerate(self.recurrent.all_weights):  # nn.LSTM on single frames is slower on the way back
            hidden, cell = torch.lstm_cell(hidden, (hiddens[layer], cells[layer]), *weights)
            after.append((hidden, cell))
        hiddens, cells = (torch.stack(parts) for parts in zip(*after, strict=True))
        return Prediction(state + self.output(hidden).view_as(state)), (hiddens, cells)
