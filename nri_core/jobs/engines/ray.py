"""Ray: the cluster in $NRI_RAY_ADDRESS, or else one that is started on this machine. Runs may share a GPU by fractions.

A job of Ray is the same worker in the same directory. So the machines of a cluster must see this project, its Python and
the runs directory at the same paths; one that does not says so in the log of the run.
"""

import os
import shlex
import sys
import time
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from nri_core.devices import DeviceInfo
from nri_core.errors import JobError
from nri_core.jobs.contract import RunConfig, RunStatus, read_config
from nri_core.jobs.engines.spare import PROJECT
from nri_core.jobs.engines.ray_api import ENDED, Cluster, named_cluster
from nri_core.jobs.engines.ray_local import LocalRay
from nri_core.jobs.limits import Limits
from nri_core.jobs.process import Process

REMEMBERED_SECONDS = 5.0  # how long what a cluster has, or its silence, is taken as known: the queue asks for each run that waits
FORGIVEN_SECONDS = 60.0  # how long a cluster that answered may be too busy to
SILENT_SECONDS = 5.0  # a worker that reported later than that is not asked about


class _Known(NamedTuple):
    resources: dict[str, float]
    asked: float
    answered: float
    silence: str = ""


class RayEngine:
    """Devices are `cuda`, whatever GPU Ray chooses, and `cpu`, a core of some machine."""

    def __init__(self) -> None:
        self._known: dict[Cluster, _Known] = {}

    def places(self, directory: Path, config: RunConfig, limits: Limits) -> dict[str, float]:
        """None yet while the Ray of this machine comes up, which this begins where it must."""
        if config.gpus > 1 and config.gpus % 1:
            raise JobError(f"Expected a share of one GPU or a whole number of GPUs; found {config.gpus:g}. Mend it under gpus.")
        cluster = _cluster(directory, launch=True)
        if cluster is None:
            return {}
        total = self._resources(cluster)
        gpus, cpus = total.get("GPU", 0.0), total.get("CPU", 0.0)
        return {"cuda": gpus} if gpus and config.device.startswith(("auto", "cuda")) else {"cpu": cpus}

    def share(self, config: RunConfig, device: str) -> float:
        """A CPU slot is never shared."""
        return config.gpus if device == "cuda" else 1.0

    def start(self, directory: Path, device: str, attempt: int) -> None:
        """The worker appends to the log of the run, as under every engine."""
        cluster = _cluster(directory)
        if cluster is None:
            raise JobError("The Ray of this machine has just ended. Resume the run, and another one is started.")
        worker = shlex.join([sys.executable, "-m", "nri_core.jobs.worker", directory.name, device])
        command = f"cd {shlex.quote(str(PROJECT))} && exec {worker} >> {shlex.quote(str(directory / 'log.txt'))} 2>&1"
        variables = {"NRI_RUNS_DIR": str(directory.parent), "PYTHONUNBUFFERED": "1"}
        if "NRI_LIMITS" in os.environ:
            variables["NRI_LIMITS"] = os.path.abspath(os.environ["NRI_LIMITS"])
        if device == "cpu":
            variables["CUDA_VISIBLE_DEVICES"] = ""  # it was given none, even where the machine has one
        cpus, gpus = (1.0, 0.0) if device == "cpu" else (0.0, read_config(directory).gpus)
        cluster.submit(_job(directory, attempt), command, cpus=cpus, gpus=gpus, variables=variables)

    def is_gone(self, directory: Path, status: RunStatus) -> bool | None:
        """By pid where that can be seen, by the heartbeat where it is fresh, else as Ray says."""
        if status.state == "running":
            alive = Process(status.host, status.pid, status.process_start).is_alive() if status.host and status.pid else None
            if alive is not None:
                return not alive
            if (datetime.now(UTC) - status.heartbeat).total_seconds() < SILENT_SECONDS:
                return False
        try:
            cluster = _cluster(directory)
            if cluster is None:
                return None
            self._resources(cluster)  # one that was silent a moment ago is not asked again for each run
            job = cluster.job(_job(directory, status.attempt))
            gone = None if job is None else job["status"] in ENDED
            if gone and status.state == "queued":
                said = f"{job.get('message')}\n{cluster.logs(_job(directory, status.attempt))}"
                _tell(directory, f"The worker could not begin. Its machine must see {PROJECT} and {directory.parent}. Ray says:\n{said}")
        except JobError:
            return None
        return gone

    def kill(self, directory: Path, status: RunStatus) -> None:
        """Through Ray; the queue asks again if that fails."""
        with suppress(JobError):
            if cluster := _cluster(directory):
                cluster.stop(_job(directory, status.attempt))

    def about(self, runs_dir: Path) -> DeviceInfo:
        """What a run would find there; starts nothing."""
        device = DeviceInfo("ray", "Ray")
        try:
            if cluster := named_cluster() or LocalRay(runs_dir).cluster():
                total = self._resources(cluster)
                cores, gpus = total.get("CPU", 0.0), total.get("GPU", 0.0)
                return replace(device, title=f"Ray at {cluster.address}, {cores:g} cores, {gpus:g} GPUs")
            LocalRay.check()
        except JobError as error:
            return replace(device, absent=str(error))
        return replace(device, title="Ray on this machine, which starts with the first run")

    def _resources(self, cluster: Cluster) -> dict[str, float]:
        known = self._known.get(cluster, _Known({}, -FORGIVEN_SECONDS, -FORGIVEN_SECONDS))
        if time.monotonic() - known.asked > REMEMBERED_SECONDS:
            try:
                known = _Known(cluster.resources(), time.monotonic(), time.monotonic())
            except JobError as error:
                known = known._replace(asked=time.monotonic(), silence=str(error))
            self._known[cluster] = known
        if known.silence and known.asked - known.answered > FORGIVEN_SECONDS:
            raise JobError(known.silence)
        return known.resources


def _cluster(directory: Path, *, launch: bool = False) -> Cluster | None:
    """The one that is named, else that of this machine; None if that does not run."""
    if named := named_cluster():
        return named
    local = LocalRay(directory.parent)
    found = local.cluster()
    if found is None and launch and not local.is_kept():
        local.launch()
    return found


def _job(directory: Path, attempt: int) -> str:
    return f"{directory.name}-{attempt}"


def _tell(directory: Path, text: str) -> None:
    """The log of a run whose worker could not say a word itself."""
    with suppress(OSError), open(directory / "log.txt", "a", encoding="utf-8") as log:
        log.write(text.rstrip() + "\n")
