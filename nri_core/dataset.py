"""Where NumPy becomes torch: normalising by the training set, symmetries."""

from typing import Literal, Self

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from pydantic import BaseModel, ConfigDict
from torch import Tensor

from nri_core.errors import DataError
from nri_core.graph import off_diagonal
from nri_core.trajectories import ANGLES, Trajectories

LOCATIONS = ("x", "y", "z")
VELOCITIES = ("vx", "vy", "vz")


def columns(feature_names: tuple[str, ...], wanted: tuple[str, ...]) -> tuple[int, ...]:
    """Positions of the `wanted` features that are there, in the wanted order."""
    return tuple(feature_names.index(name) for name in wanted if name in feature_names)


def _groups(feature_names: tuple[str, ...]) -> list[list[int]]:
    """Locations share one scale and velocities another, so that directions keep their meaning; the rest stand alone, angles as they are."""
    together = [list(columns(feature_names, wanted)) for wanted in (LOCATIONS, VELOCITIES)]
    taken = {dim for group in together for dim in group} | set(columns(feature_names, ANGLES))
    alone = [[dim] for dim in range(len(feature_names)) if dim not in taken]
    return [group for group in (*together, *alone) if group]


class Normalizer(BaseModel):
    """(value − shift) / scale for each dim; fitted on training data, kept with the model.

    "unit" is the reference's: one minimum and maximum for all locations, one for all velocities, onto [−1, 1].
    "standard": zero mean for each dim, and one standard deviation for all locations and one for all velocities.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    shift: tuple[float, ...]
    scale: tuple[float, ...]

    @classmethod
    def fit(cls, data: Trajectories, kind: Literal["unit", "standard"]) -> Self:
        """From what was observed. Raises DataError when a feature never changes: then there is no scale."""
        values = data.values if data.complete else data.values[data.observed]
        shift, scale = np.zeros(values.shape[-1]), np.ones(values.shape[-1])
        for group in _groups(data.feature_names):
            part = values[..., group].astype(np.float64)
            if kind == "unit":
                low, high = part.min(), part.max()
                shift[group], scale[group] = (low + high) / 2, (high - low) / 2
            else:
                shift[group] = part.mean(axis=tuple(range(part.ndim - 1)))
                scale[group] = np.sqrt(np.square(part - shift[group]).mean())
        if not (scale > 1e-12).all():
            constant = ", ".join(f"`{data.feature_names[dim]}`" for dim in np.flatnonzero(~(scale > 1e-12)))
            raise DataError(f"Expected features that change over time; found {constant} constant. Leave it out.")
        return cls(shift=tuple(shift.tolist()), scale=tuple(scale.tolist()))

    def apply(self, values: Float[np.ndarray, "*batch dim"]) -> Float[np.ndarray, "*batch dim"]:
        """Into the normalised units."""
        return (values - np.array(self.shift)) / np.array(self.scale)

    def undo(self, values: Float[np.ndarray, "*batch dim"]) -> Float[np.ndarray, "*batch dim"]:
        """Back to the units of the source."""
        return values * np.array(self.scale) + np.array(self.shift)


def as_tensor(data: Trajectories, normalizer: Normalizer, device: torch.device) -> Float[Tensor, "sim time node dim"]:
    """Normalised float32 values on the device; where nobody looked, as `Trajectories.filled` has it."""
    return torch.from_numpy(normalizer.apply(data.filled().values)).to(device, torch.float32)


def sightings(data: Trajectories, device: torch.device) -> Bool[Tensor, "sim time node"] | None:
    """Which nodes were seen in which frames, beside `as_tensor`; None where all were, and then nothing is computed that a mask would ask for."""
    return None if data.complete else torch.tensor(data.observed, device=device)


def edges_as_tensor(data: Trajectories, num_edge_types: int, device: torch.device) -> Float[Tensor, "sim node slot type"]:
    """The true edges, one-hot, for the baselines that are told them. Raises DataError where they are unknown or change over time."""
    if data.edge_types is None or data.edge_types.ndim == 4:
        found = "none" if data.edge_types is None else "edges that change over time"
        raise DataError(f"This objective is told the true edges: expected an array `edge_types` [sim, node, node]; found {found}. Choose another objective.")
    if (highest := int(data.edge_types.max())) >= num_edge_types:
        raise DataError(f"Expected {num_edge_types} edge types in the data; found type {highest}. Raise the number of edge types.")
    return slots_of(data.edge_types, num_edge_types, device)


def slots_of(edge_types: Int[np.ndarray, "sim node node"], num_edge_types: int, device: torch.device) -> Float[Tensor, "sim node slot type"]:
    """A matrix of edge types [receiver, sender] as one-hot edges."""
    num_sims, num_nodes, _ = edge_types.shape
    slots = edge_types[:, off_diagonal(num_nodes)].reshape(num_sims, num_nodes, -1)
    return torch.nn.functional.one_hot(torch.from_numpy(slots), num_edge_types).float().to(device)


def turn_and_flip(
    values: Float[Tensor, "sim time node dim"], feature_names: tuple[str, ...], generator: torch.Generator
) -> Float[Tensor, "sim time node dim"]:
    """One of the 8 symmetries of the square, drawn for each simulation: mirror x, mirror y, swap the axes.

    Assumes that the law has these symmetries about the centre of the data, as a square box or open space has.
    """
    pairs = [columns(feature_names, names[:2]) for names in (LOCATIONS, VELOCITIES)]
    draw = torch.randint(0, 2, (3, values.shape[0], 1, 1), generator=generator).to(values.device)
    values = values.clone()
    for first, second in (pair for pair in pairs if len(pair) == 2):
        x, y = values[..., first] * (1 - 2 * draw[0]), values[..., second] * (1 - 2 * draw[1])
        values[..., first], values[..., second] = torch.where(draw[2] == 1, y, x), torch.where(draw[2] == 1, x, y)
    return values
