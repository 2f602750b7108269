"""What repeats a run exactly, as a command line or in Python."""

from typing import Any

from nri_core.jobs.run import Run
from nri_core.settings import PRESETS, TrainConfig, suited
from nri_core.snippets import File, Trained, project_path


def command(run: Run, *, out: str = "model") -> str:
    """`python -m nri_core train …` on the run's own copy of its data, to be called in the project's folder.

    On one CPU the model comes out the same to the bit, unless a time limit cut the run short.
    """
    return trained(run).command(out)


def trained(run: Run) -> Trained:
    """The preset is that from which the fewest settings differ, and only those are named."""
    config, data, valid = run.config(), run.watched(), run.directory / "valid.npz"
    starts = {name: suited(preset, data.edge_type_names, data.feature_names) for name, preset in PRESETS.items()}  # as `train` begins
    preset = min(starts, key=lambda name: len(_changes(config, starts[name])))
    source = File(path=project_path(run.directory / "train.npz"))
    told = {"valid": project_path(valid) if valid.exists() else "", "device": run.requested().device}
    return Trained(data=source, preset=preset, changes=_changes(config, starts[preset]), **told)


def _changes(config: TrainConfig, start: TrainConfig) -> dict[str, Any]:
    return {name: value for name, value in config if value != getattr(start, name)}
