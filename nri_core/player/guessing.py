"""What a player is told that asks whoever looks for the graph."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Guessing:
    """`types`: names of edge types, the first for pairs that are not joined. A click on a pair moves on to the next type.

    `symmetric`: both directions of a pair are one. `live`: every change is told at once, else when Done is pressed. `start`:
    (receiver, sender, type) of the pairs that are joined at first; another `edition` starts anew from there.
    """

    types: tuple[str, ...]
    symmetric: bool = True
    live: bool = False
    start: tuple[tuple[int, int, int], ...] = ()
    edition: str = ""
