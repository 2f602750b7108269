"""Turning in space, for skeletons whose motion is stored as angles."""

import numpy as np
from jaxtyping import Float

AXES = ("x", "y", "z")


def about(axis: str, angle: Float[np.ndarray, " time"]) -> Float[np.ndarray, "time 3 3"]:
    """Matrices that turn columns about x, y or z by angles in radians, the right hand's way."""
    own = AXES.index(axis)
    first, second = (own + 1) % 3, (own + 2) % 3
    matrix = np.zeros((len(angle), 3, 3))
    matrix[:, own, own] = 1
    matrix[:, first, first] = matrix[:, second, second] = np.cos(angle)
    matrix[:, first, second], matrix[:, second, first] = -np.sin(angle), np.sin(angle)
    return matrix
