"""How a player opens: what an address, a preset or a teacher says of it. Everything else is as it comes."""

from dataclasses import dataclass

from nri_core.errors import DataError

VIEWS = ("side by side", "overlaid", "difference")  # of the inferred and the true graph
ZOOMS = ("everything", "starts")  # where starts can be changed
CONTROLS = ("speed", "threshold", "temperature", "view", "truth", "loop", "keep", "matrix")  # what can be hidden
COLDEST, HOTTEST = 0.1, 10.0


@dataclass(frozen=True, kw_only=True)
class Opening:
    """The first thing that is seen; None leaves it to the player. Raises DataError for what no player can show.

    frame         that of the scene; one after the last is the last. Given, the player stands still unless `playing`
    threshold     0 … 1
    temperature   0.1 … 10: edge probabilities as p^(1/T), scaled to sum to one
    zoom          one of `ZOOMS`: how closely to look, where starts can be changed
    selected      a node by its number from 1, as "3", or a pair, as "1-3": 1 sends and 3 receives
    hidden        names of `CONTROLS` that are not there; without `truth`, the true graph is not there either
    locked        names of `CONTROLS` that are there and do not move
    """

    frame: int | None = None
    playing: bool | None = None
    view: str | None = None
    threshold: float | None = None
    temperature: float | None = None
    zoom: str | None = None
    selected: str = ""
    hidden: tuple[str, ...] = ()
    locked: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _require(self.frame is None or self.frame >= 0, "a frame of 0 or more", self.frame)
        _require(self.view is None or self.view in VIEWS, f"a view that is one of {', '.join(VIEWS)}", self.view)
        _require(self.zoom is None or self.zoom in ZOOMS, f"a zoom that is one of {', '.join(ZOOMS)}", self.zoom)
        _require(self.threshold is None or 0 <= self.threshold <= 1, "an edge threshold from 0 to 1", self.threshold)
        _require(self.temperature is None or COLDEST <= self.temperature <= HOTTEST, f"a temperature from {COLDEST} to {HOTTEST:g}", self.temperature)
        _require(not self.selected or _is_selection(self.selected), "a node as `3` or a pair as `1-3` to be selected", self.selected)
        unknown = [name for name in (*self.hidden, *self.locked) if name not in CONTROLS]
        _require(not unknown, f"hidden and locked controls among {', '.join(CONTROLS)}", ", ".join(unknown))


def _is_selection(text: str) -> bool:
    ends = text.split("-")
    return len(ends) <= 2 and all(end.isascii() and end.isdigit() and 0 < len(end) <= 6 and int(end) > 0 for end in ends) and len({*ends}) == len(ends)


def _require(holds: bool, expected: str, found: object) -> None:
    if not holds:
        raise DataError(f"Expected {expected}; found {found!r}. Leave it out to open the player as usual.")
