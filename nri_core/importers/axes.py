"""Which axis of an array is which: guessed from the lengths, and brought into one order."""

from collections.abc import Sequence
from itertools import permutations

import numpy as np
from jaxtyping import Shaped

from nri_core.errors import DataError

WORDS = ("sim", "time", "node", "dim")
KINDS = {2: (("time", "node"),), 3: (("time", "node", "dim"), ("sim", "time", "node")), 4: (WORDS,)}  # what arrays of so many axes may hold
USUAL_DIMS = {2: 0, 4: 1, 3: 1, 6: 2, 1: 2, 5: 3}  # how likely so many features are, the likeliest first


def choices(ranks: Sequence[int]) -> tuple[str, ...]:
    """Every order of the axes that arrays of these numbers of axes may have."""
    return tuple(dict.fromkeys(" ".join(order) for rank in sorted(set(ranks)) for words in KINDS.get(rank, ()) for order in permutations(words)))


def guess(shape: Sequence[int], *, nodes: int | None = None) -> str:
    """The likeliest order: features are few, frames are many; `nodes`: how many there are, if that is known.

    Raises DataError for arrays of another number of axes.
    """
    if len(shape) not in KINDS:
        raise DataError(f"Expected an array of 2 to 4 axes (such as time, node, dim); found {len(shape)}. Choose another array.")
    found: dict[int, str] = {}
    dim = _features(shape, nodes) if len(shape) > 2 else None
    if dim is not None:
        found[dim] = "dim"
    rest = [axis for axis in range(len(shape)) if axis not in found]
    if len(rest) == 3:
        found[rest.pop(0)] = "sim"
    first, second = rest
    swapped = shape[first] == nodes != shape[second] if nodes else len(shape) < 4 and shape[first] < shape[second]
    return " ".join((found | dict(zip(rest, ("node", "time") if swapped else ("time", "node"), strict=True)))[axis] for axis in range(len(shape)))


def _features(shape: Sequence[int], nodes: int | None) -> int | None:
    """The axis of the features, if one is short enough; of equally likely ones the last."""
    last = len(shape) - 1
    likely = [axis for axis in (last, last - 1, *([0] if len(shape) == 3 else [])) if shape[axis] in USUAL_DIMS]
    if nodes and [axis for axis in range(len(shape)) if shape[axis] == nodes] == likely:
        return None
    return min(likely, key=lambda axis: USUAL_DIMS[shape[axis]] + (shape[axis] == nodes), default=None)


def arranged(array: Shaped[np.ndarray, "..."], axes: str) -> Shaped[np.ndarray, "sim time node dim"]:
    """The array with its axes in the order of WORDS; those that it lacks have length 1."""
    words = axes.split()
    lacking = [WORDS.index(word) for word in WORDS if word not in words]
    return np.expand_dims(array.transpose([words.index(word) for word in WORDS if word in words]), lacking)
