"""What all tests share: where the recorded data lie, and one torch thread for each of several test processes."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from nri_core.jobs.engines.ray_api import Cluster

ROOT = Path(__file__).parents[1]

if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ["OMP_NUM_THREADS"] = "1"  # read when torch is imported: processes side by side must not fight for cores


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of recorded and reference data: `$NRI_SHARED_DATA`, or `../shared/data` beside the project."""
    folder = Path(os.environ.get("NRI_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        reason = f"Reference data not found at {folder}; set NRI_SHARED_DATA to its folder."
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return folder


@pytest.fixture(autouse=True)
def no_spare_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that offers a training has a worker get ready, which takes seconds of a core: not at each page that a test opens."""
    monkeypatch.setattr("nri_core.jobs.engines.spare.SpareWorkers.prepare", lambda *_: None)


@pytest.fixture(scope="session")
def ray_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Cluster"]:
    """One real Ray for all tests, with two cores and one pretended GPU, which they see as a cluster elsewhere."""
    from nri_core.jobs.engines.ray_local import LocalRay

    local = LocalRay(tmp_path_factory.mktemp("ray"))
    try:
        yield local.start("--num-cpus=2", "--num-gpus=1")
    finally:
        local.stop()
