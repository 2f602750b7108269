"""Many runs from one small file: settings × seeds; their table of means and spreads; their average as one model."""

import hashlib
import itertools
import math
import re
import secrets
import statistics
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from nri_core.errors import ConfigError, JobError
from nri_core.jobs.results import latest
from nri_core.jobs.run import Run, list_runs
from nri_core.jobs.submission import submit
from nri_core.settings import PRESETS, TrainConfig, suited
from nri_core.trajectories import Trajectories

if TYPE_CHECKING:
    from nri_core.checkpoint import Checkpoint

MOST_RUNS = 1000
LARGEST_FILE = 100_000  # bytes
RESULTS = ("edge_accuracy", "edge_accuracy_encoder", "valid_loss", "mse_1", "mse_10", "mse_20", "seconds")


class Sweep(BaseModel):
    """What a sweep's YAML file says: every combination of `grid`, each with every seed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field("sweep", min_length=1, max_length=60, description="Name to show in lists")
    preset: str = Field("live", description=f"Recipe to start from: {', '.join(PRESETS)}")
    set: dict[str, Any] = Field(default_factory=dict, description="Settings that all runs share")
    grid: dict[str, list[Any]] = Field(default_factory=dict, description="Settings to vary, each with a list of values")
    seeds: int | list[int] = Field(3, description="How many seeds, counted from 0, or a list of them")
    device: str = Field("auto", description="auto, cpu, cuda:0, …")
    engine: str = Field("process", description="process or ray")
    gpus: float = Field(1.0, gt=0, description="Share of a GPU that each run takes, where it runs on one")

    @model_validator(mode="after")
    def _can_be_made(self) -> Self:
        if self.preset not in PRESETS:
            raise ValueError(f"preset: expected {' or '.join(PRESETS)}; found {self.preset!r}")
        for name in (*self.set, *self.grid):
            if name not in TrainConfig.model_fields or name == "seed":
                raise ValueError(f"{name}: expected a setting of training; seeds have a list of their own" if name == "seed" else f"{name}: there is no such setting")
        if both := set(self.set) & set(self.grid):
            raise ValueError(f"{', '.join(sorted(both))}: expected under `set` or under `grid`, not both")
        if empty := [name for name, values in self.grid.items() if not values]:
            raise ValueError(f"{empty[0]}: expected at least one value")
        if not self.all_seeds or not 1 <= self.num_runs <= MOST_RUNS:
            raise ValueError(f"expected 1 to {MOST_RUNS} runs; found {self.num_runs}")
        return self

    @property
    def all_seeds(self) -> tuple[int, ...]:
        """One by one."""
        return tuple(range(self.seeds)) if isinstance(self.seeds, int) else tuple(dict.fromkeys(self.seeds))

    @property
    def num_runs(self) -> int:
        """Combinations × seeds."""
        return math.prod(map(len, self.grid.values())) * len(self.all_seeds)

    def runs(self, data: Trajectories) -> list[tuple[str, TrainConfig]]:
        """A name and the settings of each run, suited to what the data name. Raises ConfigError where settings do not fit together."""
        start = suited(PRESETS[self.preset], data.edge_type_names, data.feature_names)
        found = []
        for values in itertools.product(*self.grid.values()):
            varied = dict(zip(self.grid, values, strict=True))
            for seed in self.all_seeds:
                settings = start.model_dump() | self.set | varied | {"seed": seed}
                words = ", ".join([f"{name} {value}" for name, value in varied.items()] + [f"seed {seed}"])
                try:
                    found.append((f"{self.name}: {words}", TrainConfig.model_validate(settings)))
                except ValidationError as error:
                    fault = error.errors()[0]
                    where = ".".join(map(str, fault["loc"])) or "settings"
                    raise ConfigError(f"The run with {words} cannot be: {where}: {fault['msg'].removeprefix('Value error, ')}. Change the sweep.") from error
        return found


def read_sweep(path: Path) -> Sweep:
    """Raises ConfigError, in one sentence, for a file that is no sweep."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise ConfigError(f"Expected a small YAML file of settings and seeds; {path.name} is larger than {LARGEST_FILE // 1000} kB.")
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"Expected a YAML file of settings and seeds at {path}; it cannot be read ({error.strerror}). Check the path.") from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark else ""
        raise ConfigError(f"Expected YAML in {path.name}; it cannot be read{where}. Write `name: value` on each line.") from error
    try:
        return Sweep.model_validate(content)
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(map(str, fault["loc"]))
        message = fault["msg"].removeprefix("Value error, ")
        raise ConfigError(f"Expected a sweep with {', '.join(Sweep.model_fields)}; {where + ': ' if where else ''}{message}. Change {path.name}.") from error


def start_sweep(sweep: Sweep, train: Trajectories, *, valid: Trajectories | None = None, user: str = "", runs_dir: Path | None = None) -> list[Run]:
    """Submit every run; all settings are checked before the first. Raises ConfigError, DataError and JobError."""
    from nri_core.training import check  # torch takes seconds to import

    wanted = sweep.runs(train)
    few = train.select(slice(0, 2))
    for _, config in {config.model_copy(update={"seed": 0}): (name, config) for name, config in wanted}.values():
        check(few, config)
    tag = f"{re.sub(r'[^a-z0-9]+', '-', sweep.name.lower()).strip('-') or 'sweep'}-{secrets.token_hex(4)}"
    watch, started = (valid or train).select(slice(0, 1)), []
    for name, config in wanted:
        try:
            started.append(
                submit(
                    train, config, valid=valid, watch=watch, name=name, device=sweep.device, engine=sweep.engine, gpus=sweep.gpus,
                    user=user, sweep=tag, like=started[0] if started else None, runs_dir=runs_dir,
                )
            )  # fmt: skip
        except JobError as error:
            if not started:
                raise
            raise JobError(f"{len(started)} of {len(wanted)} runs of {tag} were submitted, then: {error}") from error
    return started


def runs_of(sweep: str, *, runs_dir: Path | None = None) -> list[Run]:
    """The runs of a sweep by its tag, in the order of submission. Raises JobError if there is none."""
    found = []
    for run in list_runs(runs_dir=runs_dir):
        with suppress(JobError):  # one that cannot be read may be of any sweep, or none
            found += [run] if run.requested().sweep == sweep else []
    if not found:
        raise JobError(f"There is no sweep {sweep[:80]!r}. `runs list` names the sweep of each run.")
    return sorted(found, key=lambda run: (run.stored_status().submitted, run.id))


def sweep_table(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """A row for each combination of settings, over its seeds: `row` (counted from 1), `settings` (those that differ between rows), `seeds`, `states`
    (how many runs are in each) and, of the runs that are done, mean and sample standard deviation of each result:
    `edge_accuracy`, `edge_accuracy_sd`, …; None where no run, or for the spread only one, has it.
    """
    groups = _by_settings(runs)
    dumps = [config.model_dump(mode="json") for config in groups]
    differing = [name for name in TrainConfig.model_fields if any(dump[name] != dumps[0][name] for dump in dumps)]
    rows = zip(dumps, groups.values(), strict=True)
    return [{"row": row, "settings": {name: dump[name] for name in differing}, **_row(alike)} for row, (dump, alike) in enumerate(rows, 1)]


def row_of(runs: Sequence[Run], row: int | None) -> list[Run]:
    """The runs of one row of the table; None where there is but one row. Raises JobError."""
    rows = list(_by_settings(runs).values())
    if row is None and len(rows) == 1:
        return rows[0]
    if row is None or not 1 <= row <= len(rows):
        raise JobError(f"Expected a row of the table from 1 to {len(rows)}: only runs of the same settings can be averaged; found {row or 'none'}. Choose one.")
    return rows[row - 1]


def _by_settings(runs: Sequence[Run]) -> dict[TrainConfig, list[Run]]:
    groups: dict[TrainConfig, list[Run]] = {}
    for run in runs:
        groups.setdefault(run.config().model_copy(update={"seed": 0}), []).append(run)
    return groups


def _row(runs: Sequence[Run]) -> dict[str, Any]:
    states = [run.status().state for run in runs]
    last = [_results(run) for run, state in zip(runs, states, strict=True) if state == "done"]
    row: dict[str, Any] = {
        "seeds": sorted(run.config().seed for run in runs),
        "states": {state: states.count(state) for state in dict.fromkeys(states)},
    }
    for name in RESULTS:
        values = [result[name] for result in last if result.get(name) is not None]
        row[name] = statistics.fmean(values) if values else None
        row[f"{name}_sd"] = statistics.stdev(values) if len(values) > 1 else None
    return row


def _results(run: Run) -> dict[str, Any]:
    """What the last record says, errors by horizon under one name each."""
    found = latest(run)
    return found | {f"mse_{horizon}": value for horizon, value in found.get("valid_mse", {}).items()}


def average(runs: Sequence[Run]) -> "Checkpoint":
    """The models of several runs as one, an ensemble; types are matched on what the first run held out.

    Raises JobError where a run has no model, and CheckpointError where the runs are not of one recipe and training set.
    """
    return _mean(runs, newest_models(runs))


def averaged(runs: Sequence[Run]) -> Path:
    """The checkpoint of their average as they are now: kept in the folder of the first run, and made where it is not there yet. Raises as `average` does."""
    models = newest_models(runs)
    content = " ".join(f"{run.id} {model.name}" for run, model in zip(runs, models, strict=True))
    folder = runs[0].directory / "means" / f"{len(runs)}-{hashlib.sha256(content.encode()).hexdigest()[:12]}"
    if not folder.is_dir():
        _mean(runs, models).save(folder)
    return folder


def newest_models(runs: Sequence[Run]) -> list[Path]:
    """The newest checkpoint of each. Raises JobError for a run that has none."""
    found = []
    for run in runs:
        if (folder := run.checkpoint_dir) is None:
            raise JobError(f"Run {run.id[:8]} has no model yet. Wait for it, or leave it out.")
        found.append(folder)
    return found


def _mean(runs: Sequence[Run], models: Sequence[Path]) -> "Checkpoint":
    from nri_core.checkpoint import Checkpoint  # torch takes seconds to import
    from nri_core.inference import combine

    matched_on = runs[0].held_out().select(slice(0, 100))
    return combine([Checkpoint.load(model) for model in models], matched_on).described(members=[run.id for run in runs])
