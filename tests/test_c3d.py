"""C3D: markers as ezc3d writes them."""

from pathlib import Path

import numpy as np
import pytest

from nri_core.errors import DataError
from nri_core.importers import inspect, read
from nri_core.importers.c3d import numbers

ezc3d = pytest.importorskip("ezc3d")
PLACES = np.random.default_rng(0).normal(0, 1000, (20, 3, 3))  # [time, marker, xyz] in mm


def file(folder: Path, name: str = "a.c3d", labels: tuple[str, ...] = ("head", "hand", ""), unit: str = "mm", places: np.ndarray = PLACES) -> Path:
    made = ezc3d.c3d()
    made["parameters"]["POINT"]["RATE"]["value"] = [100]
    made["parameters"]["POINT"]["LABELS"]["value"] = list(labels)
    made["parameters"]["POINT"]["UNITS"]["value"] = [unit]
    points = np.ones((4, *places.shape[1::-1]))
    points[:3] = places.transpose(2, 1, 0)
    made["data"]["points"] = points
    made.write(str(folder / name))
    return folder / name


def test_places_in_metres_and_hidden_ones(tmp_path: Path) -> None:
    places = PLACES.copy()
    places[4:7, 1] = np.nan
    recording = read([file(tmp_path, places=places)])
    assert recording.node_names == ("head", "hand") and "1 markers are left out" in recording.remarks[0].text
    np.testing.assert_allclose(recording.trials[0].values, places[:, :2] / 1000, rtol=1e-6)
    np.testing.assert_allclose(recording.trials[0].times, np.arange(20) / 100)
    assert dict(recording.metadata)["up"] == "z" and recording.metadata["units"] == "m"
    assert "5.0%" in " ".join(inspect([tmp_path / "a.c3d"]).understood)


def test_as_it_stands_with_the_unnamed(tmp_path: Path) -> None:
    recording = read([file(tmp_path)], options={"metres": False, "unlabelled": True, "up": "y"})
    assert recording.node_names == ("head", "hand", "*2") and (recording.metadata["units"], recording.metadata["up"]) == ("mm", "y")
    np.testing.assert_allclose(recording.trials[0].values, PLACES, rtol=1e-6)


def test_several_files_share_their_markers(tmp_path: Path) -> None:
    recording = read([file(tmp_path), file(tmp_path, "b.c3d", ("hand", "foot", "head"))])
    assert recording.node_names == ("head", "hand") and [trial.name for trial in recording.trials] == ["a", "b"]
    np.testing.assert_allclose(recording.trials[1].values, PLACES[:, [2, 0]] / 1000, rtol=1e-6)
    with pytest.raises(DataError, match="share"):
        read([tmp_path / "a.c3d", file(tmp_path, "c.c3d", ("x", "y", "z"))])


@pytest.mark.parametrize(("processor", "raw"), [(84, "0000c03f"), (86, "3fc00000"), (85, "c0400000")])  # 85: VAX, whose exponent counts from elsewhere
def test_fractions_of_all_processors(processor: int, raw: str) -> None:
    assert numbers(bytes.fromhex(raw), "f4", processor).tolist() == [1.5]


@pytest.mark.parametrize("share", [0.02, 0.2, 0.5, 0.97])
def test_a_file_cut_off_is_refused(share: float, tmp_path: Path) -> None:
    path = file(tmp_path)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(DataError, match="a.c3d"):
        read([path])


def test_noise_in_a_file_is_read_or_refused(tmp_path: Path) -> None:
    good, chance = file(tmp_path).read_bytes(), np.random.default_rng(1)
    for _ in range(60):
        noisy = bytearray(good)
        for place in chance.integers(0, 1600, 4):
            noisy[place] = chance.integers(0, 256)
        (path := tmp_path / "noisy.c3d").write_bytes(noisy)
        try:
            assert read([path]).num_nodes <= 255
        except DataError as error:
            assert str(error).startswith("Expected")


def test_text_is_no_c3d(tmp_path: Path) -> None:
    (path := tmp_path / "a.c3d").write_text("time,x,y\n" * 200)
    with pytest.raises(DataError, match="second byte"):
        read([path])
