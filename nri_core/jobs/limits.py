"""Fair use of a shared server: one file of limits, enforced where runs are submitted and by the workers themselves."""

import os
import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from nri_core.errors import ConfigError, JobError
from nri_core.trajectories import Trajectories

BESIDE_THE_APP = Path(__file__).parents[2] / "limits.toml"


class Limits(BaseModel):
    """The keys of `limits.toml`; 0 means no limit, or, for `cpu_slots`, one for each core."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    runs_per_user: int = Field(0, ge=0, description="Runs that one user may have waiting and running at once")
    queue_length: int = Field(1000, ge=0, description="Runs that may wait on this server")
    run_seconds: float = Field(0, ge=0, description="Wall-clock time of one run; then it stops and keeps its model")
    pause_seconds: float = Field(600, ge=0, description="Wall-clock time that a paused run may hold its device; then it stops and can be resumed")
    data_megabytes: float = Field(2000, ge=0, description="Size of the trajectories of one run")
    edges: int = Field(9900, ge=0, description="Ordered pairs of nodes in one system: 9900 for 100 nodes")
    cpu_slots: int = Field(0, ge=0, le=1024, description="Runs at once on the CPU")
    slots_per_gpu: int = Field(1, ge=1, le=64, description="Runs at once on each GPU, each taking one slot unless it asks for a share")

    def check(self, data: Trajectories) -> None:
        """Raise JobError, in a sentence, for data that are too large."""
        megabytes, edges = data.values.nbytes / 1e6, data.num_nodes * (data.num_nodes - 1)
        if self.data_megabytes and megabytes > self.data_megabytes:
            raise JobError(f"This server trains on at most {self.data_megabytes:g} MB; these data have {megabytes:.0f} MB. Choose fewer systems or frames.")
        if self.edges and edges > self.edges:
            raise JobError(f"This server trains on at most {self.edges:,} pairs of nodes; these data have {edges:,}. Choose fewer nodes.")

    def check_queue(self, *, active_of_user: int, waiting: int) -> None:
        """Raise JobError, in a sentence, where one more run may not join the queue now."""
        if self.runs_per_user and active_of_user >= self.runs_per_user:
            raise JobError(f"You have {active_of_user} runs waiting or running, as many as this server allows. Wait for one, or stop one.")
        if self.queue_length and waiting >= self.queue_length:
            raise JobError(f"{waiting} runs are waiting already, as many as this server allows. Try again later.")


def limits() -> Limits:
    """`$NRI_LIMITS`, or `limits.toml` beside the app, or the defaults. Raises ConfigError where the file is no such thing."""
    named = os.environ.get("NRI_LIMITS")
    path = Path(named) if named else BESIDE_THE_APP
    if not named and not path.exists():
        return Limits()
    try:
        return Limits.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"Expected the limits of this server in {path.name}; it cannot be read ({error}). Mend the file.") from error
    except ValidationError as error:
        fault = error.errors()[0]
        raise ConfigError(f"The limits of this server in {path.name}: {'.'.join(map(str, fault['loc']))}: {fault['msg']}. Mend the file.") from error
