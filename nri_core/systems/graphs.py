"""Random interaction graphs: who acts on whom in each simulation."""

import torch
from jaxtyping import Int
from torch import Tensor


def draw_graph(
    num_sims: int, num_nodes: int, generator: torch.Generator, *, probability: float, directed: bool, num_kinds: int = 1
) -> Int[Tensor, "sim node node"]:
    """[receiver, sender]: 0 where nothing acts, else one of the kinds 1 … `num_kinds`, all equally likely."""
    chance = torch.rand((num_sims, num_nodes, num_nodes), generator=generator, dtype=torch.float64)
    kinds = torch.randint(1, num_kinds + 1, chance.shape, generator=generator)
    graph = torch.where(chance < probability, kinds, 0)
    upper = torch.triu(graph, diagonal=1)
    return upper + (torch.tril(graph, diagonal=-1) if directed else upper.mT)
