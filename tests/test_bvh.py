"""BVH: joint positions by forward kinematics."""

from pathlib import Path

import numpy as np
import pytest

from nri_core.errors import DataError
from nri_core.importers import read
from nri_core.importers.sample_motion import FRAMES, RATE
from nri_core.importers.samples import SAMPLES

MOTION = """HIERARCHY
ROOT hips
{
    OFFSET 7 7 7
    CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
    JOINT left arm
    {
        OFFSET 2 0 0
        CHANNELS 3 Zrotation Xrotation Yrotation
        End Site
        {
            OFFSET 0 1 0
        }
    }
    JOINT leg {
        OFFSET 0 -3 0
    }
}
MOTION
Frames: 2
Frame Time: 0.05
1 2 3 0 0 0 0 0 0
1 2 3 90 90 0 0 90 0
"""


def file(folder: Path, text: str = MOTION, name: str = "a.bvh") -> Path:
    (path := folder / name).write_text(text)
    return path


def test_by_hand(tmp_path: Path) -> None:
    """The channels of the root stand for its offset. First about z, then about the x that was turned with it: the arm points up, its end along y or x."""
    recording = read([file(tmp_path)], options={"ends": True})
    assert recording.node_names == ("hips", "left arm", "left arm end", "leg") and recording.bones == ((0, 1), (1, 2), (0, 3))
    first, second = recording.trials[0].values
    np.testing.assert_allclose(first, [[1, 2, 3], [3, 2, 3], [3, 3, 3], [1, -1, 3]], atol=1e-12)
    # z by 90°: x→y, y→-x. Then the own x (now y) by 90°: the own y (now -x) goes to z. The arm's own x turns once more: its y becomes its z, which is x.
    np.testing.assert_allclose(second, [[1, 2, 3], [1, 4, 3], [2, 4, 3], [1, 2, 0]], atol=1e-12)
    assert recording.trials[0].times.tolist() == [0, 0.05] and recording.metadata["up"] == "y"


def test_ends_are_left_out_unless_wanted(tmp_path: Path) -> None:
    recording = read([file(tmp_path, name="b.bvh"), file(tmp_path)], options={"rate": 10.0, "up": "z"})
    assert recording.node_names == ("hips", "left arm", "leg") and recording.bones == ((0, 1), (0, 2))
    assert [trial.name for trial in recording.trials] == ["a", "b"] and recording.trials[0].times.tolist() == [0, 0.1] and recording.metadata["up"] == "z"


def test_bones_are_stiff_and_the_hand_keeps_its_direction(tmp_path: Path) -> None:
    """In the sample the two angles cancel: the last bone never turns."""
    recording = read([file(tmp_path, SAMPLES["bvh"].text())], options={"ends": True})
    (trial,) = recording.trials
    assert trial.num_frames == FRAMES and recording.frame_time == 1 / RATE
    for (first, second), length in zip(recording.bones, (10, 8, 2), strict=True):
        np.testing.assert_allclose(np.linalg.norm(trial.values[:, second] - trial.values[:, first], axis=-1), length, atol=1e-9)
    direction = trial.values[:, 2] - trial.values[:, 1]
    angles = np.degrees(np.arctan2(direction[:, 1], direction[:, 0]))
    np.testing.assert_allclose(angles, 20 * np.sin(2 * np.pi * np.arange(FRAMES) / FRAMES), atol=1e-3)


MISTAKES = {
    "a word": (MOTION.replace("1 2 3 0 0 0 0", "1 2 three 0 0 0 0"), "finite numbers in line 22 of a.bvh"),
    "infinite": (MOTION.replace("1 2 3 0 0 0 0", "1 2 inf 0 0 0 0"), "finite numbers in line 22"),
    "a row too short": (MOTION.replace("1 2 3 0 0 0 0", "1 2 3 0 0 0"), "9 numbers in line 22"),
    "cut off": (MOTION[: MOTION.rindex("1 2 3")], "2 frames in a.bvh, as it says; found 1"),
    "no motion": (MOTION[: MOTION.index("MOTION")], "a line MOTION"),
    "no rate": (MOTION.replace("0.05", "0"), "`Frame Time:`"),
    "an unknown channel": (MOTION.replace("3 Zrotation", "3 Wrotation"), "line 9"),
    "a brace too many": (MOTION.replace("MOTION", "}\nMOTION"), "line 19"),
    "a brace too few": (MOTION.replace("}\nMOTION", "MOTION"), "one skeleton"),
    "twice the same joint": (MOTION.replace("leg", "hips"), "different names"),
    "nothing": ("HIERARCHY\nMOTION\nFrames: 1\nFrame Time: 1\n", "one skeleton"),
}


@pytest.mark.parametrize("what", MISTAKES)
def test_mistakes_are_named(what: str, tmp_path: Path) -> None:
    text, words = MISTAKES[what]
    with pytest.raises(DataError) as caught:
        read([file(tmp_path, text)])
    assert words in str(caught.value)


def test_skeletons_are_not_mixed(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="Expected the joints of a.bvh in b.bvh"):
        read([file(tmp_path), file(tmp_path, MOTION.replace("leg", "tail"), "b.bvh")])
