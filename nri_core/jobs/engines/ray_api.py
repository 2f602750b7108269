"""What is asked of a Ray cluster, over the REST interface of its jobs: quick to import, and every answer or silence has a time limit."""

import json
import os
import re
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any

from nri_core.errors import JobError

ADDRESS = "NRI_RAY_ADDRESS"
SECONDS = 4.0  # for an answer; a cluster answers in hundredths
SUBMIT_SECONDS = 30.0  # for a job, which a busy cluster takes its time to accept
ENDED = ("SUCCEEDED", "FAILED", "STOPPED")


class _Stay(urllib.request.HTTPRedirectHandler):
    """Redirects would carry the token to somebody else."""

    def redirect_request(self, *_: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), _Stay)


@dataclass(frozen=True)
class Cluster:
    """A Ray cluster by the address of its dashboard, and the token that it asks for. Each call raises JobError, in a sentence, where it fails."""

    address: str
    token: str = field(repr=False)

    def resources(self) -> dict[str, float]:
        """CPU, GPU and others of all nodes that live, whoever uses them."""
        total: dict[str, float] = {}
        try:
            for node in self._call("GET", "/api/v0/nodes")["data"]["result"]["result"]:
                for name, amount in node["resources_total"].items() if node["state"] == "ALIVE" else ():
                    total[name] = total.get(name, 0.0) + amount
        except (KeyError, TypeError, AttributeError) as error:
            raise self._no_ray() from error
        return total

    def submit(self, job_id: str, command: str, *, cpus: float, gpus: float, variables: dict[str, str]) -> None:
        """Leave a shell command to the cluster. One that it has already under that id is not begun twice."""
        job = {"submission_id": job_id, "entrypoint": command, "entrypoint_num_cpus": cpus, "entrypoint_num_gpus": gpus}
        try:
            self._call("POST", "/api/jobs/", job | {"runtime_env": {"env_vars": variables}}, seconds=SUBMIT_SECONDS)
        except JobError:
            if self.job(job_id) is None:  # the answer may have been lost after the job was accepted
                raise

    def job(self, job_id: str) -> dict[str, Any] | None:
        """`status` and `message` among others; None for a job that it does not know."""
        return self._call("GET", f"/api/jobs/{job_id}", missing=True)

    def logs(self, job_id: str) -> str:
        """What the job printed, and what Ray said about it."""
        return str((self._call("GET", f"/api/jobs/{job_id}/logs", missing=True) or {}).get("logs", ""))

    def stop(self, job_id: str) -> None:
        """Ask the process to end, and after three seconds make it."""
        self._call("POST", f"/api/jobs/{job_id}/stop", {}, missing=True)

    def _call(
        self, method: str, path: str, content: dict[str, Any] | None = None, *, missing: bool = False, seconds: float | None = None
    ) -> Any:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        data = None if content is None else json.dumps(content).encode()
        request = urllib.request.Request(self.address + path, method=method, data=data, headers=headers)
        try:
            with _OPENER.open(request, timeout=seconds or SECONDS) as answer:
                found = json.loads(answer.read())
        except urllib.error.HTTPError as error:
            if error.code == 404 and missing:
                return None
            raise self._refused(error) from error
        except (OSError, HTTPException) as error:
            reason = getattr(error, "reason", error)
            said = getattr(reason, "strerror", None) or reason
            raise JobError(f"No Ray answers at {self.address} ({said}). Start the cluster, or mend ${ADDRESS}.") from error
        except ValueError as error:
            raise self._no_ray() from error
        if not isinstance(found, dict):
            raise self._no_ray()
        return found

    def _refused(self, error: urllib.error.HTTPError) -> JobError:
        if error.code in (401, 403):
            return JobError(f"The Ray at {self.address} does not accept the token. Put the cluster's own into $RAY_AUTH_TOKEN.")
        if error.code < 500:
            return self._no_ray()
        said = error.read().decode(errors="replace").strip(" .\n").splitlines() or [""]
        return JobError(f"The Ray at {self.address} refused ({said[-1][:200]}). Look into its dashboard, then resume the run.")

    def _no_ray(self) -> JobError:
        return JobError(f"What answers at {self.address} is not the dashboard of Ray 2.52 or newer. Mend ${ADDRESS}.")


def named_cluster() -> Cluster | None:
    """The one in $NRI_RAY_ADDRESS, with the token in $RAY_AUTH_TOKEN or the file $RAY_AUTH_TOKEN_PATH; None if none is named.

    Raises JobError for an address without a token: whoever reaches a Ray without one can run any program on it.
    """
    address = os.environ.get(ADDRESS, "").strip().rstrip("/")
    if not address:
        return None
    if not re.fullmatch(r"https?://[^/@?#\s]+", address):
        raise JobError(f"Expected ${ADDRESS} as the address of a Ray dashboard, such as http://HOST:8265; found {address!r}.")
    token, path = os.environ.get("RAY_AUTH_TOKEN", "").strip(), os.environ.get("RAY_AUTH_TOKEN_PATH")
    if not token and path:
        try:
            token = Path(path).expanduser().read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise JobError(f"Expected the token of the Ray at {address} in the file that $RAY_AUTH_TOKEN_PATH names; it cannot be read.") from error
    if not re.fullmatch(r"[!-~]+", token):
        found = "it holds characters that none has" if token else "there is none"
        advice = "Start the cluster with RAY_AUTH_MODE=token and set $RAY_AUTH_TOKEN or $RAY_AUTH_TOKEN_PATH."
        raise JobError(f"Expected a token for the Ray at {address}; {found}. {advice}")
    return Cluster(address, token)
