"""MATLAB's files, old and new, and the brain simulations of NetSim."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from nri_core.errors import DataError
from nri_core.importers import inspect, read, recognise

h5py, scipy_io = pytest.importorskip("h5py"), pytest.importorskip("scipy.io")
HEADER = b"MATLAB 7.3 MAT-file, Platform: GLNXA64, Created on: Mon Jan  1 00:00:00 2024 HDF5 schema 1.00 ."


def write_old(path: Path, **arrays: np.ndarray) -> None:
    scipy_io.savemat(path, arrays, do_compression=True)


def write_new(path: Path, **arrays: np.ndarray) -> None:
    """As MATLAB -v7.3 writes it: axes reversed, after 512 bytes of its own."""
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, array in arrays.items():
            file[name] = np.atleast_2d(array).T
    with open(path, "r+b") as file:
        file.write(HEADER.ljust(124) + b"\x00\x02IM")


WRITERS = {"old": write_old, "new": write_new}


@pytest.mark.parametrize("writer", WRITERS.values(), ids=WRITERS)
def test_both_versions_mean_the_same(writer: Callable[..., None], tmp_path: Path) -> None:
    positions = np.random.default_rng(0).normal(size=(40, 5, 2))
    writer(tmp_path / "a.mat", positions=positions, velocities=positions * 3, fps=np.array([[50.0]]), t=np.arange(40.0))
    recording = read([tmp_path / "a.mat"])
    assert recognise([tmp_path / "a.mat"]) == "matlab"
    np.testing.assert_array_equal(recording.trials[0].values, np.concatenate([positions, positions * 3], -1))
    assert (recording.feature_names, recording.frame_time) == (("x", "y", "vx", "vy"), 1.0)  # times, where there are any, count more than a rate


def test_netsim(shared_data: Path) -> None:
    path = shared_data / "netsim_fmri" / "sim1.mat"
    recording = read([path], options={"rate": 1 / 3})
    raw = scipy_io.loadmat(path)
    assert (len(recording.trials), recording.node_names, recording.frame_time) == (50, tuple("12345"), 3.0)
    for subject in (0, 17, 49):
        trial = recording.trials[subject]
        np.testing.assert_array_equal(trial.values[..., 0], raw["ts"].reshape(50, 200, 5)[subject])
        sends = raw["net"][subject] > 0  # row acts on column
        np.testing.assert_array_equal(trial.edge_types.T == 1, sends)
    assert [remark.code for remark in recording.remarks] == ["weights of edges"]
    assert "Recordings of 200 frames stand after each other." in inspect([path]).understood


@pytest.mark.parametrize("writer", WRITERS.values(), ids=WRITERS)
@pytest.mark.parametrize("keep", [0.05, 0.5, 0.95])
def test_cut_files_are_refused(writer: Callable[..., None], keep: float, tmp_path: Path) -> None:
    path = tmp_path / "a.mat"
    writer(path, positions=np.random.default_rng(0).normal(size=(400, 5, 2)))
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])
    with pytest.raises(DataError, match=r"a\.mat"):
        read([path])


@pytest.mark.parametrize("writer", WRITERS.values(), ids=WRITERS)
def test_garbled_files_are_refused_or_read(writer: Callable[..., None], tmp_path: Path) -> None:
    path, random = tmp_path / "a.mat", np.random.default_rng(1)
    writer(path, positions=random.normal(size=(60, 5, 2)))
    whole = path.read_bytes()
    for _ in range(40):
        spoilt = bytearray(whole)
        for place in random.integers(128, len(whole), 8):
            spoilt[place] = random.integers(0, 256)
        path.write_bytes(spoilt)
        try:
            read([path])
        except DataError as refusal:
            assert "Expected" in str(refusal)


def test_what_is_no_array_is_named(tmp_path: Path) -> None:
    write_old(tmp_path / "a.mat", note=np.array("hello"), cells=np.array([np.zeros((3, 2)), "b"], dtype=object))
    with pytest.raises(DataError, match=r"2 to 4 axes.*`cells`"):
        read([tmp_path / "a.mat"])


def test_where_the_package_is_missing_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_old(tmp_path / "a.mat", xy=np.zeros((4, 3, 2)))
    monkeypatch.setitem(__import__("sys").modules, "scipy.io", None)
    with pytest.raises(DataError, match="needs the package scipy: pip install"):
        read([tmp_path / "a.mat"])
