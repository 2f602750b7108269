"""The paper's Corr. (LSTM): apart from the other baselines, because it needs a trained network, and torch."""

import torch

from nri_core.checkpoint import Checkpoint
from nri_core.dataset import as_tensor
from nri_core.errors import CheckpointError
from nri_core.network_baselines.similarity import state_correlation
from nri_core.posterior import EdgePosterior
from nri_core.trajectories import Trajectories


@torch.no_grad()
def lstm_correlation(data: Trajectories, *, lstm: Checkpoint, share: float = 0.5) -> EdgePosterior:
    """How alike the last hidden states of two nodes are, when an LSTM that sees one node at a time has read the paths.

    Of the upper layer, after the frames of the LSTM's window. Raises CheckpointError for any other model.
    """
    if (decoder := lstm.config.settings.decoder) != "lstm":
        raise CheckpointError(f"Expected a model with the lstm decoder, which sees one node at a time; found {decoder}.")
    lstm.check(data)
    window = data.select(slice(None), frames=slice(0, lstm.config.window))
    values = as_tensor(window, lstm.config.normalizer, lstm.device)
    no_edges = values.new_zeros(data.num_sims, data.num_nodes, data.num_nodes - 1, lstm.config.settings.num_edge_types)
    model, memory = lstm.model.eval(), None
    for state in values.unbind(1):
        _, memory = model.step(state, no_edges, memory)
    hidden, _ = memory
    return state_correlation(hidden[-1].unflatten(0, (data.num_sims, data.num_nodes)).cpu().numpy(), data.node_names, share=share)
