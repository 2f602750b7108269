"""What a stage holds, and what an encoder or a decoder says of its own steps."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float

from nri_core.stages.listening import Heard

PAPER = "Kipf et al. 2018"  # where a step comes from
BEYOND = "not the paper's"
_PLAIN = re.compile(r"[A-Za-z0-9=.() -]{1,24}")  # nothing that LaTeX would read as more than words
Picture = Literal["strips", "lines", "bars", "arrows", "change", "none"]


@dataclass(frozen=True, eq=False)
class Numbers:
    """Recorded numbers, float [row, column], what they are, and the picture that suits them.

    strips: a heat strip a row. lines: a curve a row over the columns. bars: a bar a column, a panel a row. arrows: a vector in the
    plane a row, the last one their sum. change: features of one node: now, predicted and, where it is known, true.
    """

    about: str
    values: Float[np.ndarray, "row column"]
    rows: tuple[str, ...]
    columns: tuple[str, ...] = ()  # numbered where empty
    picture: Picture = "strips"


@dataclass(frozen=True, eq=False)
class Stage:
    """One stop on the way from motion to the next state, with the numbers of one edge.

    `sentence` is plain text. `equation` and `filled`, the same with the numbers in it, are LaTeX; `symbols` explains its letters.
    `numbers` by name: float [row, column] each.
    """

    key: str
    title: str
    sentence: str
    equation: str
    filled: str
    symbols: Mapping[str, str]
    source: str
    numbers: Mapping[str, Numbers]


class Told(NamedTuple):
    """What a step makes of what was heard: the equation with numbers in it, and the numbers."""

    filled: str
    numbers: dict[str, Numbers]


@dataclass(frozen=True)
class Place:
    """The edge i ← j of a simulation, and the frame from which the next one is predicted."""

    receiver: int
    sender: int
    node_names: tuple[str, ...]
    type_names: tuple[str, ...]
    feature_names: tuple[str, ...]
    frame: int

    @property
    def slot(self) -> int:
        """The sender's place among the other nodes."""
        return self.sender - (self.sender > self.receiver)

    @property
    def row(self) -> int:
        """The edge's place where all edges lie in rows."""
        return self.receiver * (len(self.node_names) - 1) + self.slot

    @property
    def back(self) -> "Place":
        """The edge j ← i."""
        return Place(self.sender, self.receiver, self.node_names, self.type_names, self.feature_names, self.frame)

    @property
    def i(self) -> str:
        """The receiver, in an index."""
        return _index(self.node_names, self.receiver)

    @property
    def j(self) -> str:
        """The sender, in an index."""
        return _index(self.node_names, self.sender)

    @property
    def ij(self) -> str:
        """Both, in an index."""
        return f"{self.i},{self.j}"

    @property
    def arrow(self) -> str:
        """From whom to whom, by name."""
        return f"{self.node_names[self.sender]} → {self.node_names[self.receiver]}"

    @property
    def senders(self) -> tuple[str, ...]:
        """Names of all that may act on the receiver, in the order of the slots."""
        return tuple(name for node, name in enumerate(self.node_names) if node != self.receiver)

    def kind(self, number: int) -> str:
        """An edge type, in an index: by name where that is plain words, else by its number."""
        name = self.type_names[number]
        return rf"\text{{{name}}}" if _PLAIN.fullmatch(name) else str(number)


def _index(names: tuple[str, ...], node: int) -> str:
    """A short name of letters and digits as it is, any other by its number: names are data, not LaTeX."""
    name = names[node]
    return rf"\text{{{name}}}" if name.isascii() and name.isalnum() and len(name) <= 4 else str(node + 1)


@dataclass(frozen=True)
class Step:
    """What a part of the model says of one of its steps.

    `hears` names submodules and methods of the model (`encoder.embed`, `decoder.messages`, `decoder.second.*`), whose calls in
    the real pass `tell` then gets. In `sentence`, {i} and {j} stand for the names of receiver and sender.
    """

    key: str
    title: str
    sentence: str
    equation: str
    source: str
    hears: tuple[str, ...]
    tell: Callable[[Heard, Place], Told]
    symbols: Mapping[str, str] = field(default_factory=dict)

    def stage(self, heard: Heard, place: Place) -> Stage:
        """The step with the numbers of one edge."""
        told = self.tell(heard, place)
        names = {"i": place.node_names[place.receiver], "j": place.node_names[place.sender]}
        return Stage(self.key, self.title, self.sentence.format(**names), self.equation, told.filled, self.symbols, self.source, told.numbers)
