"""What an edge type does, found without labels: its effect on what the decoder predicts, and a name for it."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from nri_core.checkpoint import Checkpoint
from nri_core.dataset import slots_of
from nri_core.models.decoders import PhaseDecoder, RelativeDecoder
from nri_core.models.geometry import pairs
from nri_core.models.layers import both_ends
from nri_core.models.phases import oscillators, pair_features
from nri_core.posterior import EdgePosterior
from nri_core.trajectories import Trajectories

MOST_SIMS = 64  # enough to name a type
NO_EFFECT = 0.02  # share of the largest effect below which a type is said to do nothing


@dataclass(frozen=True)
class Meaning:
    """A name for an edge type, and the number behind it: its effect as a share of the largest of any type, with a sign where there is one."""

    name: str
    effect: float


def edge_type_meanings(checkpoint: Checkpoint, data: Trajectories, posterior: EdgePosterior) -> tuple[Meaning, ...]:
    """Name each type by what the decoder makes of the pairs that are believed to have it; no label is read.

    Points in the plane: the mean push along the line that joins a pair. Oscillators: the mean pull towards the other's
    phase. Any other decoder: how far predictions move when all edges of the type are taken out. `posterior` numbers its
    types as the model does. A model without a decoder names nothing: "type 0", ….
    """
    model, config = checkpoint.model, checkpoint.config
    sims = slice(0, MOST_SIMS)
    if model.decoder is None:
        return tuple(Meaning(name, 0.0) for name in checkpoint.edge_type_names)
    window = data.select(sims, frames=slice(0, config.window))
    values, observed = checkpoint.tensor(window), checkpoint.sightings(window)
    edges = slots_of(posterior.edge_types[sims], config.settings.num_edge_types, checkpoint.device)
    words = ("acts", "acts")
    with torch.no_grad():
        if isinstance(model.decoder, RelativeDecoder):
            effects, words = _pushes(checkpoint, values, edges, observed), ("pushes apart", "pulls together")
        elif isinstance(model.decoder, PhaseDecoder):
            effects, words = _pulls(checkpoint, values, edges, observed), ("pulls into step", "pushes out of step")
        else:
            effects = _changes(checkpoint, values, edges, observed)
    return _named(effects, words)


def _named(effects: Float[np.ndarray, " type"], words: tuple[str, str]) -> tuple[Meaning, ...]:
    """By sign, and by rank among the types of the same sign."""
    shares = effects / max(np.abs(effects).max(), 1e-12)
    names = []
    for share in shares:
        alike = [other for other in shares if other * share > 0 and abs(other) >= NO_EFFECT]
        if abs(share) < NO_EFFECT:
            names.append("no effect")
            continue
        rank = sorted(map(abs, alike)).index(abs(share))
        degree = "" if len(alike) == 1 else (" weakly", " strongly")[rank] if len(alike) == 2 else f", {rank + 1} of {len(alike)}"
        names.append(words[int(share < 0)] + degree)
    return tuple(Meaning(name, float(share)) for name, share in zip(names, shares, strict=True))


def _sent(checkpoint: Checkpoint, values: Tensor) -> Float[Tensor, "sim step node slot type channel"]:
    said = checkpoint.model.decoder.messages(values[:, :-1]).values
    silent = checkpoint.config.settings.skip_first
    return torch.cat([torch.zeros_like(said[..., :1, :]), said], dim=-2) if silent else said


def _mean(
    effect: Float[Tensor, "sim step node slot type"], edges: Float[Tensor, "sim node slot type"], observed: Tensor | None
) -> Float[np.ndarray, " type"]:
    """The median over steps, then the mean over the pairs of each type: close encounters do not decide. Only what was seen counts."""
    if observed is not None:
        effect = effect.masked_fill(~both_ends(observed[:, :-1])[..., None], torch.nan)
        edges = edges * both_ends(observed[:, :-1]).any(1)[..., None]
    typical = effect.nanmedian(1).values.nan_to_num(0)
    return ((typical * edges).sum((0, 1, 2)) / edges.sum((0, 1, 2)).clamp_min(1)).cpu().numpy()


def _pushes(checkpoint: Checkpoint, values: Tensor, edges: Tensor, observed: Tensor | None) -> Float[np.ndarray, " type"]:
    decoder = checkpoint.model.decoder
    along = pairs(values[:, :-1][..., decoder.locations], values[:, :-1][..., decoder.velocities]).along
    return _mean((_sent(checkpoint, values) * along[..., None, :]).sum(-1), edges, observed)


def _pulls(checkpoint: Checkpoint, values: Tensor, edges: Tensor, observed: Tensor | None) -> Float[np.ndarray, " type"]:
    toward = pair_features(oscillators(values[:, :-1], checkpoint.model.feature_names))[..., :1].sign()
    return _mean((_sent(checkpoint, values) * toward[..., None, :])[..., 0], edges, observed)


def _changes(checkpoint: Checkpoint, values: Tensor, edges: Tensor, observed: Tensor | None) -> Float[np.ndarray, " type"]:
    """Root mean square change of one-step predictions."""
    model, effects = checkpoint.model.eval(), []
    for kind in range(edges.shape[-1]):
        without = edges.clone()
        without[..., kind] = 0
        squares, memories = [], [None, None]
        for place, frame in enumerate(values[:, :-1].unbind(1)):
            there = None if observed is None else observed[:, place]
            steps = [model.step(frame, graph, memory, there) for graph, memory in zip((edges, without), memories, strict=True)]
            memories = [memory for _, memory in steps]
            squares.append((steps[0][0].mean - steps[1][0].mean).square().mean())
        effects.append(torch.stack(squares).mean().sqrt().item())
    return np.array(effects)
