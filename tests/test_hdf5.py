"""HDF5 and SLEAP: what is found, what is read, and what is refused."""

import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from nri_core.errors import DataError
from nri_core.importers import inspect, read, recognise
from nri_core.importers.poses import middle

h5py = pytest.importorskip("h5py")
BOUND = 30_000_000  # bytes that a refusal may take


def motion(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape)


def test_datasets_in_groups(tmp_path: Path) -> None:
    values = motion(30, 4, 2)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["run/positions"] = values
        file["run/velocities"] = values * 2
        file["run/time"] = np.arange(30) * 0.5
        file["run/names"] = ["a", "b", "c", "d"]
        file["note"] = "of no interest"
        file.create_dataset("run/empty", dtype=float, shape=None)
    recording = read([tmp_path / "a.h5"])
    assert (recognise([tmp_path / "a.h5"]), recording.node_names, recording.feature_names) == ("hdf5", ("a", "b", "c", "d"), ("x", "y", "vx", "vy"))
    np.testing.assert_array_equal(recording.trials[0].values, np.concatenate([values, values * 2], -1))
    np.testing.assert_array_equal(recording.trials[0].times, np.arange(30) * 0.5)


def test_it_is_recognised_whatever_its_name(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "data.bin", "w") as file:
        file["x"] = motion(30, 4, 2)
    assert inspect([tmp_path / "data.bin"]).options["axes"] == "time node dim"


def _elsewhere(path: Path) -> None:
    with h5py.File(path.with_name("secret.h5"), "w") as file:
        file["xy"] = motion(30, 4, 2)
    with h5py.File(path, "w") as file:
        file["xy"] = h5py.ExternalLink("secret.h5", "xy")


def _outside(path: Path) -> None:
    path.with_name("secret.bin").write_bytes(bytes(30 * 4 * 2 * 8))
    with h5py.File(path, "w") as file:
        file.create_dataset("xy", shape=(30, 4, 2), dtype="f8", external=[(str(path.with_name("secret.bin")), 0, 30 * 4 * 2 * 8)])


def _virtual(path: Path) -> None:
    with h5py.File(path.with_name("secret.h5"), "w") as file:
        file["xy"] = motion(30, 4, 2)
    layout = h5py.VirtualLayout(shape=(30, 4, 2), dtype="f8")
    layout[:] = h5py.VirtualSource(path.with_name("secret.h5"), "xy", shape=(30, 4, 2))
    with h5py.File(path, "w") as file:
        file.create_virtual_dataset("xy", layout)


def _promise(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("xy", shape=(1_000_000_000, 40, 2), chunks=(1000, 40, 2), dtype="f8", compression="gzip")


def _cut(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["xy"] = motion(3000, 4, 2)
    path.write_bytes(path.read_bytes()[:-100_000])


def _garbled(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("xy", data=motion(3000, 4, 2), compression="gzip")
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 3000] = bytes(3000)
    path.write_bytes(content)


def _only_text(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["notes"] = ["a", "b"]


def _nothing(path: Path) -> None:
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(2000))


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (_elsewhere, "no array"),
        (_outside, "lies in another file"),
        (_virtual, "lies in another file"),
        (_promise, r"found 80,000,000,000\. Split it"),
        (_cut, "cannot be read"),
        (_garbled, "cannot be read"),
        (_only_text, "axes"),
        (_nothing, "cannot be read"),
    ],
)
def test_broken_and_hostile_files(make: Callable[[Path], None], why: str, tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    make(path)
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=why) as refusal:
            read([path])
        assert tracemalloc.get_traced_memory()[1] < BOUND
    finally:
        tracemalloc.stop()
    assert "a.h5" in str(refusal.value)


def test_where_the_package_is_missing_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _only_text(tmp_path / "a.h5")
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    with pytest.raises(DataError, match="needs the package h5py: pip install"):
        read([tmp_path / "a.h5"])


# SLEAP: 12 frames of a video from frame 100 on, 2 mice of 3 body parts; one mouse unseen in frame 5, a tail in frame 3

PARTS, TRACKS, BONES = ("head", "thorax", "tail"), ("mouse A", "mouse B"), ((0, 1), (1, 2))


def poses() -> np.ndarray:
    found = motion(12, 2, 3, 2) * 5 + 50
    found[5, 1] = np.nan
    found[3, :, 2] = np.nan
    return found


def write_analysis(path: Path, values: np.ndarray, *, axes: tuple[str, ...] | None = None) -> None:
    order = ("frame", "track", "node", "xy")
    with h5py.File(path, "w") as file:
        file["tracks"] = values.transpose([order.index(name) for name in axes or ("track", "xy", "node", "frame")])
        if axes:
            file["tracks"].attrs["dims"] = json.dumps(axes)
        file["node_names"], file["track_names"] = np.array(PARTS, "S"), np.array(TRACKS, "S")
        file["edge_inds"] = np.array(BONES)
        file["track_occupancy"] = np.isfinite(values).any((2, 3)).astype("u1")


def write_project(path: Path, values: np.ndarray) -> None:
    """As SLEAP writes it; frame 7 was corrected by a person, beside the prediction."""
    point, instance, frame = [("x", "f8"), ("y", "f8"), ("visible", "?"), ("complete", "?")], [], []
    points: dict[int, list[tuple]] = {0: [], 1: []}
    for number, tracks in enumerate(values):
        first = len(instance)
        kinds = (0, 1) if number == 7 else (1,)
        for track, places in [(track, places) for track, places in enumerate(tracks) if np.isfinite(places).any()]:
            for kind in kinds:
                start, wrong = len(points[kind]), 1000.0 * (kind == 1 and number == 7)
                points[kind] += [(x + wrong, y, bool(np.isfinite(x)), True) for x, y in places]
                instance.append((len(instance), kind, number, 0, track, -1, 1.0, start, len(points[kind]), 0.0))
        frame.append((number, 0, 100 + number, first, len(instance)))
    fields = ("instance_id", "instance_type", "frame_id", "skeleton", "track", "from_predicted", "score", "point_id_start", "point_id_end", "tracking_score")
    kinds = {"instance_type": "u1", "score": "f4", "tracking_score": "f4", "track": "i4", "point_id_start": "u8", "point_id_end": "u8"}
    body = {"py/reduce": [{"py/type": "sleap.skeleton.EdgeType"}, {"py/tuple": [1]}]}
    mirrored = {"py/reduce": [{"py/type": "sleap.skeleton.EdgeType"}, {"py/tuple": [2]}]}
    links = [{"source": 0, "target": 1, "type": body}, {"source": 1, "target": 2, "type": {"py/id": 1}}, {"source": 0, "target": 2, "type": mirrored}]
    about = {"skeletons": [{"links": links, "nodes": [{"id": 0}, {"id": 1}, {"id": 2}]}], "nodes": [{"name": part} for part in PARTS]}
    with h5py.File(path, "w") as file:
        file.create_group("metadata").attrs["json"] = np.bytes_(json.dumps(about))
        file["tracks_json"] = [json.dumps([0, track]) for track in TRACKS]
        file["points"], file["pred_points"] = (np.array(points[kind], point) for kind in (0, 1))
        file["instances"] = np.array(instance, [(name, kinds.get(name, "i8")) for name in fields])
        names = ("frame_id", "video", "frame_idx", "instance_id_start", "instance_id_end")
        file["frames"] = np.array(frame, [(name, "u4" if name == "video" else "u8") for name in names])


WRITERS: dict[str, Callable[[Path, np.ndarray], None]] = {
    "analysis.h5": write_analysis,
    "named.h5": lambda path, values: write_analysis(path, values, axes=("frame", "track", "node", "xy")),
    "project.slp": write_project,
}


@pytest.mark.parametrize("name", WRITERS)
def test_poses(name: str, tmp_path: Path) -> None:
    WRITERS[name](tmp_path / name, poses())
    assert recognise([tmp_path / name]) == "sleap"
    animals = read([tmp_path / name])
    assert (animals.node_names, animals.trials[0].values.shape) == (TRACKS, (12, 2, 2))
    np.testing.assert_allclose(animals.trials[0].values, middle(poses()))
    head = read([tmp_path / name], options={"part": "head", "rate": 20})
    np.testing.assert_allclose(head.trials[0].values, poses()[:, :, 0])
    assert head.frame_time == 0.05
    parts = read([tmp_path / name], options={"nodes": "body parts"})
    np.testing.assert_allclose(parts.trials[0].values.reshape(12, 2, 3, 2), poses())
    assert parts.node_names[:4] == ("mouse A head", "mouse A thorax", "mouse A tail", "mouse B head")
    assert parts.bones == ((0, 1), (1, 2), (3, 4), (4, 5))


def test_frames_without_poses_take_no_room(tmp_path: Path) -> None:
    write_project(tmp_path / "a.slp", poses())
    with h5py.File(tmp_path / "a.slp", "a") as file:
        table = file["frames"][()]
        table["frame_idx"][-1] = 2**40
        file["frames"][...] = table
    (trial,) = read([tmp_path / "a.slp"], options={"rate": 1}).trials
    assert trial.times.tolist() == [*range(100, 111), 2**40] and trial.values.shape == (12, 2, 2)


def test_the_middle_of_what_is_seen() -> None:
    found = middle(poses())
    assert np.isnan(found[5, 1]).all() and np.isfinite(np.delete(found.reshape(24, 2), 11, axis=0)).all()
    np.testing.assert_allclose(found[3], poses()[3, :, :2].mean(1))


def test_an_unknown_part_is_told(tmp_path: Path) -> None:
    write_analysis(tmp_path / "a.h5", poses())
    with pytest.raises(DataError, match="body part of head, thorax, tail"):
        read([tmp_path / "a.h5"], options={"part": "paw"})


def _wrong_shape(file: "h5py.File") -> None:
    del file["node_names"]
    file["node_names"] = np.array(["only"], "S")


def _no_skeleton(file: "h5py.File") -> None:
    file["metadata"].attrs["json"] = np.bytes_(b"{")


def _no_frames(file: "h5py.File") -> None:
    table = file["frames"][:0]
    del file["frames"]
    file["frames"] = table


@pytest.mark.parametrize(
    ("name", "spoil", "why"),
    [
        ("analysis.h5", _wrong_shape, r"shape \(tracks, 2, 1, frames\)"),
        ("project.slp", _no_skeleton, "Expected a skeleton"),
        ("project.slp", _no_frames, "labelled frames"),
    ],
)
def test_spoilt_poses_are_refused(name: str, spoil: Callable[["h5py.File"], None], why: str, tmp_path: Path) -> None:
    WRITERS[name](tmp_path / name, poses())
    with h5py.File(tmp_path / name, "a") as file:
        spoil(file)
    with pytest.raises(DataError, match=why) as refusal:
        read([tmp_path / name])
    assert name in str(refusal.value)
