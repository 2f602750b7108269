"""The command line that repeats a run exactly."""

import shlex
from pathlib import Path
from typing import Any

from nri_core.jobs.run import Run
from nri_core.settings import PRESETS, TrainConfig, suited

PROJECT = Path(__file__).parents[2]


def command(run: Run, *, out: str = "model") -> str:
    """`python -m nri_core train …` on the run's own copy of its data, to be called in the project's folder.

    The preset is that from which the fewest settings differ, and only those are named. On one CPU the model comes out the
    same to the bit, unless a time limit cut the run short.
    """
    config, data = run.config(), run.watched()
    starts = {name: suited(preset, data.edge_type_names, data.feature_names) for name, preset in PRESETS.items()}  # as `train` begins
    preset = min(starts, key=lambda name: len(_changes(config, starts[name])))
    words = ["python", "-m", "nri_core", "train", _path(run.directory / "train.npz")]
    if (run.directory / "valid.npz").exists():
        words += ["--valid", _path(run.directory / "valid.npz")]
    words += ["--preset", preset, "--device", run.requested().device, "--out", out]
    if changes := _changes(config, starts[preset]):
        words += ["--set", *(f"{name}={_written(value)}" for name, value in changes.items())]
    return shlex.join(words)


def _changes(config: TrainConfig, start: TrainConfig) -> dict[str, Any]:
    return {name: value for name, value in config if value != getattr(start, name)}


def _written(value: Any) -> str:
    """As `--set` reads it."""
    if isinstance(value, tuple):
        return ",".join(map(repr, value))
    return repr(value) if isinstance(value, float) else str(value)


def _path(path: Path) -> str:
    return path.relative_to(PROJECT).as_posix() if path.is_relative_to(PROJECT) else path.as_posix()
