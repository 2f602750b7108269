"""What the columns of a table mean, guessed from their names and first cells: time, node, trial, coordinates."""

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Literal, NamedTuple

from nri_core.importers.text import MISSING, is_number

TIMES = ("position_t", "time", "t", "timestamp", "datetime", "date", "frame", "frame_id", "frame_number", "frame_idx", "fnum", "frameid", "framenumber", "step", "sec", "secs", "seconds", "s", "ms", "milliseconds")
TIMES += ("time_s", "time_ms", "time_sec", "t_s", "t_ms", "scan", "sample", "tick", "gameclock", "game_clock")
NODES = ("node", "id", "agent", "agent_id", "particle", "particle_id", "ped", "ped_id", "pedestrian", "track", "track_id", "trackid", "trajectory", "animal", "animal_id", "fish")
NODES += ("individual", "individual-local-identifier", "tag-local-identifier", "player", "player_id", "name", "object", "object_id", "bird", "mouse", "cell", "body", "joint", "entity")
TRIALS = ("trial", "trial_id", "sim", "simulation", "run", "video", "session", "experiment", "match", "match_id", "game", "game_id", "recording", "replicate", "sequence", "scene", "event_id", "series")
TRIALS += ("aufnahme", "versuch", "durchgang", "durchlauf", "essai", "enregistrement", "ensayo", "prova", "take")
_PLACES = ("{a}", "pos_{a}", "{a}_pos", "position_{a}", "{a}_position", "p{a}", "pos{a}", "{a}pos", "{a}_m", "{a}_px", "{a}_mm", "{a}_cm", "{a}coord", "{a}_coord", "{a}_loc")
_PLACES += ("loc_{a}", "centroid_{a}", "center_{a}", "{a}_center")
_MAPS = {"x": ("location-long", "lon", "long", "longitude"), "y": ("location-lat", "lat", "latitude"), "z": ("height", "altitude")}
AXES = {axis: tuple(place.format(a=axis) for place in _PLACES) + _MAPS[axis] for axis in "xyz"}
SPEEDS = {f"v{axis}": (f"v{axis}", f"vel_{axis}", f"{axis}_vel", f"velocity_{axis}", f"{axis}_velocity", f"v_{axis}", f"d{axis}", f"speed_{axis}") for axis in "xyz"}
_KNOWN = "|".join(sorted((re.escape(name) for usual in (AXES | SPEEDS).values() for name in usual), key=len, reverse=True))
UNITS = {"date": "dates", "datetime": "dates"}
TIME_UNITS: dict[str, "TimeUnit"] = {"s": "seconds", "sec": "seconds", "seconds": "seconds", "ms": "milliseconds", "msec": "milliseconds", "milliseconds": "milliseconds", "min": "minutes", "minutes": "minutes"}
TIME_UNITS |= {"h": "hours", "hours": "hours", "frame": "frames", "frames": "frames"}
_LENGTH = re.compile(r"_(nm|um|µm|mm|cm|dm|m|km|px)$")  # x_mm
_BRACKETS = re.compile(r"\s*[(\[]([^)\]]{1,20})[)\]]\s*$")  # a unit behind a name
_MOMENT = re.compile(r"\d+[-/.:]\d")  # how a date or an hour begins; `3rd one` is somebody
FEATURES = ("x", "y", "z", "vx", "vy", "vz")
PATTERNS = tuple(order.format(sep=separator) for separator in ("_", ".", "-", " ", "") for order in ("{{feature}}{sep}{{node}}", "{{node}}{sep}{{feature}}"))
ALONE = "{node}"  # a column a node, with one number each
CLOCKS = ("time", "zeit", "temps", "tiempo", "tempo", "clock", "uhr")  # in the name of a column of time
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
    time, trial = _first(names, TIMES) or _by_clock(names, rows), _first(names, TRIALS)
    axes = {axis: found for axis, usual in AXES.items() if (found := _first(names, usual))}
    if axes.get("z", "").lower() == "position_z" and _zero(axes["z"], names, rows):  # TrackMate, in the plane
        del axes["z"]
    coordinates = tuple(axes[axis] for axis in ("x", "y", "z") if axis in axes)
    speeds = tuple(found for usual in SPEEDS.values() if (found := _first(names, usual)))
    node = _who(names, rows)
    if coordinates and node is None:
        time, node = _by_cells(time, names, rows, (*coordinates, *speeds, *([trial] if trial else [])))
    if not coordinates:
        node, coordinates = _by_the_rest(time, node, trial, names, rows)
    node = node or trial
    unit = time_unit_of(time, names, rows)
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
    return {name: (match["node"], _feature(match["feature"])) for name in names if (match := expression.fullmatch(_BRACKETS.sub("", name)))}


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
    known = _by_bare_name(names)
    return next((known[name] for name in usual if name in known), None)


def _who(names: Sequence[str], rows: Sequence[Sequence[str]]) -> str | None:
    """The column whose name is the earliest of the usual ones; rather one whose cells repeat: a number of the sighting is nobody."""
    known = _by_bare_name(names)
    found = [known[name] for name in NODES if name in known]
    repeated = [name for name in found if len(set(_cells(name, names, rows))) < len(rows)]
    return next(iter(repeated or found), None)


def _by_cells(time: str | None, names: Sequence[str], rows: Sequence[Sequence[str]], taken: Sequence[str]) -> tuple[str | None, str | None]:
    """Time and node where no name tells, as in another language: the only column of words that repeat, and the only one of numbers that never fall."""
    whole = [row for row in rows if len(row) == len(names)]
    cells = {name: [row[place] for row in whole] for place, name in enumerate(names) if name not in (*taken, time)}
    words = [name for name, column in cells.items() if 1 < len(set(column)) < len(whole) and not any(_MOMENT.match(cell) or is_number(cell) for cell in column)]
    if len(words) != 1:
        return time, None
    rising = [name for name, column in _numbers(cells).items() if column == sorted(column) and column[0] < column[-1]]
    return time or (rising[0] if len(rising) == 1 else None), words[0]


def _by_the_rest(time: str | None, node: str | None, trial: str | None, names: Sequence[str], rows: Sequence[Sequence[str]]) -> tuple[str | None, tuple[str, ...]]:
    """Node and coordinates where no column is called x: several rows of one time, a column of words or of numbers called an id, and two or three others, of lengths if any are."""
    whole = [dict(zip(names, row, strict=True)) for row in rows if len(row) == len(names)]
    if time is None or len({(row[time], row[trial] if trial else "") for row in whole}) == len(whole):
        return node, ()
    if node is None or any(is_number(row[node]) and not row[node].strip().isdigit() for row in whole):
        node = _by_cells(time, names, rows, [trial] if trial else [])[1]
    rest = list(_numbers({name: [row[name] for row in whole if row[name] not in MISSING] for name in names if name not in (time, node, trial)}))
    places = [name for name in rest if unit_of_length(name)] or rest
    return (node, tuple(places)) if node and len(places) in (2, 3) else (node, ())


def _by_clock(names: Sequence[str], rows: Sequence[Sequence[str]]) -> str | None:
    """The only column that is called a time in some language, or has a unit of time in brackets, and whose numbers fall but seldom, as from one recording to the next: `Zeit`, `temps (ms)`, `t_sec`."""
    called = [name for name in names if unit_in(name).lower() in TIME_UNITS or _words(_BRACKETS.sub("", name).lower())[0] in (*CLOCKS, "t")]
    numbers = _numbers({name: _cells(name, names, rows) for name in called})
    rising = [name for name, column in numbers.items() if sum(after < before for before, after in pairwise(column)) <= len(column) / 10]
    return rising[0] if len(rising) == 1 else None


def _numbers(cells: Mapping[str, Sequence[str]]) -> dict[str, list[float]]:
    """The columns that hold nothing else."""
    return {name: [float(cell.replace(",", ".")) for cell in column] for name, column in cells.items() if column and all(map(is_number, column))}


def _zero(name: str, names: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    return all(is_number(cell) and float(cell.replace(",", ".")) == 0 for cell in set(_cells(name, names, rows)))


def _cells(name: str, names: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A column of the rows that have all columns."""
    place = names.index(name)
    return [row[place] for row in rows if len(row) == len(names)]


def unit_in(name: str) -> str:
    """`x (mm)` and `time [s]` → mm and s; "" where none stands there."""
    found = _BRACKETS.search(name)
    return found[1].strip() if found else ""


def unit_of_length(name: str, below: Sequence[str] = (), beside: Sequence[str] = ()) -> str:
    """In brackets behind the name of a coordinate, or below it, or at its end as in `x_mm`; "" where none stands there, also for `a_px` beside `a_py`."""
    low = name.lower()
    ending = None if low.endswith("px") and f"{low[:-1]}y" in {other.lower() for other in beside} else _LENGTH.search(low)
    return next(filter(None, (*map(unit_in, (name, *below)), ending[1] if ending else "")), "")


def _by_bare_name(names: Sequence[str]) -> dict[str, str]:
    """Columns by their names in small letters, without units, `pos-x` also as `pos_x`; of several, the first."""
    bare = {_BRACKETS.sub("", name).lower().strip().replace(" ", "_"): name for name in reversed(names)}
    return {name.replace("-", "_"): column for name, column in bare.items()} | bare


def _words(name: str) -> list[str]:
    return re.split(r"[\s_.-]+", name.strip())


def time_unit_of(time: str | None, names: Sequence[str], rows: Sequence[Sequence[str]]) -> TimeUnit:
    """As its name, or its first cells, say; without a column of time, frames are counted."""
    if time is None:
        return "frames"
    cells = _cells(time, names, rows)
    low = _BRACKETS.sub("", time).lower().strip()
    if (unit := unit_in(time).lower()) in TIME_UNITS:
        return TIME_UNITS[unit]
    if cells and not any(map(is_number, cells)):
        return "dates"
    if low in UNITS:
        return UNITS[low]
    if (last := _words(low)[-1]) in TIME_UNITS:
        return TIME_UNITS[last]
    if any(word in low for word in ("frame", "bild", "image", "step", "scan", "tick", "sample")) or (low not in TIMES and not any(word in low for word in CLOCKS) and _counts(cells)):
        return "frames"
    return "seconds"


def _counts(cells: Sequence[str]) -> bool:
    """Whether whole numbers go up by one, as frames are numbered."""
    if not cells or not all(cell.strip().lstrip("-").isdigit() for cell in cells):
        return False
    steps = {abs(int(after) - int(before)) for before, after in zip(cells, cells[1:], strict=False)}
    return steps <= {0, 1} and len(steps) > 0


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
