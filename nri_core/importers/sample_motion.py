"""The motion that all samples hold: four bodies on three springs."""

import numpy as np
from jaxtyping import Float

FRAMES, RATE = 60, 10.0
NAMES = ("ann", "bob", "cid", "dot")
TRIALS = ("1", "2")
SPRINGS = ((0, 1), (1, 2), (2, 3))  # who pulls whom in the samples


def motion(trial: int) -> Float[np.ndarray, "time node 4"]:
    """x, y, vx, vy of four bodies on three springs, integrated in small steps; the same each time."""
    place = np.random.default_rng(trial).uniform(-1, 1, (len(NAMES), 2))
    speed = np.random.default_rng(100 + trial).normal(0, 0.3, (len(NAMES), 2))
    frames, small = [], 20
    for _ in range(FRAMES):
        frames.append(np.concatenate([place, speed], axis=-1))
        for _ in range(small):
            force = np.zeros_like(place)
            for first, second in SPRINGS:
                pull = place[second] - place[first]
                force[first] += pull
                force[second] -= pull
            speed = speed + force / (RATE * small)
            place = place + speed / (RATE * small)
    return np.stack(frames)
