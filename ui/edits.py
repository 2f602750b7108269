"""What somebody changed on the page "What if": as the address holds it, as it comes from the player, and what can be undone. Imports no streamlit."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from nri_core.errors import ConfigError

MOST_TOKENS = 300
FASTEST = 20.0
KINDS = {"start": "p", "velocity": "v", "truth": "t", "inferred": "g"}
CALLED = {"p": "start", "a": "start", "v": "velocity", "t": "truth", "g": "inferred"}
EXAMPLE = "Expected changes such as p1:0.2,-0.4 (particle 1 starts there) or g2-3:0 (the inferred pair 2-3 has type 0), with ; between them"
_POINT = re.compile(r"([pav])(\d{1,3}):(-?[\d.]{1,12})(?:,(-?[\d.]{1,12}))?")
_PAIR = re.compile(r"([tg])(\d{1,3})-(\d{1,3}):(\d)")

Pair = tuple[int, int]


@dataclass(frozen=True)
class Limits:
    """What may be changed, of how many nodes and types, and how far: `round` where a start is a phase, `tied` graphs change both directions of a pair."""

    allowed: tuple[str, ...]
    num_nodes: int
    num_types: int
    reach: float
    round: bool = False
    tied: tuple[str, ...] = ()
    inferred_types: tuple[int, ...] = ()  # those that the model knows, and none; empty: all


@dataclass(frozen=True)
class Edits:
    """Changed starts and velocities by node, (x, y) or (phase,), and types by (receiver, sender), counted from 0."""

    starts: Mapping[int, tuple[float, ...]] = field(default_factory=dict)
    velocities: Mapping[int, tuple[float, ...]] = field(default_factory=dict)
    truth: Mapping[Pair, int] = field(default_factory=dict)
    inferred: Mapping[Pair, int] = field(default_factory=dict)

    @property
    def world(self) -> bool:
        """Whether anything but the inferred graph was changed."""
        return bool(self.starts or self.velocities or self.truth)

    def placed(self, *, round: bool) -> list[tuple[int, tuple[str, ...], tuple[float, ...]]]:
        """Node, features and values of each changed start and velocity; where it is `round`, a start is a phase."""
        where = ("phase",) if round else ("x", "y")
        return [(node, where, at) for node, at in self.starts.items()] + [(node, ("vx", "vy"), at) for node, at in self.velocities.items()]

    @property
    def text(self) -> str:
        """As the address holds it: nodes counted from 1, a pair as sender-receiver."""
        points = (("p", self.starts), ("v", self.velocities))
        tokens = [_point(mark, node, at) for mark, changed in points for node, at in sorted(changed.items())]
        graphs = (("t", self.truth), ("g", self.inferred))
        tokens += [f"{mark}{sender + 1}-{receiver + 1}:{kind}" for mark, changed in graphs for (receiver, sender), kind in sorted(changed.items())]
        return ";".join(tokens)

    @classmethod
    def parse(cls, text: str, limits: Limits) -> Self:
        """The changes that `text` asks for. Raises ConfigError, in one sentence, for what nobody could have made on the page."""
        tokens = [token for token in text.split(";") if token]
        if len(tokens) > MOST_TOKENS:
            raise ConfigError(f"{EXAMPLE}; found {len(tokens)} of them.")
        changed: dict[str, dict] = {"starts": {}, "velocities": {}, "truth": {}, "inferred": {}}
        for token in tokens:
            what, key, value = _read(token, limits)
            changed[{"start": "starts", "velocity": "velocities"}.get(what, what)][key] = value
        return cls(**changed)

    def joined(self, change: "Edits") -> Self:
        """Both, the later one where they speak of the same."""
        return replace(self, **{name: {**getattr(self, name), **getattr(change, name)} for name in ("starts", "velocities", "truth", "inferred")})

    def without(self, name: str, pairs: Mapping[Pair, int]) -> Self:
        """Less the pairs of the graph `name` that have the type which they have anyway."""
        return replace(self, **{name: {pair: kind for pair, kind in getattr(self, name).items() if pairs.get(pair) != kind}})


def of_belief(text: str) -> str:
    """Those changes in the text of an address that need no known law: of the inferred graph."""
    return ";".join(token for token in text.split(";") if token.startswith(KINDS["inferred"]))


def told(event: Any, limits: Limits) -> Edits:
    """The change that a player told: {kind, node, at} or {kind, pair, type}. Raises ConfigError: it comes from a browser."""
    try:
        mark = KINDS[event["kind"]]
        if mark in "pv":
            token = _point(mark, int(event["node"]), tuple(float(number) for number in event["at"]))
        else:
            receiver, sender = (int(end) for end in event["pair"])
            token = f"{mark}{sender + 1}-{receiver + 1}:{int(event['type'])}"
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ConfigError("Expected a change of a start, a velocity or an edge from the player; found something else. Reload the page.") from error
    return Edits.parse(token, limits)


def _point(mark: str, node: int, at: tuple[float, ...]) -> str:
    """A phase is one number, a place two."""
    return f"{'a' if len(at) == 1 else mark}{node + 1}:{','.join(f'{number:.4f}'.rstrip('0').rstrip('.') for number in at)}"


def _read(token: str, limits: Limits) -> tuple[str, Any, Any]:
    point, pair = _POINT.fullmatch(token), _PAIR.fullmatch(token)
    if not point and not pair:
        raise ConfigError(f"{EXAMPLE}; found `{_plain(token)}`.")
    what = CALLED[token[0]]
    if what not in limits.allowed:
        raise ConfigError(f"The {what} cannot be changed here, as `{_plain(token)}` asks.")
    if point:
        return (what, *_place(point, token, limits))
    sender, receiver, kind = (int(part) for part in pair.groups()[1:])
    if not (1 <= sender <= limits.num_nodes and 1 <= receiver <= limits.num_nodes and sender != receiver and kind < limits.num_types):
        known = f"two of the nodes 1 to {limits.num_nodes} and a type from 0 to {limits.num_types - 1}"
        raise ConfigError(f"Expected {known}; found `{_plain(token)}`.")
    if what == "inferred" and limits.inferred_types and kind not in limits.inferred_types:
        raise ConfigError(f"The model knows no such type: expected one of {', '.join(map(str, limits.inferred_types))}; found `{_plain(token)}`.")
    ends = (receiver - 1, sender - 1)
    return what, (max(ends), min(ends)) if what in limits.tied else ends, kind


def _place(found: re.Match[str], token: str, limits: Limits) -> tuple[int, tuple[float, ...]]:
    mark, node, *numbers = found.groups()
    try:
        at = tuple(float(number) for number in numbers if number is not None)
    except ValueError as error:
        raise ConfigError(f"Expected numbers; found `{_plain(token)}`.") from error
    most = FASTEST if mark == "v" else math.tau if mark == "a" else limits.reach
    if (mark == "a") != (limits.round and mark != "v") or len(at) != (1 if mark == "a" else 2):
        raise ConfigError(f"{EXAMPLE}; found `{_plain(token)}`.")
    if not (1 <= int(node) <= limits.num_nodes and all(abs(number) <= most for number in at)):
        raise ConfigError(f"Expected one of the nodes 1 to {limits.num_nodes} and numbers up to {most:g}; found `{_plain(token)}`.")
    return int(node) - 1, at


def _plain(text: str) -> str:
    return re.sub(r"[^\w:;,.\- ]", "?", text[:40])


@dataclass(frozen=True)
class History:
    """The changes in force as text, those before and those undone; `answered` is the last message of the player.

    `open` while a drag goes on, `fresh` until what was just changed has been seen: until then a rough picture does.
    """

    subject: str
    now: str = ""
    past: tuple[str, ...] = ()
    future: tuple[str, ...] = ()
    open: bool = False
    fresh: bool = False
    answered: int = 0

    @classmethod
    def opened(cls, subject: str, text: str, *, answered: int) -> Self:
        """As an address has it: each change can be undone by itself."""
        changes = text.split(";") if text else []
        return cls(subject, text, past=tuple(";".join(changes[:kept]) for kept in range(len(changes))), answered=answered)

    def to(self, text: str, *, settled: bool = True, answered: int = 0) -> Self:
        """Other changes: all the steps of one drag can be undone as one."""
        past = self.past if self.open or text == self.now else (*self.past, self.now)[-100:]
        return replace(self, now=text, past=past, future=(), open=not settled, fresh=bool(answered), answered=max(answered, self.answered))

    def undone(self) -> Self:
        """As before the last change."""
        return replace(self, now=self.past[-1], past=self.past[:-1], future=(self.now, *self.future), open=False, fresh=False) if self.past else self

    def redone(self) -> Self:
        """As before it was undone."""
        return replace(self, now=self.future[0], past=(*self.past, self.now), future=self.future[1:], open=False, fresh=False) if self.future else self
