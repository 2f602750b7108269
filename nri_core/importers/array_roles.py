"""Which array is what, guessed from names and shapes, and said in sentences."""

import re
from collections.abc import Iterator

import numpy as np

from nri_core.errors import DataError
from nri_core.importers.arrays import FEATURES, Array, ArrayOptions, Arrays, listed, rate_in
from nri_core.importers.axes import choices, guess
from nri_core.importers.contract import Inspection, Preview
from nri_core.importers.truth_arrays import Rows

PLACES = ("values", "loc", "pos", "xy", "xyz", "coord", "traj", "track", "feat", "ts", "data", "x")
SPEEDS = ("vel", "speed", "v", "vx", "vy", "vz")
EDGES = ("edge", "adj", "graph", "net", "truth", "connectivity", "a", "w")
CLOCKS = ("time", "t", "timestamps", "seconds")
RATES = ("hz", "fps", "rate", "framerate", "frame_rate", "sampling_rate", "fs")
STEPS = ("dt", "tr", "frame_time")
CUTS = ("stop", "end", "split", "trial", "session", "episode")
SMALL = 1_000_000  # lists that are looked into for a guess
SHOWN = 12


def inspection_of(form: str, file: str, arrays: Arrays, *, rows: Rows = "receivers") -> Inspection:
    """What the arrays seem to be. `rows`: whom a row of arrays called edges stands for in such files. Raises DataError where none holds motion."""
    options = _options(file, arrays, rows)
    numbers = tuple(array.name for array in arrays.values() if array.is_numeric)
    shaped = tuple(name for name in numbers if len(arrays[name].shape) >= 2)
    lists = tuple(name for name in numbers if arrays[name].size == max(arrays[name].shape, default=0) > 1)
    main = arrays[options.values]
    taken = {name: role for role in ("values", "velocities", "edges", "trials", "times", "names") if (name := getattr(options, role))}
    taken |= {name: "further node" for name in options.others} | {name: "further recording" for name in options.more}
    taken |= {name: "further feature" for name in options.beside}
    return Inspection(
        format=form,
        options=options.model_dump(mode="json"),
        choices={
            "values": shaped,
            "axes": choices([len(arrays[name].shape) for name in shaped]),
            "beside": shaped,
            "velocities": shaped,
            "more": shaped,
            "others": shaped,
            "times": lists,
            "trials": lists,
            "names": tuple(array.name for array in arrays.values() if array.dtype.kind in "USO"),
            "edges": shaped,
        },
        preview=Preview(
            header=("array", "shape", "numbers", "taken as"),
            rows=tuple(
                (array.name, " × ".join(map(str, array.shape)) or "one", str(array.dtype), taken.get(array.name, "")) for array in [*arrays.values()][:SHOWN]
            ),
        ),
        understood=(*_understood(main, options), *_left_out([name for name in shaped if name not in taken])),
        signature=f"{form}: {options.axes} {' | '.join(f'{array.name} {len(array.shape)}' for array in arrays.values())}"[:1000],
    )


def _options(file: str, arrays: Arrays, rows: Rows) -> ArrayOptions:
    moving = [array for array in arrays.values() if array.is_numeric and 2 <= len(array.shape) <= 4 and array.size > 1 and not _is(array, SPEEDS + EDGES)]
    if not moving:
        raise DataError(f"Expected an array of 2 to 4 axes (such as time, node, dim) in {file}; found {listed(arrays)}. Save the motion as one array.")
    main = max(moving, key=lambda array: (_is(array, PLACES), array.dtype.kind == "f", array.size))
    graph = next((array for array in arrays.values() if array.is_numeric and _is(array, EDGES) and len(array.shape) >= 2), None)
    square = graph is not None and graph.shape[-1] == graph.shape[-2]
    axes = guess(main.shape, nodes=graph.shape[-1] if square else None)
    length = dict(zip(axes.split(), main.shape, strict=True))
    frames, nodes = length["time"], length["node"]
    if graph is not None and graph.shape[-1] not in (nodes if square else -1, nodes * (nodes - 1)):
        graph = None
    alike = [array for array in arrays.values() if array.is_numeric and array.shape == main.shape and array is not main]
    balls = [array for array in moving if "ball" in array.name.lower() and array.shape[:-1] == main.shape[: len(array.shape) - 1]]
    trials = next((array.name for array in arrays.values() if _is(array, CUTS) and _cuts(array, frames)), None)
    beside = [array.name for array in alike if {_last(main), _last(array)} <= set(FEATURES[6])]
    beside.sort(key=lambda name: FEATURES[6].index(_last(arrays[name])))
    series = [] if beside else _numbered_like(main, arrays, axes)
    if len(series) > 1:  # recordings of their own, with nothing else beside them
        return ArrayOptions(values=series[0], axes=axes, more=tuple(series[1:]), rate=next(_rates(file, arrays), 1.0))
    recordings = len(graph.shape) == 3 and square and "sim" not in length and graph.shape[0] if graph is not None else 0
    return ArrayOptions(
        values=main.name,
        axes=axes,
        beside=tuple(beside),
        velocities=next((array.name for array in alike if _is(array, SPEEDS) and array.name not in beside), None),
        others=tuple(array.name for array in balls if axes == "time node dim"),
        times=next((array.name for array in arrays.values() if _is(array, CLOCKS) and array.size == frames and _increasing(array)), None),
        rate=next(_rates(file, arrays), 1.0),
        trials=trials,
        stacked=frames // recordings if recordings and not trials and frames % recordings == 0 and recordings < frames else 0,
        names=next((array.name for array in arrays.values() if array.dtype.kind in "US" and array.size == nodes), None),
        edges=graph.name if graph is not None else None,
        rows=rows if graph is None or _is(graph, ("edge",)) else "senders",
    )


def _last(array: Array) -> str:
    return array.name.lower().rsplit("/", 1)[-1]


def _is(array: Array, words: tuple[str, ...]) -> bool:
    """Whether its name has a part that is the word, or begins with it if the word is longer than two letters."""
    parts = re.split(r"[^a-z]+", array.name.lower())
    return any(part == word or (len(word) > 2 and part.startswith(word)) for part in parts for word in words)


def _cuts(array: Array, frames: int) -> bool:
    if array.dtype.kind not in "iuf" or not 1 <= array.size == max(array.shape, default=0) <= min(frames, SMALL):
        return False
    return array.size == frames or (_increasing(array) and -1 <= float(array.load().ravel()[-1]) <= frames)


def _increasing(array: Array) -> bool:
    return array.is_numeric and array.size <= SMALL and bool((np.diff(array.load().ravel().astype(float)) > 0).all())


def _rates(file: str, arrays: Arrays) -> Iterator[float]:
    """Frames in a second, as a number in the file or its name tells."""
    for array in arrays.values():
        if array.is_numeric and array.size == 1 and (name := _last(array)) in RATES + STEPS:
            number = float(array.load().ravel()[0])
            if 1e-6 < number < 1e6:
                yield number if name in RATES else 1 / number
    if (told := rate_in(file)) is not None:
        yield told


def _left_out(names: list[str]) -> Iterator[str]:
    if names:
        yield f"Not used: {', '.join(f'`{name}`' for name in names[:6])}{', …' if len(names) > 6 else ''}."


def _numbered_like(main: Array, arrays: Arrays, axes: str) -> list[str]:
    """Arrays whose names differ from that of the main one by their numbers only, and whose lengths by those of sim and time."""
    fixed = [axis for axis, word in enumerate(axes.split()) if word in ("node", "dim")]

    def kind(array: Array) -> tuple[object, ...]:
        return re.sub(r"\d+", "", array.name), array.dtype.kind, len(array.shape), *(array.shape[axis] for axis in fixed if axis < len(array.shape))

    return [array.name for array in arrays.values() if array.is_numeric and kind(array) == kind(main)]


def _understood(main: Array, options: ArrayOptions) -> Iterator[str]:
    length = dict(zip(options.axes.split(), main.shape, strict=True))
    said = f"{length['node']:,} nodes in {length['time']:,} frames" + (f" of {length['sim']:,} recordings" if "sim" in length else "")
    yield f"`{main.name}`: {said}, {length.get('dim', 1)} number{'' if length.get('dim', 1) == 1 else 's'} each; its axes are {', '.join(options.axes.split())}."
    if options.beside:
        yield f"Further features in {', '.join(f'`{name}`' for name in options.beside)}."
    if options.more:
        yield f"Further recordings of the same nodes: {', '.join(f'`{name}`' for name in options.more[:6])}{', …' if len(options.more) > 6 else ''}."
    if options.velocities:
        yield f"Velocities in `{options.velocities}`."
    if options.others:
        yield f"Further nodes: {', '.join(f'`{name}`' for name in options.others)}."
    if options.trials:
        yield f"One recording after another, told apart by `{options.trials}`."
    elif options.stacked:
        yield f"Recordings of {options.stacked:,} frames stand after each other."
    yield f"Times in `{options.times}`." if options.times else f"{options.rate:g} frame{'' if options.rate == 1 else 's'} a second."
    if options.edges:
        yield f"True edges in `{options.edges}`: rows are {options.rows}, columns are {'senders' if options.rows == 'receivers' else 'receivers'}."
