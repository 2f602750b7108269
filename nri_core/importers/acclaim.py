"""Motion capture as Acclaim ASF/AMC (the CMU database): joint positions by forward kinematics."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from pydantic import Field

from nri_core.errors import DataError
from nri_core.importers.contract import Inspection, Options, Progress
from nri_core.importers.kinematics import AXES, about
from nri_core.importers.once import once
from nri_core.recording import Recording, Trial

INCH = 0.0254  # metres
LONGEST = 1e9  # of a bone, in any unit
MAX_BYTES = 256 * 1024**2
ROOT = "root"


class AcclaimOptions(Options):
    """What the files do not say."""

    rate: float = Field(120.0, gt=0, le=10_000, description="Frames in a second: 120 in the CMU database")
    metres: bool = Field(True, description="Turn lengths into metres, as the CMU database explains its units")


class Bone(NamedTuple):
    """A bone in its rest pose; `turn` is the frame in which its angles are given."""

    parent: str
    offset: Float[np.ndarray, "3"]
    turn: Float[np.ndarray, "3 3"]
    freedoms: tuple[str, ...]


class Skeleton(NamedTuple):
    """Bones from the root outwards, and the units of the file."""

    bones: dict[str, Bone]
    length_unit: float
    degrees: bool
    order: tuple[str, ...]


@dataclass(frozen=True)
class Acclaim:
    """One skeleton (.asf) and its motions (.amc): each motion a trial, each joint a node."""

    title: str = "Motion capture: ASF skeleton and AMC motions"
    suffixes: tuple[str, ...] = (".asf", ".amc")
    options: type[Options] = AcclaimOptions
    packages: tuple[str, ...] = ()

    def recognises(self, paths: tuple[Path, ...]) -> bool:
        """By the endings."""
        return all(path.suffix.lower() in self.suffixes for path in paths)

    def inspect(self, paths: tuple[Path, ...]) -> Inspection:
        """The skeleton, and how many motions there are."""
        skeleton, motions = _skeleton(_asf(paths)), _motions(paths)
        understood = (
            f"A skeleton of {len(skeleton.bones) + 1} joints in {_asf(paths).name}; {len(motions)} motion{'s' * (len(motions) > 1)}, each a recording.",
            "Joint positions x, y, z follow from the angles; y points up. The files do not say how many frames a second have.",
        )
        return Inspection(format="acclaim", options=AcclaimOptions().model_dump(), understood=understood, signature="acclaim: " + " ".join(skeleton.bones))

    def read(self, paths: tuple[Path, ...], options: AcclaimOptions, progress: Progress) -> Recording:
        """Forward kinematics of all motions."""
        skeleton, motions = _skeleton(_asf(paths)), _motions(paths)
        scale = INCH / skeleton.length_unit if options.metres else 1.0
        trials = []
        for number, path in enumerate(motions):
            places = positions(skeleton, _angles(path, skeleton)) * scale
            trials.append(Trial(np.arange(len(places)) / options.rate, places, path.stem))
            progress((number + 1) / len(motions))
        names = (ROOT, *skeleton.bones)
        bones = tuple((names.index(bone.parent), names.index(name)) for name, bone in skeleton.bones.items())
        metadata = {"up": "y"} | ({"units": "m"} if options.metres else {})
        return Recording(tuple(trials), ("x", "y", "z"), names, bones=bones, metadata=metadata)


def positions(skeleton: Skeleton, angles: dict[str, Float[np.ndarray, "time freedom"]]) -> Float[np.ndarray, "time node 3"]:
    """Where the root and the end of each bone are: p = p_parent + R d, with R = R_parent C M C⁻¹ (C the bone's own frame, M its motion)."""
    root = angles[ROOT]
    moved = {name.lower(): root[:, place] for place, name in enumerate(skeleton.order)}
    place = {ROOT: np.stack([moved.get(f"t{axis}", np.zeros(len(root))) for axis in "xyz"], -1)}
    turned = {ROOT: _rotation({f"r{axis}": moved.get(f"r{axis}", np.zeros(len(root))) for axis in "xyz"}, degrees=skeleton.degrees, frames=len(root))}
    for name, bone in skeleton.bones.items():
        own = angles.get(name)
        motion = _rotation({freedom: own[:, k] for k, freedom in enumerate(bone.freedoms)} if own is not None else {}, degrees=skeleton.degrees, frames=len(root))
        turned[name] = turned[bone.parent] @ bone.turn @ motion @ bone.turn.T
        place[name] = place[bone.parent] + turned[name] @ bone.offset
    return np.stack(list(place.values()), axis=1)


def _rotation(angles: dict[str, Float[np.ndarray, " time"]], *, degrees: bool, frames: int) -> Float[np.ndarray, "time 3 3"]:
    """About x first, then y, then z, whichever are given."""
    turned = np.broadcast_to(np.eye(3), (frames, 3, 3))
    for axis in AXES:
        if (angle := angles.get(f"r{axis}")) is None:
            continue
        turned = about(axis, np.radians(angle) if degrees else angle) @ turned
    return turned


def _asf(paths: tuple[Path, ...]) -> Path:
    found = [path for path in paths if path.suffix.lower() == ".asf"]
    if len(found) != 1:
        raise DataError(f"Expected one skeleton (.asf) and its motions (.amc); found {len(found)} skeletons. Choose the .asf together with its .amc files.")
    return found[0]


def _motions(paths: tuple[Path, ...]) -> list[Path]:
    found = sorted((path for path in paths if path.suffix.lower() == ".amc"), key=lambda path: path.name)
    if not found:
        raise DataError("Expected motions (.amc) beside the skeleton; found none. Choose the .asf together with its .amc files.")
    return found


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Words of each line with its number, without comments and empty lines."""
    if path.stat().st_size > MAX_BYTES:
        raise DataError(f"Expected at most {MAX_BYTES >> 20} MB; {path.name} is larger. Split it.")
    with open(path, encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, 1):
            words = line.split()
            if words and not words[0].startswith("#"):
                yield number, words


@once
def _skeleton(path: Path) -> Skeleton:
    """Raises DataError naming the line."""
    section, bone, number = "", {}, 1
    found: dict[str, dict[str, list[str]]] = {}
    parents: dict[str, str] = {}
    units = {"length": "1", "angle": "deg"}
    order = ("TX", "TY", "TZ", "RX", "RY", "RZ")
    try:
        for number, words in _lines(path):
            key = words[0].lower()
            if key.startswith(":"):
                section = key[1:]
            elif section == "units" and len(words) > 1:
                units[key] = words[1]
            elif section == "root" and key == "order":
                order = tuple(words[1:])
            elif section == "bonedata":
                bone = {} if key == "begin" else bone | {key: words[1:]}
                if key == "end":
                    found[bone["name"][0]] = bone
            elif section == "hierarchy" and key not in ("begin", "end"):
                parents |= dict.fromkeys(words[1:], words[0])
        length = float(units["length"])
        if not 0 < length < np.inf:
            raise ValueError(f"a length unit of {length:g}")
        return Skeleton(_bones(path, found, parents), length, units["angle"].lower().startswith("deg"), order)
    except (KeyError, ValueError, IndexError) as error:
        raise DataError(f"Expected an ASF skeleton in {path.name}; line {number} cannot be understood ({error}). Get the file again.") from error


def _bones(path: Path, found: dict[str, dict[str, list[str]]], parents: dict[str, str]) -> dict[str, Bone]:
    """From the root outwards."""
    bones: dict[str, Bone] = {}
    while len(bones) < len(found):
        ready = [name for name in found if name not in bones and (parents.get(name) == ROOT or parents.get(name) in bones)]
        if not ready:
            raise DataError(f"Expected bones that hang together in {path.name}; {next(name for name in found if name not in bones)} has no way to the root.")
        for name in ready:
            about = found[name]
            turn = _three(about["axis"])
            frame = _rotation({f"r{axis}": turn[[place]] for place, axis in enumerate("xyz")}, degrees=True, frames=1)[0]
            offset = _three(about["direction"]) * _length(about["length"])
            bones[name] = Bone(parents[name], offset, frame, tuple(word.lower() for word in about.get("dof", ())))
    if not bones:
        raise DataError(f"Expected bones in {path.name}; found none. Is it an ASF skeleton?")
    return bones


def _three(words: Sequence[str]) -> Float[np.ndarray, "3"]:
    """Raises ValueError for anything but three finite numbers."""
    numbers = np.array(words[:3], float)
    if numbers.shape != (3,) or not np.isfinite(numbers).all():
        raise ValueError(f"three numbers expected, not {' '.join(words[:3])}")
    return numbers


def _length(words: Sequence[str]) -> float:
    """Raises ValueError for what no bone can be."""
    if not abs(length := float(words[0])) < LONGEST:
        raise ValueError(f"a length expected, not {words[0]}")
    return length


def _angles(path: Path, skeleton: Skeleton) -> dict[str, Float[np.ndarray, "time freedom"]]:
    """Root and bones, a row a frame. Raises DataError naming the line."""
    widths = {ROOT: len(skeleton.order)} | {name: len(bone.freedoms) for name, bone in skeleton.bones.items() if bone.freedoms}
    rows: dict[str, list[list[float]]] = {name: [] for name in widths}
    frames = 0
    for number, words in _lines(path):
        if words[0].startswith(":"):
            continue
        if len(words) == 1 and words[0].isdecimal():
            frames += 1
            continue
        if words[0] not in widths or len(words) - 1 != widths[words[0]] or len(rows[words[0]]) != frames - 1:
            known = words[0] in widths
            expected = f"{widths[words[0]]} angles of {words[0]}, once in each frame" if known else "a bone of the skeleton"
            raise DataError(f"Expected {expected} in line {number} of {path.name}; found {' '.join(words)[:60]!r}. Is it a motion of this skeleton?")
        try:
            rows[words[0]].append([float(word) for word in words[1:]])
        except ValueError as error:
            raise DataError(f"Expected numbers in line {number} of {path.name}; found {' '.join(words)[:60]!r}. Get the file again.") from error
    short = next((name for name, values in rows.items() if len(values) != frames or not frames), None)
    if short is not None:
        raise DataError(f"Expected {frames} frames of {short} in {path.name}; found {len(rows[short])}: the file is cut off. Get it again.")
    values = {name: np.array(value) for name, value in rows.items()}
    if not all(np.isfinite(value).all() for value in values.values()):
        raise DataError(f"Expected finite angles in {path.name}; found infinity or NaN. Get the file again.")
    return values
