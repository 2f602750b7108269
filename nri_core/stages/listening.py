"""Listening in on a real pass of a model: what its named parts were given, and what they gave."""

import copy
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor, nn

from nri_core.models.nri import NRI

Result = TypeVar("Result")
KEPT = 4  # calls of one part; a decoder with memory makes one a frame


class Call(NamedTuple):
    """One call of a part, as it was: later steps may change what they were given in place."""

    given: tuple[Any, ...]
    gave: Any


@dataclass(frozen=True, eq=False)
class Heard:
    """The last calls of each part that was listened to, and the copy of the model that made them; `edges` [sim, node, slot, type] where a graph went in."""

    model: NRI
    calls: dict[str, tuple[Call, ...]] = field(repr=False)
    edges: Tensor | None = None

    def last(self, part: str) -> Call:
        """Its last call."""
        return self.calls[part][-1]

    def matching(self, pattern: str) -> list[Call]:
        """The last calls of all parts that a pattern ending in `*` stands for, in order."""
        return [calls[-1] for part, calls in self.calls.items() if part.startswith(pattern.rstrip("*")) and calls]


@torch.no_grad()
def listen(model: NRI, parts: Iterable[str], run: Callable[[NRI], Result], *, edges: Tensor | None = None) -> tuple[Result, Heard]:
    """`run(copy of the model)`, and what the parts said on the way. Others may be using the model itself meanwhile."""
    listened = copy.deepcopy(model).eval()
    calls: dict[str, deque[Call]] = {}
    for part in dict.fromkeys(name for pattern in parts for name in _expanded(listened, pattern)):
        _tap(listened, part, calls.setdefault(part, deque(maxlen=KEPT)))
    gave = run(listened)
    return gave, Heard(listened, {part: tuple(kept) for part, kept in calls.items()}, edges)


def _expanded(model: NRI, pattern: str) -> list[str]:
    if not pattern.endswith(".*"):
        return [pattern]
    owner = pattern.removesuffix(".*")
    return [f"{owner}.{name}" for name, _ in model.get_submodule(owner).named_children()]


def _tap(model: NRI, part: str, calls: deque[Call]) -> None:
    """Put an ear on a submodule or a method."""
    owner, _, name = part.rpartition(".")
    target = model.get_submodule(owner)
    spoken = getattr(target, name)
    if isinstance(spoken, nn.Module):
        target, name, spoken = spoken, "forward", spoken.forward

    def heard(*given: Any, **named: Any) -> Any:
        before = _copied(given)
        gave = spoken(*given, **named)
        calls.append(Call(before, _copied(gave)))
        return gave

    object.__setattr__(target, name, heard)


def _copied(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.clone()
    if isinstance(value, tuple):
        parts = [_copied(part) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    return value
