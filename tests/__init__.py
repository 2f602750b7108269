"""The tests; and how the library's annotations are checked while they run: see `--jaxtyping-packages` in pyproject.toml."""

from collections.abc import Callable
from io import IOBase
from typing import BinaryIO, Self

from beartype import BeartypeConf, FrozenDict, beartype

# jaxtyping hands over one method at a time, where `Self` has no meaning yet; an upload is a BytesIO, which lacks what BinaryIO promises.
CONF = BeartypeConf(hint_overrides=FrozenDict({Self: object, BinaryIO: IOBase}))


def check(function: Callable) -> Callable:
    """Check arguments and results; but what an object is made from it checks itself, in words for users, which tests want to see."""
    return function if function.__name__ == "__init__" else beartype(function, conf=CONF)
