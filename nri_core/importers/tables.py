"""Tables of motion, whatever file they come from: long (a row for each node and time) or wide (a row a time, columns for each node)."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field

from nri_core.errors import DataError
from nri_core.importers.columns import ALONE, FEATURES, Roles, TimeUnit, matching, roles_of, unit_of_length
from nri_core.importers.contract import Inspection, Options, Preview
from nri_core.importers.pivot import Duplicates, numbered, pivot
from nri_core.importers.text import Dialect, Start, is_number
from nri_core.recording import Recording, Remark, Trial

SHOWN_ROWS = 8
LONGEST_SHOWN = 40  # letters of a name of a column in a sentence
EACH_ROW = "Each row is"
PLACES = "Places in"
NO_TIME = "No column of time: the rows are taken in order."
GUESSED_RATE = "Each frame is taken for a second until you say how many there are in one."
VIDEO_RATE = 25.0  # frames a second
LARGEST = 1e100  # beyond it, squares overflow
SECONDS = {"seconds": 1.0, "milliseconds": 1e-3, "minutes": 60.0, "hours": 3600.0}
Load = Callable[[Sequence[str], Sequence[str]], Mapping[str, Any]]  # (number columns, text columns) → arrays, categoricals


class TableOptions(Options):
    """What the columns mean."""

    layout: Literal["long", "wide"] = Field("long", description="Long: a row for each node and time. Wide: a row for each time, columns for each node")
    time: str | None = Field(None, description="Column of time or frame numbers; none: the rows are in order")
    node: str | None = Field(None, description="Column that names who moves (long tables)")
    trial: str | None = Field(None, description="Column that tells separate recordings apart, if any")
    coordinates: tuple[str, ...] = Field((), max_length=3, description="Columns of x, y and, if there is one, z (long tables)")
    velocities: tuple[str, ...] = Field((), max_length=3, description="Columns of the velocities along x, y, z, if measured (long tables)")
    others: tuple[str, ...] = Field((), max_length=20, description="Further columns of numbers to learn from (long tables)")
    pattern: str = Field(ALONE, max_length=60, description="How wide tables name their columns, such as {feature}_{node} for x_1; {node}: one number a node")
    time_unit: TimeUnit = Field("seconds", description="What the time column counts")
    rate: float = Field(1.0, gt=0, le=1e6, description="Frames in a second, where frames are counted")
    stacked: int = Field(0, ge=0, le=10_000_000, description="Frames in each recording, where a wide table has several below each other; 0: time tells")
    duplicates: Duplicates = Field("first", description="Which row counts where several have the same node and time")
    unit: str = Field("", max_length=20, description="Unit of length, such as m or px")


def inspection_of(form: str, start: Start, written: Mapping[str, Any], model: type[TableOptions], **more: tuple[str, ...]) -> Inspection:
    """What the first rows say. `written`: options that tell how the file is written; `more`: further choices."""
    roles = roles_of(start.names, start.rows, header=start.dialect.header)
    annotated = not start.dialect.header and roles.layout == "long" and _every_tenth(start.rows)
    unit = _unit_of_length(roles, start)
    rate = GUESSED_RATE if roles.time_unit == "frames" else ""
    rate = f"Every tenth frame, as pedestrians are annotated: {VIDEO_RATE:g} frames a second." if annotated else rate
    numeric = tuple(name for place, name in enumerate(start.names) if any(place < len(row) and is_number(row[place]) for row in start.rows))
    choices = {"time": start.names, "node": start.names, "trial": start.names, "coordinates": numeric, "velocities": numeric, "others": numeric}
    return Inspection(
        format=form,
        options=model(**roles._asdict(), **written, unit=unit, **({"rate": VIDEO_RATE} if annotated else {})).model_dump(mode="json"),
        choices=choices | more,
        preview=Preview(header=start.names, rows=start.rows[:SHOWN_ROWS]),
        understood=(*_understood(roles, start, written, unit), *([rate] if rate else [])),
        signature=f"{form}: {' | '.join(start.names)}"[:1000],
    )


def _unit_of_length(roles: Roles, start: Start) -> str:
    """As it stands in brackets behind the name of a coordinate, or below it."""
    axes = roles.coordinates or [name for name, (_, feature) in matching(start.names, roles.pattern).items() if feature == "x"]
    return unit_of_length(axes[0], [row[start.names.index(axes[0])] for row in start.below if len(row) == len(start.names)], start.names) if axes else ""


def _every_tenth(rows: Sequence[Sequence[str]]) -> bool:
    """Whether frame numbers in the first column are all of one ten: pedestrian data (ETH, UCY) are annotated so, in video of 25 frames a second."""
    frames = {float(row[0]) % 10 for row in rows if row and is_number(row[0]) and "," not in row[0]}
    return len(frames) == 1 and len({row[0] for row in rows}) > 1


def _understood(roles: Roles, start: Start, written: Mapping[str, Any], unit: str) -> list[str]:
    said = []
    if "delimiter" in written:
        mark = "decimal comma" if start.dialect.decimal == "," else "decimal point"
        said.append(f"Text in {start.dialect.encoding}, cells apart by {start.dialect.delimiter}, {mark}, {'a' if start.dialect.header else 'no'} header.")
    if roles.layout == "long":
        who = f"node in `{roles.node}`" if roles.node else "no column that says which node"
        said.append(f"{EACH_ROW} one node at one time: {who}, position in {_listed(roles.coordinates)}.")
        said += [f"Velocities in {_listed(roles.velocities)}."] if roles.velocities else []
    else:
        found = matching([name for name in start.names if name not in (roles.time, roles.trial)], roles.pattern)
        nodes, features = (list(dict.fromkeys(part[place] for part in found.values())) for place in (0, 1))
        said.append(f"{EACH_ROW} one time, with columns for each of {len(nodes)} nodes ({_listed(nodes[:4])}{', …' if len(nodes) > 4 else ''}): {_listed(features)}.")
    said.append(f"Time in `{roles.time}`, in {roles.time_unit}." if roles.time else NO_TIME)
    said += [f"{PLACES} {unit}."] if unit else []
    return said + ([f"Recordings are told apart by `{roles.trial}`."] if roles.trial else [])


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name if len(name) <= LONGEST_SHOWN else name[:LONGEST_SHOWN] + '…'}`" for name in names)


def recording_of(file: str, names: Sequence[str], options: TableOptions, load: Load) -> Recording:
    """The trials of a table whose columns `load` gives. Raises DataError for columns that are not there or do not fit."""
    wanted = [name for name in (options.time, options.node, options.trial, *options.coordinates, *options.velocities, *options.others) if name is not None]
    for name in wanted:
        if name not in names:
            raise DataError(f"Expected a column `{name}` in {file}; found {_listed(names[:12])}. Choose another column.")
    metadata = {"units": options.unit} if options.unit else {}
    if options.layout == "wide":
        return _wide(file, names, options, load, metadata)
    return _long(file, options, load, metadata)


def _long(file: str, options: TableOptions, load: Load, metadata: dict[str, Any]) -> Recording:
    if options.node is None or not (options.coordinates or options.others):
        missing = "node" if options.node is None else "coordinates"
        raise DataError(f"Expected a column for {missing} in {file}; none is chosen. Choose it; if each node has columns of its own, choose “Columns for each node” (layout wide).")
    texts = [name for name in dict.fromkeys((options.node, options.trial, _date(options))) if name]
    numbers = [name for name in dict.fromkeys((*options.coordinates, *options.velocities, *options.others, *_clock(options))) if name not in texts]
    table = load(numbers, texts)
    nodes, node_names = numbered(table[options.node])
    trials, trial_names = numbered(table[options.trial]) if options.trial else (np.zeros(len(nodes), int), ["1"])
    remarks: list[Remark] = []
    names = (*FEATURES[: len(options.coordinates)], *(f"v{axis}" for axis in FEATURES[: len(options.velocities)]), *options.others)
    columns = [_finite(file, table[name], name, remarks) for name in (*options.coordinates, *options.velocities, *options.others)]
    times = _times(file, table, options) if options.time else _counted(nodes, trials) / options.rate
    kept = (nodes >= 0) & (trials >= 0) & np.isfinite(times)
    if not kept.any():
        raise DataError(f"Expected rows with a node and a time in {file}; found none. Choose other columns.")
    if not kept.all():
        first = int(np.flatnonzero(~kept)[0]) + 1
        remarks.append(Remark("rows left out", f"{int((~kept).sum()):,} row(s) without a node, trial or time were left out, the first of them data row {first}."))
    values = np.stack(columns, axis=-1)
    if not kept.all():
        times, nodes, trials, values = times[kept], nodes[kept], trials[kept], values[kept]
    made, repeated = pivot(times, nodes, trials, values, node_names=node_names, trial_names=trial_names, duplicates=options.duplicates)
    if len(repeated):
        row = int(np.flatnonzero(kept)[repeated[0]]) + 1
        text = f"{len(repeated):,} row(s) repeat a node and time that stood there already, the first of them data row {row}; the {options.duplicates} counts."
        remarks.append(Remark("duplicate rows", text))
    return Recording(made, names, tuple(node_names), remarks=tuple(remarks), metadata=metadata)


def _wide(file: str, names: Sequence[str], options: TableOptions, load: Load, metadata: dict[str, Any]) -> Recording:
    found = matching([name for name in names if name not in (options.time, options.trial)], options.pattern)
    nodes, features = (list(dict.fromkeys(part[place] for part in found.values())) for place in (0, 1))
    place = {part: name for name, part in found.items()}
    if len(nodes) < 2 or len(found) < len(nodes) * len(features):
        lacking = next((f"{feature} of {node}" for node in nodes for feature in features if (node, feature) not in place), "")
        raise DataError(
            f"Expected columns like `{options.pattern}` for at least 2 nodes in {file}; found {_listed(names[:12])}{f', but no {lacking}' if lacking else ''}. "
            "Change the pattern, or take the layout long."
        )
    features.sort(key=lambda feature: FEATURES.index(feature) if feature in FEATURES else -1)
    texts = [name for name in (options.trial, _date(options)) if name]
    table = load([*dict.fromkeys((*found, *_clock(options)))], texts)
    remarks: list[Remark] = []
    values = np.stack([np.stack([_finite(file, table[place[node, feature]], place[node, feature], remarks) for feature in features], -1) for node in nodes], 1)
    trials, trial_names = numbered(table[options.trial]) if options.trial else (np.zeros(len(values), int), ["1"])
    if options.stacked and not options.trial:
        trials = np.arange(len(values)) // options.stacked
        trial_names = [str(number + 1) for number in range(trials[-1] + 1)]
    times = _times(file, table, options) if options.time else _counted(np.zeros(len(values), int), trials) / options.rate
    kept = np.isfinite(times) & (trials >= 0)
    if not kept.any():
        raise DataError(f"Expected rows with a time in {file}; found none. Choose another column of time.")
    if not (options.trial or options.stacked) and (restarts := np.flatnonzero(np.diff(times[kept]) < 0)).size:
        trials = np.zeros(len(values), int)
        trials[kept] = np.searchsorted(restarts, np.arange(kept.sum()), side="left")
        trial_names = [str(number + 1) for number in range(len(restarts) + 1)]
        remarks.append(Remark("trials found", f"Time begins anew {len(restarts)} times: {len(restarts) + 1} recordings stand below each other."))
    made = []
    for number, name in enumerate(trial_names):
        rows = np.flatnonzero(kept & (trials == number))
        instants, first = np.unique(times[rows], return_index=True)
        if len(instants) < len(rows):
            remarks.append(Remark("duplicate rows", f"{len(rows) - len(instants):,} row(s) of recording {name} repeat a time; the first counts."))
        if len(rows):
            made.append(Trial(instants, values[rows[first]], name))
    return Recording(tuple(made), tuple(features), tuple(nodes), remarks=tuple(remarks), metadata=metadata)


def _date(options: TableOptions) -> str | None:
    return options.time if options.time_unit == "dates" else None


def _clock(options: TableOptions) -> tuple[str, ...]:
    return (options.time,) if options.time and options.time_unit != "dates" else ()


def _times(file: str, table: Mapping[str, Any], options: TableOptions) -> np.ndarray:
    """In seconds; dates from the first one on."""
    column = table[options.time]
    if options.time_unit != "dates":
        return np.asarray(column, float) * SECONDS.get(options.time_unit, 1 / options.rate)
    import pandas as pd

    dates = pd.to_datetime(pd.Series(column.cat.categories, dtype=str), errors="coerce", utc=True, format="mixed")
    wrong = np.flatnonzero(dates.isna())
    if len(wrong):
        raise DataError(f"Expected dates in column `{options.time}` of {file}; found {column.cat.categories[wrong[0]][:40]!r}. Choose another column or unit of time.")
    seconds = (dates - dates.min()).dt.total_seconds().to_numpy()
    codes = column.cat.codes.to_numpy()
    return np.where(codes >= 0, np.append(seconds, np.nan)[codes], np.nan)


def _counted(nodes: np.ndarray, trials: np.ndarray) -> np.ndarray:
    """How many rows of the same node and trial stand above each row."""
    key = trials * (int(nodes.max(initial=0)) + 2) + nodes
    order = np.argsort(key, kind="stable")
    sorted_key = key[order]
    starts = np.flatnonzero(np.concatenate(([True], sorted_key[1:] != sorted_key[:-1])))
    rank = np.arange(len(key)) - np.repeat(starts, np.diff(np.append(starts, len(key))))
    counted = np.empty(len(key))
    counted[order] = rank
    return counted


def _finite(file: str, column: Any, name: str, remarks: list[Remark]) -> np.ndarray:
    """Infinity, or nearly, is no place: it counts as not seen, and is told."""
    numbers = np.asarray(column, float)
    endless = np.abs(numbers) > LARGEST
    if endless.any():
        wrong = np.flatnonzero(endless)
        remarks.append(Remark("infinite values", f"{len(wrong):,} infinite (or nearly infinite) value(s) in column `{name}` of {file} count as not seen, the first in data row {wrong[0] + 1}."))
        numbers = np.where(endless, np.nan, numbers)
    return numbers


def one_of(paths: tuple[Path, ...]) -> Path:
    """The one file. Raises DataError for several."""
    if len(paths) != 1:
        raise DataError(f"Expected one table; found {len(paths)} files. Load them one after another, or join them with a column that names the trial.")
    return paths[0]


def frame_start(table: Any) -> Start:
    """The first rows of a pandas table, as text."""
    rows = tuple(tuple("" if cell is None or cell != cell else str(cell) for cell in row) for row in table.head(200).itertuples(index=False))
    return Start(Dialect(), tuple(map(str, table.columns)), rows)


def frame_columns(file: str, table: Any, numbers: Sequence[str], texts: Sequence[str]) -> dict[str, Any]:
    """The columns of a pandas table, as `columns_of` gives those of a text."""
    import pandas as pd

    found: dict[str, Any] = {name: table[name].astype(str).where(table[name].notna()).astype("category") for name in texts}
    for name in numbers:
        made = pd.to_numeric(table[name], errors="coerce")
        wrong = np.flatnonzero(made.isna() & table[name].notna())
        if len(wrong):
            raise DataError(f"Expected numbers in column `{name}` of {file}; found {str(table[name].iloc[wrong[0]])[:40]!r} in data row {wrong[0] + 1}. Choose another column.")
        found[name] = made.to_numpy(float)
    return found
