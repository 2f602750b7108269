"""ASF/AMC: joint positions by forward kinematics, on the CMU walks."""

from pathlib import Path

import numpy as np
import pytest

from nri_core.errors import DataError
from nri_core.importers import read
from nri_core.recording import Recording

SKELETON = """:units
 length 1
 angle deg
:root
 order TX TY TZ RX RY RZ
:bonedata
 begin
  name arm
  direction 1 0 0
  length 2
  axis 0 0 0 XYZ
  dof rz
 end
 begin
  name hand
  direction 0 1 0
  length 1
  axis 0 0 90 XYZ
  dof rx
 end
:hierarchy
 begin
  root arm
  arm hand
 end
"""
MOTION = "1\nroot 1 2 3 0 0 0\narm 0\nhand 0\n2\nroot 1 2 3 0 0 0\narm 90\nhand 90\n"


@pytest.fixture(scope="module")
def walks(shared_data: Path) -> Recording:
    folder = shared_data / "cmu35_amc_120fps"
    return read([folder / "35.asf", *folder.glob("*.amc")])


def files(folder: Path, skeleton: str = SKELETON, motion: str = MOTION) -> list[Path]:
    (asf := folder / "a.asf").write_text(skeleton)
    (amc := folder / "a_01.amc").write_text(motion)
    return [asf, amc]


def test_by_hand(tmp_path: Path) -> None:
    """The arm turns about z onto y; the hand, whose own x axis is the y of the arm, turns about it out of the plane."""
    recording = read(files(tmp_path), options={"metres": False, "rate": 10.0})
    first, second = recording.trials[0].values
    np.testing.assert_allclose(first, [[1, 2, 3], [3, 2, 3], [3, 3, 3]], atol=1e-12)
    np.testing.assert_allclose(second, [[1, 2, 3], [1, 4, 3], [0, 4, 3]], atol=1e-12)
    assert recording.bones == ((0, 1), (1, 2)) and recording.trials[0].times.tolist() == [0, 0.1]


@pytest.mark.slow  # sixteen walks
def test_a_walk(walks: Recording) -> None:
    assert (len(walks.trials), walks.num_nodes, walks.feature_names) == (16, 31, ("x", "y", "z"))
    for trial in walks.trials:
        lengths = np.stack([np.linalg.norm(trial.values[:, first] - trial.values[:, second], axis=-1) for first, second in walks.bones])
        np.testing.assert_allclose(lengths, np.broadcast_to(lengths[:, :1], lengths.shape), atol=1e-12)  # bones are stiff
        heights = trial.values[..., 1]
        assert 1.5 < heights[:, walks.node_names.index("head")].mean() < 1.8  # a grown person, in metres
        assert np.median(heights.min(1)) < 0.1  # who stands on the ground
        speed = np.linalg.norm(trial.values[-1, 0] - trial.values[0, 0]) / trial.times[-1]
        assert 0.8 < speed < 2.0  # and walks


@pytest.mark.slow
def test_the_official_file_is_the_same(walks: Recording, shared_data: Path) -> None:
    folder = shared_data / "cmu35_official"
    (trial,) = read([folder / "35.asf", folder / "35_01.amc"]).trials
    np.testing.assert_array_equal(trial.values, walks.trials[0].values)
    assert trial.values.shape == (358, 31, 3)


MISTAKES = {
    "no skeleton": (None, MOTION, "Expected one skeleton"),
    "no motion": (SKELETON, None, "Expected motions"),
    "a word": (SKELETON, MOTION.replace("arm 90", "arm ninety"), "numbers in line 7 of a_01.amc"),
    "a bone that is none": (SKELETON, MOTION.replace("arm 90", "leg 90"), "a bone of the skeleton in line 7"),
    "too few angles": (SKELETON, MOTION.replace("root 1 2 3 0 0 0", "root 1 2 3", 1), "6 angles of root, once in each frame in line 2"),
    "cut off": (SKELETON, MOTION[: MOTION.rindex("hand")], "2 frames of hand in a_01.amc; found 1"),
    "infinite": (SKELETON, MOTION.replace("arm 90", "arm inf"), "finite angles"),
    "no bones": (":units\n length 1\n", MOTION, "Expected bones in a.asf"),
    "a bone adrift": (SKELETON.replace("  arm hand\n", ""), MOTION, "hand has no way to the root"),
    "no length": (SKELETON.replace("  length 2\n", ""), MOTION, "Expected an ASF skeleton in a.asf"),
}


@pytest.mark.parametrize("what", MISTAKES)
def test_mistakes_are_named(what: str, tmp_path: Path) -> None:
    skeleton, motion, words = MISTAKES[what]
    paths = [path for path, text in zip(files(tmp_path, skeleton or "", motion or ""), (skeleton, motion), strict=True) if text is not None]
    with pytest.raises(DataError) as caught:
        read(paths)
    assert words in str(caught.value)
