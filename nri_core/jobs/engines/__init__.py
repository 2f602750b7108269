"""Engines that run workers: an engine a file. Each starts the same `python -m nri_core.jobs.worker`, so nobody can tell which one did."""

from pathlib import Path
from typing import Protocol, runtime_checkable

from nri_core.errors import JobError
from nri_core.jobs.contract import RunConfig, RunStatus
from nri_core.jobs.engines.process import ProcessEngine
from nri_core.jobs.engines.ray import RayEngine
from nri_core.jobs.limits import Limits


@runtime_checkable
class Engine(Protocol):
    """What the queue asks of an engine."""

    def places(self, directory: Path, config: RunConfig, limits: Limits) -> dict[str, float]:
        """The devices that would do for the run, best first, and how many slots each has; none while the engine starts. Raises JobError if the engine cannot be used."""

    def share(self, config: RunConfig, device: str) -> float:
        """The slots that the run takes on one of them."""

    def start(self, directory: Path, device: str, attempt: int) -> None:
        """Leave the run to a new worker and return at once. Raises JobError if there can be none."""

    def is_gone(self, directory: Path, status: RunStatus) -> bool | None:
        """Whether its worker is certainly dead; None where that cannot be known from here."""

    def kill(self, directory: Path, status: RunStatus) -> None:
        """End a worker that does not heed the wish to stop."""


RAY_ENGINE = RayEngine()
ENGINES: dict[str, Engine] = {"process": ProcessEngine(), "ray": RAY_ENGINE}


def engine(name: str) -> Engine:
    """The engine of that name. Raises JobError if there is none."""
    if name not in ENGINES:
        raise JobError(f"Expected an engine of {', '.join(ENGINES)}; found {name!r}.")
    return ENGINES[name]
