"""What the columns of a table mean, guessed from their names and first cells: time, node, trial, coordinates."""

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

from nri_core.importers.text import is_number

TIMES = ("time", "t", "timestamp", "datetime", "date", "frame", "frame_id", "frame_number", "frameid", "framenumber", "step", "sec", "secs", "seconds", "s", "ms", "milliseconds")
TIMES += ("time_s", "time_ms", "time_sec", "t_s", "t_ms", "position_t", "scan", "sample", "tick", "gameclock", "game_clock")
NODES = ("node", "id", "agent", "agent_id", "particle", "particle_id", "ped", "ped_id", "pedestrian", "track", "track_id", "trackid", "trajectory", "animal", "animal_id", "fish")
NODES += ("individual", "individual-local-identifier", "tag-local-identifier", "player", "player_id", "name", "object", "object_id", "bird", "mouse", "cell", "body", "joint", "entity")
TRIALS = ("trial", "trial_id", "sim", "simulation", "run", "video", "session", "experiment", "match", "match_id", "game", "game_id", "recording", "replicate", "sequence", "scene", "event_id", "series")
_PLACES = ("{a}", "pos_{a}", "{a}_pos", "position_{a}", "{a}_position", "p{a}", "pos{a}", "{a}pos", "{a}_m", "{a}_px", "{a}_mm", "{a}_cm", "{a}coord", "{a}_coord", "{a}_loc")
_PLACES += ("loc_{a}", "centroid_{a}", "center_{a}", "{a}_center")
_MAPS = {"x": ("location-long", "lon", "long", "longitude"), "y": ("location-lat", "lat", "latitude"), "z": ("height", "altitude")}
AXES = {axis: tuple(place.format(a=axis) for place in _PLACES) + _MAPS[axis] for axis in "xyz"}
SPEEDS = {f"v{axis}": (f"v{axis}", f"vel_{axis}", f"{axis}_vel", f"velocity_{axis}", f"{axis}_velocity", f"v_{axis}", f"d{axis}", f"speed_{axis}") for axis in "xyz"}
_KNOWN = "|".join(sorted((re.escape(name) for usual in (AXES | SPEEDS).values() for name in usual), key=len, reverse=True))
UNITS = {"ms": "milliseconds", "milliseconds": "milliseconds", "time_ms": "milliseconds", "t_ms": "milliseconds", "date": "dates", "datetime": "dates"}
FEATURES = ("x", "y", "z", "vx", "vy", "vz")
PATTERNS = tuple(order.format(sep=separator) for separator in ("_", ".", "-", " ", "") for order in ("{{feature}}{sep}{{node}}", "{{node}}{sep}{{feature}}"))
ALONE = "{node}"  # a column a node, with one number each
TimeUnit = Literal["seconds", "milliseconds", "minutes", "hours", "frames", "dates"]


class Roles(NamedTuple):
    """What each column is for; None and () where there is none."""

    layout: Literal["long", "wide"]
    time: str | None = None
    node: str | None = None
    trial: str | None = None
    coordinates: tuple[str, ...] = ()
    velocities: tuple[str, ...] = ()
    pattern: str = ALONE
    time_unit: TimeUnit = "seconds"


def roles_of(names: Sequence[str], rows: Sequence[Sequence[str]], *, header: bool) -> Roles:
    """The guess. A tidy table (time, node, x, y by those or usual other names, or a column for each node and axis) is understood as it is."""
    if not header:
        return _without_names(names, rows)
    time, trial = _first(names, TIMES), _first(names, TRIALS)
    axes = {axis: found for axis, usual in AXES.items() if (found := _first(names, usual))}
    coordinates = tuple(axes[axis] for axis in ("x", "y", "z") if axis in axes)
    speeds = tuple(found for usual in SPEEDS.values() if (found := _first(names, usual)))
    node = next((name for name in (_first(names, NODES), trial) if name), None)
    unit = _unit(time, rows, names)
    if coordinates and (node or len(coordinates) > 1):  # without a node, one particle: who reads it says that it takes two
        return Roles("long", time, node, trial if trial != node else None, coordinates, speeds if len(speeds) == len(coordinates) else (), ALONE, unit)
    pattern = pattern_of([name for name in names if name not in (time, trial)])
    return Roles("wide", time, None, trial, pattern=pattern, time_unit=unit)


def matching(names: Sequence[str], pattern: str) -> dict[str, tuple[str, str]]:
    """Column → (node, feature), for the columns that the pattern fits; the one number of `{node}` alone is called value."""
    if pattern == ALONE:
        return {name: (name, "value") for name in names}
    parts = re.split(r"(\{feature\}|\{node\})", pattern)
    inside = {"{feature}": f"(?P<feature>{_KNOWN})", "{node}": "(?P<node>.+?)"}
    if "{feature}" not in parts[1::2] or "{node}" not in parts[1::2] or len(parts) != 5:
        return {}
    expression = re.compile("".join(inside.get(part) or re.escape(part) for part in parts), re.IGNORECASE)
    return {name: (match["node"], _feature(match["feature"])) for name in names if (match := expression.fullmatch(name))}


def pattern_of(names: Sequence[str]) -> str:
    """The pattern that makes most of the columns a full grid of nodes and features; `{node}` where none does."""

    def fits(pattern: str) -> int:
        found = matching(names, pattern)
        nodes, features = ({part[place] for part in found.values()} for place in (0, 1))
        return len(found) if len(nodes) >= 2 and {"x"} <= features and len(found) == len(nodes) * len(features) else 0

    best = max(PATTERNS, key=fits)
    return best if fits(best) else ALONE


def _feature(name: str) -> str:
    low = name.lower()
    return next((axis for axis, usual in (AXES | SPEEDS).items() if low in usual), low)


def _first(names: Sequence[str], usual: Sequence[str]) -> str | None:
    """The column whose name is the earliest of the usual ones."""
    known = {name.lower().strip().replace(" ", "_"): name for name in reversed(names)}
    return next((known[name] for name in usual if name in known), None)


def _unit(time: str | None, rows: Sequence[Sequence[str]], names: Sequence[str]) -> TimeUnit:
    if time is None:
        return "frames"
    cells = [row[names.index(time)] for row in rows if len(row) == len(names)]
    low = time.lower()
    if cells and not any(map(is_number, cells)):
        return "dates"
    if low in UNITS:
        return UNITS[low]
    if any(word in low for word in ("frame", "step", "scan", "tick", "sample")):
        return "frames"
    return "seconds"


def _without_names(names: Sequence[str], rows: Sequence[Sequence[str]]) -> Roles:
    """By the numbers: frame, node, x, y as pedestrian data have them; or the first column as time, if it increases; else a column a node."""
    columns = [[float(row[place].replace(",", ".")) if place < len(row) and is_number(row[place]) else float("nan") for row in rows] for place in range(len(names))]

    def whole(column: Sequence[float]) -> bool:
        return all(value == value and value.is_integer() for value in column)

    ordered = all(a <= b for a, b in zip(columns[0], columns[0][1:], strict=False))
    if len(names) >= 4 and whole(columns[0]) and whole(columns[1]) and len(set(columns[0])) < len(rows) and (ordered or len(set(columns[1])) < len(rows)):
        return Roles("long", names[0], names[1], None, tuple(names[2:4]), tuple(names[4:6]) if len(names) == 6 else (), ALONE, "frames")
    increasing = all(a < b for a, b in zip(columns[0], columns[0][1:], strict=False))
    time = names[0] if increasing and len(names) > 2 else None
    return Roles("wide", time, time_unit="seconds" if time and not whole(columns[0]) else "frames")
