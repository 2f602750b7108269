"""The learned force law, where a model has one: what it says of the pair, and the next state by small steps."""

import torch
from torch import Tensor

from nri_core.checkpoint import Checkpoint
from nri_core.stages.contract import Numbers, Place, Stage
from nri_core.stages.listening import listen
from nri_core.stages.writing import lines, number

POINTS = 60  # of the curve of the force
NEAR = 0.2  # of the largest distance


def forecast_stage(checkpoint: Checkpoint, past: Tensor, edges: Tensor, observed: Tensor | None, place: Place) -> tuple[Stage, Tensor]:
    """The stage, and the state after one frame [1, 1, node, dim]."""
    model = checkpoint.model
    after, heard = listen(model, ["forecaster.force"], lambda listened: listened.rollout(past, edges, num_steps=1, observed=observed), edges=edges)
    law = heard.model.forecaster
    distance = (past[0, -1, place.receiver] - past[0, -1, place.sender])[list(law.locations)].norm()
    reach = law.reach.exp()
    near = max(float(reach[0]), min(float(distance), NEAR * float(reach[1])) / 2)  # closer up, forces may be hundreds of times as large
    grid = torch.linspace(near, float(max(reach[1], distance)), POINTS)
    with torch.no_grad():
        curve, here = law.force(grid).T.numpy(), law.force(distance[None])[0].numpy()
    kinds = place.type_names[-law.sending :]
    weights = edges[0, place.receiver, place.slot, -law.sending :].numpy()
    parts = [rf"{weight:.3f}\cdot({number(value)})" for weight, value in zip(weights[:3], here[:3], strict=True)]
    parts += [r"\ldots"] if len(here) > 3 else []
    filled = lines(rf"|r_{{{place.ij}}}| &= {number(distance)}", rf"F_{{{place.ij}}} &= {' + '.join(parts)}", rf"&= {number(weights @ here)}")
    names = place.node_names[place.receiver], place.node_names[place.sender]
    sentence = f"Forecasts come from a law of force that was learned besides: so strongly {names[1]} pushes {names[0]} away (above 0) or pulls it (below), by distance."
    symbols = {"|r|": "distance of the pair, normalised", "a_k": "learned force of type k: change of velocity in a frame", "F": "force on the receiver, as sampled"}
    numbers = {
        "force": Numbers("Force by distance (normalised)", curve.astype(float), kinds, tuple(f"{value:.3g}" for value in grid.tolist()), "lines"),
        "here": Numbers("Force at the present distance", here[None].astype(float), ("force",), kinds, "none"),
    }
    equation = r"F_{ij} = \textstyle\sum_k z_{ij,k}\, a_k(|r_{ij}|)"
    return Stage("law", "Law", sentence, equation, filled, symbols, "not the paper's: Newton's equation in small steps", numbers), after
