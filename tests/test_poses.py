"""DeepLabCut and SLEAP's CSV: the same two mice from each, doubtful places left out, nothing unpickled."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from nri_core.errors import DataError
from nri_core.importers import inspect, read, recognise
from nri_core.importers.pickled_names import names_in
from nri_core.importers.poses import middle
from nri_core.importers.sample_exports import ANIMALS, PARTS, SCORER, likelihoods, poses
from nri_core.importers.samples import SAMPLES
from tests.pose_files import write_deeplabcut

SEEN = np.where(likelihoods()[..., None] > 0.5, poses(), np.nan)
NAMES = [(SCORER, animal, part, name) for animal in ANIMALS for part in PARTS for name in ("x", "y", "likelihood")]
ROWS = np.concatenate([poses(), likelihoods()[..., None]], -1).reshape(len(SEEN), -1)


@pytest.fixture(params=["deeplabcut.csv", "deeplabcut.h5", "sleap.csv"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    name = request.param
    if name.endswith(".h5"):
        pytest.importorskip("h5py")
        write_deeplabcut(tmp_path / name, NAMES, ROWS)
    else:
        (tmp_path / name).write_text(SAMPLES[name.removesuffix(".csv")].text())
    return tmp_path / name


def test_animals_or_their_parts(path: Path) -> None:
    assert recognise([path]) == {"deeplabcut": "deeplabcut", "sleap": "sleap table"}[path.stem]
    assert "2 animal(s) of 3 body part(s) (`nose`, `back`, `tail`)" in inspect([path]).understood[0]
    animals = read([path])
    assert (animals.node_names, animals.metadata["units"]) == (ANIMALS, "px")
    np.testing.assert_allclose(animals.trials[0].values, middle(SEEN), atol=1e-3)
    tail = read([path], options={"part": "tail", "rate": 50.0})
    np.testing.assert_allclose(tail.trials[0].values, SEEN[:, :, 2], atol=1e-3)
    assert not tail.trials[0].seen[20:24, 0].any() and tail.frame_time == 0.02
    parts = read([path], options={"nodes": "body parts"})
    assert parts.node_names[1] == "mouse1 back"
    np.testing.assert_allclose(parts.trials[0].values.reshape(SEEN.shape), SEEN, atol=1e-3)


def test_how_sure_one_must_be(tmp_path: Path) -> None:
    (path := tmp_path / "poses.csv").write_text(SAMPLES["deeplabcut"].text())
    assert read([path], options={"part": "tail", "likelihood": 0.1}).trials[0].seen.all()
    assert "less likely than 0.6 count as not seen" in inspect([path]).understood[-1]


def test_one_animal_and_space(tmp_path: Path) -> None:
    columns = [("nose", "x"), ("nose", "y"), ("nose", "z"), ("tail", "x"), ("tail", "y"), ("tail", "z")]
    head = "".join(",".join([level, *names]) + "\n" for level, names in zip(("scorer", "bodyparts", "coords"), zip(*(("s", *one) for one in columns), strict=True), strict=True))
    (path := tmp_path / "mouse_3D.csv").write_text(head + "".join(f"{frame},{frame},1,2,3,{frame},5\n" for frame in range(9)))
    recording = read([path])
    assert (recording.node_names, recording.feature_names) == (("nose", "tail"), ("x", "y", "z"))
    np.testing.assert_array_equal(recording.trials[0].values[8], [[8, 1, 2], [3, 8, 5]])


@pytest.mark.parametrize("number", ["nan", "1e999", "9" * 30])
def test_frames_without_numbers_are_taken_in_order(number: str, tmp_path: Path) -> None:
    (path := tmp_path / "poses.csv").write_text(SAMPLES["deeplabcut"].text().replace("\n3,", f"\n{number},", 1))
    assert len(read([path]).trials[0].values) == 60


def test_a_part_that_only_one_has(tmp_path: Path) -> None:
    head = "scorer,s,s,s,s,s,s\nindividuals,a,a,b,b,single,single\nbodyparts,nose,nose,nose,nose,door,door\ncoords,x,y,x,y,x,y\n"
    (path := tmp_path / "mice.csv").write_text(head + "".join(f"{frame},1,2,3,4,5,{frame}\n" for frame in range(9)))
    recording = read([path], options={"nodes": "body parts"})
    assert recording.node_names == ("a nose", "b nose", "single door") and "left out: a door, b door, single nose" in recording.remarks[0].text
    assert read([path]).node_names == ("a", "b", "single")


TEXT = SAMPLES["deeplabcut"].text()
BROKEN = {
    "a word": (TEXT.replace("\n3,", "\n3,north,", 1), "row 8"),
    "a row too short": (TEXT + "60,1,2\n", "19 cells"),
    "no coordinates": ("\n".join(TEXT.splitlines()[:3]) + "\n", "none for coords"),
    "names of another length": (TEXT.replace("mouse2,", "", 1), "of one length"),
    "only likelihoods": (TEXT.replace("x,y,", "a,b,"), "columns x and y"),
    "a frame twice": (TEXT + TEXT.splitlines()[-1] + "\n", "each frame once"),
    "names only": ("\n".join(TEXT.splitlines()[:4]) + "\n", "none"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_mistakes_are_named(what: str, tmp_path: Path) -> None:
    text, why = BROKEN[what]
    (path := tmp_path / "poses.csv").write_text(text)
    with pytest.raises(DataError, match=why) as refusal:
        read([path])
    assert "poses.csv" in str(refusal.value)


class Spy:
    """Unpickled, this would make a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return (Path.touch, (self.path,))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_names_are_read_and_nothing_else(protocol: int, tmp_path: Path) -> None:
    assert names_in(pickle.dumps(NAMES, protocol), "a.h5") == NAMES
    for wrong in (Spy(tmp_path / "touched"), [Spy(tmp_path / "touched")], {"a": 1}, [("a", 1)], [], [[]], "text", 3, None):
        with pytest.raises(DataError, match=r"names of columns in a\.h5"):
            names_in(pickle.dumps(wrong, protocol), "a.h5")
    assert not (tmp_path / "touched").exists()


@pytest.mark.parametrize("pickled", [b"", b".", b"(.", b"g7\n.", b"a.", b"(lp0\n(Vx\ntp1\na", b"\x80\x05\x95\xff\xff\xff\xff\xff\xff\xff\x7f", b"(l" + b"(" * 500 + b"."])
def test_broken_pickles_are_refused(pickled: bytes) -> None:
    with pytest.raises(DataError):
        names_in(pickled, "a.h5")
