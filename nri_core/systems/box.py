"""Unit masses in a box with elastic walls: what springs and charged particles share."""

from collections.abc import Callable
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from nri_core.trajectories import Trajectories

TIME_STEP = 0.001
STEPS_PER_FRAME = 100
MAX_FORCE = 100.0  # per component; the reference clips so that close encounters stay finite
START_SPEED = 0.5
FEATURE_NAMES = ("x", "y", "vx", "vy")

Force = Callable[[Float[Tensor, "2 node sim"]], Float[Tensor, "2 node sim"]]


def draw_start(num_sims: int, num_nodes: int, generator: torch.Generator, *, spread: float, box_size: float) -> Float[Tensor, "sim node 4"]:
    """Locations ~ N(0, spread²), speed 0.5 in a random direction."""
    location = spread * torch.randn((num_sims, num_nodes, 2), generator=generator, dtype=torch.float64)
    direction = torch.randn((num_sims, num_nodes, 2), generator=generator, dtype=torch.float64)
    location, _ = _reflect(location, direction, box_size)
    return torch.cat([location, START_SPEED * direction / direction.norm(dim=-1, keepdim=True)], dim=-1)


def advance(
    state: Float[Tensor, "sim node 4"], force: Force, *, num_steps: int, time_step: float, box_size: float
) -> Float[Tensor, "sim node 4"]:
    """`num_steps` small steps of semi-implicit Euler (kick, then drift, then the walls), differentiable in everything.

    Simulations lie along the last axis inside, so that each operation runs over contiguous memory.
    """
    location, velocity = state.permute(2, 1, 0).contiguous().chunk(2)
    for _ in range(num_steps):
        velocity = velocity.add(force(location).clamp(-MAX_FORCE, MAX_FORCE), alpha=time_step)
        location, velocity = _reflect(location.add(velocity, alpha=time_step), velocity, box_size)
    return torch.cat([location, velocity]).permute(2, 1, 0).contiguous()


def distances(location: Float[Tensor, "*batch node 2"]) -> Float[Tensor, "*batch node node"]:
    """|r_i − r_j|; 1 on the diagonal, so that it can be divided by."""
    offset = location[..., :, None, :] - location[..., None, :, :]
    return (offset.square().sum(-1) + torch.eye(location.shape[-2], dtype=location.dtype, device=location.device)).sqrt()


def observe(exact: Trajectories, noise: float, generator: torch.Generator) -> Trajectories:
    """Independent Gaussian noise on every location and velocity."""
    if not noise:
        return exact
    error = noise * torch.randn(exact.values.shape, generator=generator, dtype=torch.float64)
    return replace(exact, values=error.numpy() + exact.values)


def _reflect(location: Tensor, velocity: Tensor, box_size: float) -> tuple[Tensor, Tensor]:
    inside = location.clamp(-box_size, box_size)
    if location.device.type == "cpu" and torch.equal(inside, location):  # the common case: nobody is at a wall; a GPU would wait to know
        return location, velocity
    return 2 * inside - location, torch.where(inside == location, velocity, -velocity)
