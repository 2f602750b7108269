"""Motion capture as BVH: joint positions by forward kinematics."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float
from pydantic import Field

from nri_core.errors import DataError
from nri_core.importers.contract import Inspection, Options, Progress
from nri_core.importers.kinematics import about
from nri_core.importers.once import once
from nri_core.recording import MOST_NODES, Recording, Trial

MAX_BYTES = 256 * 1024**2
CHANNELS = {f"{axis}{kind}" for axis in "XYZ" for kind in ("position", "rotation")}
AGAIN = "Export the motion again."


class BvhOptions(Options):
    """What the files do not say."""

    ends: bool = Field(False, description="Keep the ends of the last bones (finger tips, toes) as joints of their own")
    up: Literal["y", "z"] = Field("y", description="The axis that points up")
    rate: float | None = Field(None, gt=0, le=10_000, description="Frames in a second; none: what the file says")


class Joint(NamedTuple):
    """A joint at rest; `parent` is its place in the list, -1 for the root. `first` is the column of its first channel."""

    name: str
    parent: int
    offset: tuple[float, float, float]
    channels: tuple[str, ...]
    first: int
    end: bool


class Motion(NamedTuple):
    """A file: parents come before their children; values hold a row of all channels for each frame."""

    joints: tuple[Joint, ...]
    frame_time: float
    values: Float[np.ndarray, "time channel"]


@dataclass(frozen=True)
class Bvh:
    """Files of one skeleton: each a trial, each joint a node."""

    title: str = "Motion capture: BVH"
    suffixes: tuple[str, ...] = (".bvh",)
    options: type[Options] = BvhOptions
    packages: tuple[str, ...] = ()

    def recognises(self, paths: tuple[Path, ...]) -> bool:
        """By the ending, or the first word."""
        return all(path.suffix.lower() in self.suffixes or _says_so(path) for path in paths)

    def inspect(self, paths: tuple[Path, ...]) -> Inspection:
        """The first file in full."""
        motion = parsed(paths[0])
        names = [joint.name for joint in motion.joints if not joint.end]
        understood = (
            f"A skeleton of {len(names)} joints ({', '.join(f'`{name}`' for name in names[:6])}, …); {len(paths)} motion{'s' * (len(paths) > 1)}.",
            f"{len(motion.values):,} frames in {paths[0].name}, {1 / motion.frame_time:.4g} in a second.",
            "Joint positions x, y, z follow from the angles. BVH does not say in which unit lengths are, nor which axis points up: usually y.",
        )
        return Inspection(format="bvh", options=BvhOptions().model_dump(), understood=understood, signature=("bvh: " + " ".join(names))[:1000])

    def read(self, paths: tuple[Path, ...], options: BvhOptions, progress: Progress) -> Recording:
        """Forward kinematics of all files."""
        trials, first = [], None
        for number, path in enumerate(sorted(paths, key=lambda path: path.name)):
            motion = parsed(path)
            kept = [place for place, joint in enumerate(motion.joints) if options.ends or not joint.end]
            names = tuple(motion.joints[place].name for place in kept)
            first = first or (motion.joints, names, path.name)
            if names != first[1]:
                raise DataError(f"Expected the joints of {first[2]} in {path.name}; found others. Load motions of different skeletons one after another.")
            frame_time = 1 / options.rate if options.rate else motion.frame_time
            trials.append(Trial(np.arange(len(motion.values)) * frame_time, positions(motion)[:, kept], path.stem))
            progress((number + 1) / len(paths))
        joints, names, _ = first
        bones = tuple((names.index(joints[joint.parent].name), names.index(joint.name)) for joint in joints if joint.parent >= 0 and joint.name in names)
        return Recording(tuple(trials), ("x", "y", "z"), names, bones=bones, metadata={"up": options.up})


def positions(motion: Motion) -> Float[np.ndarray, "time node 3"]:
    """p = p_parent + R_parent t; R = R_parent A₁A₂A₃ in the order of the channels. A position channel stands in place of the offset."""
    frames = len(motion.values)
    places, turns = [], []
    for joint in motion.joints:
        moved, turned = np.tile(np.array(joint.offset), (frames, 1)), np.broadcast_to(np.eye(3), (frames, 3, 3))
        for number, channel in enumerate(joint.channels):
            values, axis = motion.values[:, joint.first + number], channel[0].lower()
            if channel.endswith("position"):
                moved[:, "xyz".index(axis)] = values
            else:
                turned = turned @ about(axis, np.radians(values))
        if joint.parent >= 0:
            moved = places[joint.parent] + (turns[joint.parent] @ moved[..., None])[..., 0]
            turned = turns[joint.parent] @ turned
        places.append(moved)
        turns.append(turned)
    return np.stack(places, axis=1)


@once
def parsed(path: Path) -> Motion:
    """Raises DataError naming the line."""
    if path.stat().st_size > MAX_BYTES:
        raise DataError(f"Expected at most {MAX_BYTES >> 20} MB; {path.name} is larger. Split it.")
    lines = path.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    start = next((number for number, line in enumerate(lines) if line.strip() == "MOTION"), None)
    if start is None:
        raise DataError(f"Expected a line MOTION in {path.name}; found none: it is no BVH file, or cut off. {AGAIN}")
    joints = _joints(path, lines[:start])
    width = sum(len(joint.channels) for joint in joints)
    frames, frame_time = _heads(path, lines, start)
    rows = [(number, line.split()) for number, line in enumerate(lines[start + 3 :], start + 4) if line.strip()]
    wrong = next(((number, row) for number, row in rows if len(row) != width), None)
    if wrong:
        raise DataError(f"Expected {width} numbers in line {wrong[0]} of {path.name}, one for each channel; found {len(wrong[1])}. {AGAIN}")
    if len(rows) != frames or not rows:
        raise DataError(f"Expected {max(frames, 1):,} frames in {path.name}, as it says; found {len(rows):,}: the file is cut off. {AGAIN}")
    return Motion(joints, frame_time, np.array([_numbers(path, number, row) for number, row in rows]))


def _heads(path: Path, lines: list[str], start: int) -> tuple[int, float]:
    """The two lines under MOTION."""
    said = [line.partition(":") for line in lines[start + 1 : start + 3]]
    try:
        (first, _, frames), (second, _, frame_time) = said
        if (first.strip().lower(), second.strip().lower()) != ("frames", "frame time") or not 1e-5 <= float(frame_time) <= 100:
            raise ValueError
        return int(frames), float(frame_time)
    except ValueError as error:
        found = " | ".join(lines[start + 1 : start + 3])[:80]
        where = f"lines {start + 2} and {start + 3} of {path.name}"
        raise DataError(f"Expected `Frames:` and `Frame Time:` (seconds) in {where}; found {found!r}. {AGAIN}") from error


def _joints(path: Path, lines: list[str]) -> tuple[Joint, ...]:
    """Raises DataError naming the line."""
    joints: list[Joint] = []
    above: list[int] = []  # the joints whose braces are open
    column, number = 0, 1
    try:
        for number, line in enumerate(lines, 1):
            words = line.replace("{", " { ").replace("}", " } ").split()
            while words:
                word = words.pop(0)
                if word in ("ROOT", "JOINT", "End"):
                    parent = above[-1] if above else -1
                    name, words = " ".join(words).partition("{")[0].strip(), ["{"] * ("{" in words)
                    joints.append(Joint(f"{joints[parent].name} end" if word == "End" else name, parent, (0.0, 0.0, 0.0), (), 0, word == "End"))
                elif word == "{":
                    above.append(len(joints) - 1)
                elif word == "}":
                    above.pop()
                elif word == "OFFSET":
                    joints[above[-1]] = joints[above[-1]]._replace(offset=tuple(_numbers(path, number, [words.pop(0) for _ in range(3)])))
                elif word == "CHANNELS":
                    channels = tuple(words.pop(0) for _ in range(int(words.pop(0))))
                    if not CHANNELS >= set(channels):
                        raise ValueError(f"unknown channel in {' '.join(channels)[:60]!r}")
                    joints[above[-1]] = joints[above[-1]]._replace(channels=channels, first=column)
                    column += len(channels)
                elif word != "HIERARCHY":
                    raise ValueError(f"unexpected {word[:40]!r}")
    except (ValueError, IndexError) as error:
        raise DataError(f"Expected a skeleton in {path.name}; line {number} cannot be understood ({error}). {AGAIN}") from error
    names = [joint.name for joint in joints]
    if not 1 <= len(joints) <= MOST_NODES or len(set(names)) < len(names) or above or sum(joint.parent < 0 for joint in joints) != 1:
        raise DataError(f"Expected one skeleton of 1 to {MOST_NODES} joints with different names in {path.name}; found {len(joints)} joints. {AGAIN}")
    return tuple(joints)


def _numbers(path: Path, number: int, words: list[str]) -> list[float]:
    try:
        found = [float(word) for word in words]
        if not np.isfinite(found).all():
            raise ValueError
    except ValueError as error:
        raise DataError(f"Expected finite numbers in line {number} of {path.name}; found {' '.join(words)[:60]!r}. {AGAIN}") from error
    return found


def _says_so(path: Path) -> bool:
    with open(path, "rb") as file:
        return file.read(64).removeprefix(b"\xef\xbb\xbf").split()[:1] == [b"HIERARCHY"]
