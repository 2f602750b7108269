"""Several trainings that answer one question together, through the queue: how many kinds of interaction, and what can be concluded of a run."""

import hashlib
import secrets
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from nri_core.errors import JobError, NRIError
from nri_core.holdout import split
from nri_core.jobs.run import Run
from nri_core.jobs.submission import submit
from nri_core.jobs.sweep import runs_of
from nri_core.settings import TrainConfig
from nri_core.trajectories import Trajectories

if TYPE_CHECKING:
    from nri_core.credibility import Assessment
    from nri_core.model_choice import Kinds, TypeChoice


def start_kinds(train: Trajectories, config: TrainConfig, *, epochs: int, name: str, device: str = "auto", engine: str = "process", user: str = "") -> str:
    """A run for each candidate of `model_choice`, the simplest first, each for so many epochs, whatever time they take; those that cannot be trained on these data are left out.

    Returns the tag under which `kinds_tried` finds them. Raises ConfigError, DataError and JobError.
    """
    from nri_core.model_choice import CANDIDATES, with_kinds  # torch takes seconds to import
    from nri_core.training import check

    learned, held_out = split(train)
    limited = config.model_copy(update={"epochs": epochs, "max_seconds": None})
    wanted = {}
    for kinds in CANDIDATES:
        settings = with_kinds(limited, kinds)
        with suppress(NRIError):
            check(learned.select(slice(0, 2)), settings)
            wanted[kinds.words] = (learned, settings)
    if len(wanted) < 2:
        check(learned.select(slice(0, 2)), limited)  # says what is in the way
        raise JobError("There are not two numbers of edge types that can be trained on these data by this recipe. Choose the elbo objective.")
    tag = f"kinds-{secrets.token_hex(6)}"
    _submit(wanted, valid=held_out, watch=learned.select(slice(0, 1)), name=name, tag=tag, device=device, engine=engine, user=user)
    return tag


def kinds_tried(tag: str) -> dict["Kinds", Run]:
    """The runs of a comparison by what they try. Raises JobError if there is none."""
    return {_kinds(run): run for run in runs_of(tag)}


def kinds_chosen(tried: Mapping["Kinds", Run]) -> "TypeChoice":
    """What follows from those that have a model. Raises JobError where there are not two of them."""
    from nri_core.checkpoint import Checkpoint
    from nri_core.model_choice import choose_types, log_likelihood, recordings

    models = {kinds: run.checkpoint_dir for kinds, run in tried.items() if run.checkpoint_dir}
    if len(models) < 2:
        raise JobError("There are not two models to compare: their trainings failed or were stopped. Compare anew, or look under Runs.")
    held_out = next(iter(tried.values())).held_out()
    scores = {kinds: log_likelihood(Checkpoint.load(folder), held_out) for kinds, folder in models.items()}
    return choose_types(scores, recordings(held_out))


def start_assessment(run: Run, *, user: str = "") -> None:
    """The trainings that `assessed` compares a run with, by the same recipe and on the same kind of device. Raises ConfigError, DataError and JobError."""
    from nri_core.credibility import trainings

    asked, data = run.requested(), run.training_data()
    if not (run.directory / "valid.npz").exists():
        data = split(data)[0]  # what it held out stays held out
    name = f"{asked.name or run.id[:8]}"
    _submit(
        trainings(data, asked.settings), valid=run.held_out(), watch=run.watched(), name=name, tag=_tag(run), device=asked.device, engine=asked.engine, user=user
    )


def further_runs(run: Run) -> dict[str, Run]:
    """The trainings of `start_assessment` by what they are for; empty where none was started."""
    from nri_core.credibility import PURPOSES

    try:
        return dict(zip(PURPOSES, runs_of(_tag(run))[-len(PURPOSES) :], strict=False))
    except JobError:
        return {}


def assessed(run: Run) -> "Assessment":
    """From those of its further trainings that have a model. Raises JobError and CheckpointError."""
    from nri_core.checkpoint import Checkpoint
    from nri_core.credibility import assess

    if run.checkpoint_dir is None:
        raise JobError(f"Run {run.id[:8]} has no model yet. Wait for it.")
    others = {purpose: Checkpoint.load(further.checkpoint_dir) for purpose, further in further_runs(run).items() if further.checkpoint_dir}
    return assess(Checkpoint.load(run.checkpoint_dir), others, run.held_out())


def _submit(
    wanted: Mapping[str, tuple[Trajectories, TrainConfig]],
    *,
    valid: Trajectories,
    watch: Trajectories,
    name: str,
    tag: str,
    device: str,
    engine: str,
    user: str,
) -> None:
    for purpose, (data, settings) in wanted.items():
        submit(data, settings, valid=valid, watch=watch, name=f"{name}: {purpose}", device=device, engine=engine, user=user, sweep=tag)


def _kinds(run: Run) -> "Kinds":
    from nri_core.model_choice import Kinds

    config = run.config()
    return Kinds(1) if config.objective == "empty_graph" else Kinds(config.num_edge_types, config.skip_first)


def _tag(run: Run) -> str:
    """Names the run without its id, which is a capability."""
    return f"assess-{hashlib.sha256(run.id.encode()).hexdigest()[:12]}"
