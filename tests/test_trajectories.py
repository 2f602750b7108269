"""Trajectories and posteriors: round trips, and files that are damaged or hostile."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from nri_core import storage
from nri_core.errors import DataError, NRIError
from nri_core.posterior import EdgePosterior
from nri_core.trajectories import Trajectories

NAMES = ("x", "y", "vx", "vy")


def some(**changes) -> Trajectories:
    generator = np.random.default_rng(0)
    fields = {
        "values": generator.normal(size=(3, 10, 4, 4)),
        "feature_names": NAMES,
        "dt": 0.1,
        "edge_types": generator.integers(0, 2, (3, 4, 4)),
        "edge_type_names": ("none", "spring"),
        "metadata": {"system": "springs"},
    }
    return Trajectories(**fields | changes)


def test_round_trip_and_equal_bytes(tmp_path: Path) -> None:
    data = some(observed=np.ones((3, 10, 4), bool), trials=np.array([0, 0, 1]), first_times=np.array([0.0, 0.5, 0.0]))
    data.save(tmp_path / "a.npz")
    again = Trajectories.load(tmp_path / "a.npz")
    again.save(tmp_path / "b.npz")
    assert again.digest == data.digest
    assert (again.edge_type_names, again.node_names, again.metadata["system"]) == (("none", "spring"), ("1", "2", "3", "4"), "springs")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_digest_sees_every_element() -> None:
    data = some()
    values = data.values.copy()
    values[2, 9, 3, 3] += 1e-12
    assert some(values=values).digest != data.digest


def test_nothing_can_be_changed_after_the_checks() -> None:
    with pytest.raises(ValueError, match="read-only"):
        some().values[0, 0, 0, 0] = 1


def test_select_keeps_what_belongs_together() -> None:
    part = some(first_times=np.array([0.0, 5.0, 9.0])).select(slice(1, 3), frames=slice(2, 6))
    assert part.values.shape == (2, 4, 4, 4) and part.edge_types.shape == (2, 4, 4)
    assert part.first_times.tolist() == pytest.approx([5.2, 9.2]), "two frames of 0.1 later"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"values": np.zeros((3, 10, 4))}, "four axes"),
        ({"values": np.full((3, 10, 4, 4), np.nan)}, "finite"),
        ({"values": np.zeros((3, 0, 4, 4))}, "1 frame"),
        ({"values": np.zeros((3, 10, 1, 4)), "edge_types": None}, "nodes"),
        ({"feature_names": ("x",)}, "4 feature names"),
        ({"dt": 0.0}, "positive time"),
        ({"edge_types": np.zeros((3, 5, 5), int)}, "edge_types"),
        ({"edge_types": np.full((3, 4, 4), -1)}, "counted from 0"),
        ({"edge_types": np.full((3, 4, 4), 2)}, "a name for each of 3"),
        ({"node_names": ("a",)}, "4 node names"),
        ({"observed": np.ones((3, 10), bool)}, "observed"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_reason(changes: dict, message: str) -> None:
    with pytest.raises(DataError, match=message):
        some(**changes)


def npz(**arrays) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def archive(name: str, content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as members:
        members.writestr(name, content)
    return file.getvalue()


def header_only(shape: tuple[int, ...]) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"shape": shape, "fortran_order": False, "descr": "<f8"})
    return file.getvalue()


GOOD = npz(values=np.random.default_rng(0).normal(size=(2, 5, 3, 4)), feature_names=np.array(NAMES))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cannot be read"),
        (b"not a zip", "cannot be read"),
        (GOOD[: len(GOOD) // 2], "cannot be read"),
        (GOOD[:200] + bytes(60) + GOOD[260:], "cannot be read"),
        (npz(values=np.array([{"a": 1}], dtype=object)), "Python objects"),
        (archive("values.npy", header_only((10**6, 10**6))), "shorter than its header"),
        (archive("values.npy", header_only((-1, 4))), "cannot be read"),
        (archive("values.txt", b"1,2"), "not an array"),
        (npz(other=np.zeros(3)), "`values`"),
        (npz(values=np.array([["text"]])), "numbers in `values`"),
        (npz(values=np.zeros((2, 5, 3, 4)), metadata=np.array("[")), "metadata"),
        (npz(values=np.zeros((2, 5, 3, 4)), dt=np.array("soon")), "dt"),
        (npz(values=np.zeros((2, 5, 3, 4)), edge_types=np.full((2, 3, 3), 0.5)), "whole numbers"),
        (npz(values=np.zeros(())), "four axes"),
    ],
)
def test_damaged_and_hostile_files_end_in_one_sentence(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "data.npz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        Trajectories.load(path)


def test_archives_that_unpack_to_too_much_are_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "MAX_ARCHIVE_BYTES", 1000)
    (tmp_path / "bomb.npz").write_bytes(GOOD)
    with pytest.raises(DataError, match="unpacks to"):
        Trajectories.load(tmp_path / "bomb.npz")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        Trajectories.load(tmp_path / "nothing.npz")


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    storage.write_text(tmp_path / "kept.txt", "old")
    with pytest.raises(RuntimeError), storage.writing(tmp_path / "kept.txt") as beside:
        beside.write_text("half")
        raise RuntimeError
    assert [path.name for path in tmp_path.iterdir()] == ["kept.txt"]
    assert (tmp_path / "kept.txt").read_text() == "old"


def test_an_unwritable_place_is_an_error_with_advice(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NRIError, match="choose another folder"):
        storage.write_text(tmp_path / "file" / "below.txt", "text")


def test_posterior_round_trip_and_relabelling(tmp_path: Path) -> None:
    probs = np.random.default_rng(0).dirichlet((1, 1, 1), (2, 3, 3)).astype(np.float32)
    probs[:, range(3), range(3)] = 0
    posterior = EdgePosterior(probs, ("none", "a", "b"), ("1", "2", "3"), "encoder")
    posterior.save(tmp_path / "posterior.npz")
    again = EdgePosterior.load(tmp_path / "posterior.npz")
    assert (again.edge_probs == probs).all() and again.inference == "encoder"
    renamed = again.relabelled((2, 0, 1), ("x", "y", "z"))
    assert (renamed.edge_probs[..., 2] == probs[..., 0]).all() and renamed.edge_type_names == ("x", "y", "z")


def test_posterior_must_be_a_distribution() -> None:
    with pytest.raises(DataError, match="sum to 1"):
        EdgePosterior(np.full((1, 3, 3, 2), 0.5), ("a", "b"), ("1", "2", "3"), "encoder")
