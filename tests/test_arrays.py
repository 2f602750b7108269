"""Arrays of motion: NumPy's files, the reference's triples, dNRI's tensors; which array and which axis is what; what is refused."""

import struct
import tracemalloc
import zipfile
from io import BytesIO
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
import torch

from nri_core.errors import DataError
from nri_core.importers import inspect, read, recognise
from nri_core.importers.arrays import rate_in
from nri_core.importers.axes import WORDS, arranged, guess
from nri_core.importers.truth_arrays import edge_kinds, edge_matrices
from nri_core.recording import Recording
from nri_core.trajectories import Trajectories

SPRINGS = Path(__file__).parents[1] / "sample_data" / "springs5.npz"
BOUND = 30_000_000  # bytes that a refusal may take


def motion(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape)


@pytest.mark.parametrize(
    ("shape", "nodes", "axes"),
    [
        ((508, 8, 2), None, "time node dim"),
        ((8, 508, 2), None, "node time dim"),
        ((508, 2, 8), None, "time dim node"),
        ((2, 8, 508), None, "dim node time"),
        ((100, 49, 2, 5), None, "sim time dim node"),
        ((100, 49, 5, 2), None, "sim time node dim"),
        ((100, 50, 3, 4), None, "sim time node dim"),
        ((40, 30, 12, 2), 30, "sim node time dim"),
        ((50, 200, 5), 5, "sim time node"),
        ((50, 200, 15), None, "sim time node"),
        ((50, 15, 200), None, "sim node time"),
        ((10000, 5), None, "time node"),
        ((5, 300), None, "node time"),
    ],
)
def test_axes_are_guessed_by_their_lengths(shape: tuple[int, ...], nodes: int | None, axes: str) -> None:
    assert guess(shape, nodes=nodes) == axes


@pytest.mark.parametrize("order", list(permutations(WORDS)))
def test_every_order_of_axes_is_brought_into_one(order: tuple[str, ...], tmp_path: Path) -> None:
    values = motion(3, 7, 5, 2)
    np.save(tmp_path / "a.npy", values.transpose([WORDS.index(word) for word in order]))
    recording = read([tmp_path / "a.npy"], options={"axes": " ".join(order)})
    np.testing.assert_array_equal(np.stack([trial.values for trial in recording.trials]), values)


def test_axes_that_are_lacking_have_length_one() -> None:
    assert arranged(motion(7, 5), "time node").shape == (1, 7, 5, 1)
    assert arranged(motion(5, 3, 7), "node sim time").shape == (3, 7, 5, 1)


def test_an_archive_says_by_its_names_what_it_holds(tmp_path: Path) -> None:
    positions, edges = motion(4, 20, 3, 2), np.random.default_rng(1).integers(0, 2, (4, 3, 3))
    np.savez(tmp_path / "a.npz", positions=positions, velocities=positions + 1, edges=edges, fps=25.0, node_names=["a", "b", "c"], seed=np.arange(9))
    recording = read([tmp_path / "a.npz"])
    assert (recording.feature_names, recording.node_names, recording.frame_time) == (("x", "y", "vx", "vy"), ("a", "b", "c"), 0.04)
    assert recording.edge_type_names == ("none", "edge")
    for number, trial in enumerate(recording.trials):
        np.testing.assert_array_equal(trial.values, np.concatenate([positions[number], positions[number] + 1], -1))
        np.testing.assert_array_equal(trial.edge_types, np.where(np.eye(3), 0, edges[number]))


def test_times_and_cuts(tmp_path: Path) -> None:
    times = np.concatenate([np.arange(6) * 0.1, 5 + np.arange(4) * 0.1])
    np.savez(tmp_path / "a.npz", xy=motion(10, 3, 2), t=times, session=[0] * 6 + [1] * 4)
    recording = read([tmp_path / "a.npz"])
    assert [trial.num_frames for trial in recording.trials] == [6, 4]
    np.testing.assert_allclose(recording.trials[1].times, times[6:])


@pytest.mark.parametrize(("cuts", "lengths"), [([-1, 3, 9], [4, 6]), ([4], [4, 6]), ([0, 4, 10], [4, 6]), ([-1, 3, 10], [4, 6])])
def test_cuts_by_ends(cuts: list[int], lengths: list[int], tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", xy=motion(10, 3, 2), ends=cuts)
    assert [trial.num_frames for trial in read([tmp_path / "a.npz"]).trials] == lengths


def test_coordinates_in_arrays_of_their_own(tmp_path: Path) -> None:
    x, y, vx, vy = motion(4, 40, 6)
    np.savez(tmp_path / "a.npz", vy=vy, Y=y, vx=vx, X=x)
    recording = read([tmp_path / "a.npz"])
    assert recording.feature_names == ("x", "y", "vx", "vy")
    np.testing.assert_array_equal(recording.trials[0].values, np.stack([x, y, vx, vy], -1))


def test_numbered_files_are_recordings_of_the_same_nodes(tmp_path: Path) -> None:
    for number in (1, 2, 10):
        np.save(tmp_path / f"fish{number}_28fps.npy", motion(20 + number, 4, 2))
    recording = read([tmp_path / f"fish{number}_28fps.npy" for number in (1, 2, 10)])
    assert [(trial.name, trial.num_frames) for trial in recording.trials] == [("fish1_28fps", 21), ("fish2_28fps", 22), ("fish10_28fps", 30)]
    assert recording.frame_time == pytest.approx(1 / 28)


def test_what_is_not_used_is_said(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", positions=motion(20, 3, 2), forces=motion(20, 3, 2))
    assert "Not used: `forces`." in inspect([tmp_path / "a.npz"]).understood
    chosen = read([tmp_path / "a.npz"], options={"beside": ["forces"]})
    assert chosen.feature_names == ("x", "y", "forces x", "forces y")
    with pytest.raises(DataError, match="either `more` recordings or `velocities`"):
        read([tmp_path / "a.npz"], options={"more": ["forces"], "velocities": "forces"})


def test_a_graph_that_changes_and_flat_lists(tmp_path: Path) -> None:
    flat = np.random.default_rng(2).integers(0, 3, (30, 6))
    np.savez(tmp_path / "a.npz", xy=motion(30, 3, 2), edges=flat)
    trial = read([tmp_path / "a.npz"], options={"axes": "time node dim", "rows": "receivers"}).trials[0]
    np.testing.assert_array_equal(trial.edge_types[:, [0, 0, 1, 1, 2, 2], [1, 2, 0, 2, 0, 1]], flat)
    turned = read([tmp_path / "a.npz"], options={"axes": "time node dim", "rows": "senders"}).trials[0]
    np.testing.assert_array_equal(turned.edge_types, trial.edge_types.swapaxes(1, 2))


@pytest.mark.parametrize(
    ("numbers", "types", "names"),
    [
        ([0, 1, 1], [0, 1, 1], ("none", "edge")),
        ([-1, 0, 1], [1, 0, 2], ("none", "-1", "1")),
        ([-1, 1, 1], [0, 1, 1], ("-1", "1")),
        ([0.0, 0.3, -2.5], [0, 1, 1], ("none", "edge")),
        ([0, 2, 5], [0, 1, 2], ("none", "2", "5")),
    ],
)
def test_what_numbers_of_edges_mean(numbers: list[float], types: list[int], names: tuple[str, ...]) -> None:
    matrix = np.array([[9, numbers[0], numbers[1]], [numbers[2], 9, numbers[0]], [numbers[1], numbers[2], 9]])
    found, called, remarks = edge_kinds(edge_matrices(matrix, name="e", num_nodes=3, rows="receivers"), name="e")
    first, second, third = types
    np.testing.assert_array_equal(found, [[0, first, second], [third, 0, first], [second, third, 0]])
    assert called == names and bool(remarks) == (numbers[1] == 0.3)


def test_the_rate_may_stand_in_the_name() -> None:
    assert [rate_in(name) for name in ("fish8_28fps.npy", "walk_120Hz.npz", "a29.97fps.npy", "fish8.npy", "0fps")] == [28, 120, 29.97, None, None]


def test_infinity_is_not_seen_and_told(tmp_path: Path) -> None:
    values = motion(10, 3, 2).astype(np.float16)
    values[2, 1, 0] = np.inf
    np.save(tmp_path / "a.npy", values)
    recording = read([tmp_path / "a.npy"])
    assert np.isnan(recording.trials[0].values[2, 1, 0]) and recording.trials[0].values.dtype == np.float32
    assert [remark.code for remark in recording.remarks] == ["infinite values"]


def test_corrected_options_fit_the_next_file_of_the_shape(tmp_path: Path) -> None:
    np.save(tmp_path / "monday.npy", motion(50, 4, 2))
    np.save(tmp_path / "tuesday.npy", motion(70, 5, 2))
    np.save(tmp_path / "turned.npy", motion(2, 5, 70))
    signatures = [inspect([tmp_path / f"{name}.npy"]).signature for name in ("monday", "tuesday", "turned")]
    assert signatures[0] == signatures[1] != signatures[2]


def test_our_own_file_comes_back_whole(tmp_path: Path) -> None:
    data = Trajectories.load(SPRINGS)
    recording = read([SPRINGS])
    assert recognise([SPRINGS]) == "own"
    np.testing.assert_array_equal(np.stack([trial.values for trial in recording.trials]), data.values)
    np.testing.assert_array_equal(np.stack([trial.edge_types for trial in recording.trials]), data.edge_types)
    recording.save(tmp_path / "recording.npz")
    again = read([tmp_path / "recording.npz"])
    np.testing.assert_array_equal(again.trials[3].values, recording.trials[3].values)
    assert (again.feature_names, again.frame_time) == (recording.feature_names, pytest.approx(data.dt))


def test_nobody_seen_stays_unseen(tmp_path: Path) -> None:
    values, observed = motion(2, 9, 3, 2), np.random.default_rng(3).random((2, 9, 3)) < 0.7
    Trajectories(values, ("x", "y"), observed=observed, trials=np.array([4, 4])).save(tmp_path / "a.npz")
    recording = read([tmp_path / "a.npz"])
    np.testing.assert_array_equal(np.stack([trial.seen for trial in recording.trials]), observed)
    assert [trial.source for trial in recording.trials] == ["4", "4"]


# Real files


def triple(folder: Path) -> list[Path]:
    return [folder / f"{kind}_valid_springs5.npy" for kind in ("loc", "vel", "edges")]


def test_the_references_triple(shared_data: Path) -> None:
    paths = triple(shared_data / "nri_springs5")
    recording = read(paths)
    loc, vel, edges = map(np.load, paths)
    assert recognise(paths) == "reference" and recording.edge_type_names == ("none", "edge") and recording.frame_time == 0.1
    for number in (0, 57, 99):
        expected = np.concatenate([loc[number], vel[number]], axis=1).transpose(0, 2, 1)
        np.testing.assert_array_equal(recording.trials[number].values, expected)
        np.testing.assert_array_equal(recording.trials[number].edge_types, edges[number])
    speeds = np.stack([trial.values[:-1, :, 2:] for trial in recording.trials])
    steps = np.stack([np.diff(trial.values[..., :2], axis=0) for trial in recording.trials])
    assert np.corrcoef(speeds.ravel(), steps.ravel())[0, 1] > 0.98  # velocities belong to the positions beside them


def test_dnri_tensors(shared_data: Path) -> None:
    recording = read([shared_data / "dnri_synth" / "val_feats", shared_data / "dnri_synth" / "val_edges"])
    assert (len(recording.trials), recording.trials[0].values.shape, recording.feature_names) == (100, (50, 3, 4), ("x", "y", "vx", "vy"))
    moved = np.stack([trial.edge_types for trial in recording.trials]).max((0, 1))
    np.testing.assert_array_equal(moved, [[0, 0, 0], [0, 0, 0], [1, 1, 0]])  # only the third particle is pushed, by the other two
    values = np.stack([trial.values for trial in recording.trials])
    pushed = np.linalg.norm(np.diff(values[..., 2:], axis=1), axis=-1)
    assert pushed[..., :2].max() < 1e-4 < pushed[..., 2].mean()


def test_zebrafish(shared_data: Path) -> None:
    (trial,) = read([shared_data / "fish_trajectorytools" / "fish8_28fps.npy"]).trials
    assert trial.values.shape == (508, 8, 2) and 0.98 < trial.seen.mean() < 1
    assert np.diff(trial.times) == pytest.approx(1 / 28)


def test_basketball_with_its_ball(shared_data: Path) -> None:
    names = ("player_coords", "ball_coords", "example_stop_idxs")
    paths = [shared_data / "nba_cle_starters" / f"{name}_val__with_4_games.npy" for name in names]
    recording = read(paths, options={"rate": 5})
    players, ball, stops = map(np.load, paths)
    assert (len(recording.trials), recording.num_nodes, recording.num_frames) == (len(stops) - 1, 11, 10602)
    np.testing.assert_array_equal(recording.trials[0].values[:, :10], players[: stops[1] + 1])
    np.testing.assert_array_equal(recording.trials[1].values[:, 10], ball[stops[1] + 1 : stops[2] + 1, :2])
    assert max(np.abs(np.diff(trial.values[:, :10], axis=0)).max(initial=0) for trial in recording.trials) < 0.25  # jumps only between examples


def test_basketball_windows(shared_data: Path) -> None:
    recording = read([shared_data / "nba_pnr_derived" / "pnr_val.npz"])
    assert (len(recording.trials), recording.trials[0].values.shape, recording.frame_time) == (44, (25, 5, 2), 0.2)


# What is refused


def header_only(shape: str, descr: str = "'<f8'") -> bytes:
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()


def npy(array: np.ndarray, *, allow_pickle: bool = False) -> bytes:
    file = BytesIO()
    np.save(file, array, allow_pickle=allow_pickle)
    return file.getvalue()


def zipped(**members: bytes) -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return file.getvalue()


class Spy:
    """Pickled, this would make a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return (Path.touch, (self.path,))


GOOD = npy(motion(20, 3, 2))
BROKEN = {
    "cut.npy": (GOOD[:-50], "cannot be read"),
    "header.npy": (GOOD[:40], "cannot be read"),
    "promise.npy": (header_only("(100000000, 40, 2)"), "cannot be read"),
    "negative.npy": (header_only("(-5, 4, 2)"), "cannot be read"),
    "code.npy": (header_only("(__import__('os').getpid(), 2)"), "cannot be read"),
    "huge.npz": (zipped(xy=header_only("(10000000000, 40, 2)")), "shorter than its header"),
    "cut.npz": (zipped(xy=GOOD)[:-30], "cannot be read"),
    "wrong.npz": (b"PK\x03\x04" + bytes(500), "cannot be read"),
    "text.npy": (b"time,id,x,y\n1,2,3,4\n", "text goes by the ending .csv"),
    "words.npy": (npy(np.array([["a", "b"], ["c", "d"]])), "found `array` (2, 2) of <U1"),
    "flat.npy": (npy(motion(100)), "2 to 4 axes"),
    "five.npy": (npy(motion(2, 3, 4, 5, 6)), "2 to 4 axes"),
    "none.npy": (npy(np.zeros((0, 3, 2))), "2 to 4 axes"),
    "complex.npy": (npy(np.zeros((10, 3, 2), complex)), "2 to 4 axes"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_files_are_refused_in_a_sentence(name: str, tmp_path: Path) -> None:
    content, why = BROKEN[name]
    (tmp_path / name).write_bytes(content)
    tracemalloc.start()
    try:
        with pytest.raises(DataError) as refusal:
            read([tmp_path / name])
        assert tracemalloc.get_traced_memory()[1] < BOUND
    finally:
        tracemalloc.stop()
    assert why in str(refusal.value) and name in str(refusal.value) and "Expected" in str(refusal.value)


@pytest.mark.parametrize("form", ["npy", "npz", "pt"])
def test_nothing_of_a_file_is_run(form: str, tmp_path: Path) -> None:
    spy = np.array([Spy(tmp_path / "ran")], dtype=object)
    if form == "pt":
        torch.save({"xy": torch.zeros(5, 3, 2), "spy": Spy(tmp_path / "ran")}, tmp_path / "a.pt")
    else:
        (tmp_path / f"a.{form}").write_bytes(npy(spy, allow_pickle=True) if form == "npy" else zipped(xy=npy(spy, allow_pickle=True)))
    with pytest.raises(DataError, match=r"never loaded|of object"):
        read([tmp_path / f"a.{form}"])
    assert not (tmp_path / "ran").exists()


def test_a_bomb_is_refused_before_it_unpacks(tmp_path: Path) -> None:
    content = bytearray(zipped(xy=npy(np.zeros((100_000, 3, 2)))))
    directory = content.index(b"PK\x01\x02")
    content[directory + 24 : directory + 28] = struct.pack("<I", 3_000_000_000)  # its size once unpacked
    (tmp_path / "a.npz").write_bytes(content)
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=r"a\.npz unpacks to 3\.0 GB"):
            read([tmp_path / "a.npz"])
        assert tracemalloc.get_traced_memory()[1] < BOUND
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("keep", [0.3, 0.9, 0.999])
@pytest.mark.parametrize("zipped_form", [True, False])
def test_cut_tensors_are_refused(keep: float, zipped_form: bool, tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    torch.save(torch.zeros(50, 20, 3, 2), path, _use_new_zipfile_serialization=zipped_form)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])
    with pytest.raises(DataError, match=r"a\.pt cannot be read"):
        read([path])


def test_a_tensor_that_repeats_one_number_forever_is_refused(tmp_path: Path) -> None:
    torch.save(torch.zeros(1).expand(10_000, 1_000, 100, 2), tmp_path / "a.pt")
    with pytest.raises(DataError, match="400,000,000 numbers"):
        read([tmp_path / "a.pt"])


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"values": "nothing"}, "there is no `nothing`"),
        ({"values": None}, "none is chosen"),
        ({"axes": "time node"}, "each of the 3 axes"),
        ({"axes": "time time dim"}, "each of the 3 axes"),
        ({"axes": "sim dim time"}, "time and node among them"),
        ({"features": ["x"]}, "2 different names"),
        ({"velocities": "names"}, "an array of shape"),
        ({"others": ["edges"]}, "further node"),
        ({"times": "edges"}, "20 times"),
        ({"trials": "edges"}, "one list of numbers"),
        ({"names": "edges"}, "3 names"),
        ({"edges": "xy"}, "true edges of shape"),
        ({"rate": 0}, "rate"),
        ({"stacked": -1}, "stacked"),
    ],
)
def test_options_that_do_not_fit_are_said(options: dict, why: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", xy=motion(20, 3, 2), edges=np.ones((4, 4)), names=["a", "b", "c"])
    with pytest.raises(DataError, match=why):
        read([tmp_path / "a.npz"], options=options)


def test_a_split_needs_its_velocities(tmp_path: Path) -> None:
    for name in ("loc_train", "vel_train", "loc_test"):
        np.save(tmp_path / f"{name}.npy", motion(4, 9, 2, 3))
    with pytest.raises(DataError, match=r"vel_test\.npy beside loc_test\.npy"):
        read(sorted(tmp_path.glob("*.npy")))


def test_splits_come_together(tmp_path: Path) -> None:
    for split, count in (("test", 2), ("train", 4)):
        for kind in ("loc", "vel"):
            np.save(tmp_path / f"{kind}_{split}.npy", motion(count, 9, 2, 3))
    recording: Recording = read(sorted(tmp_path.glob("*.npy")))
    assert [trial.name for trial in recording.trials] == ["test 1", "test 2", "train 1", "train 2", "train 3", "train 4"]
