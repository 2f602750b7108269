"""A small file of each text format, made by ourselves: what shape to bring."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from nri_core.importers import sample_exports as exports
from nri_core.importers.sample_motion import FRAMES, NAMES, RATE, SPRINGS, TRIALS, motion


class Sample(NamedTuple):
    """A file to download: its name, a line about it, its text, and what it is a kind of."""

    file: str
    about: str
    text: Callable[[], str]
    kind: str = "Tables"


def _long(columns: str, *, first: Callable[[int, int, str], list[str]], dims: slice, separator: str = ",", header: bool = True) -> str:
    """A row for each trial, frame and node: what `first` gives, then the features."""
    lines = [separator.join(columns.split(","))] if header else []
    for trial, name in enumerate(TRIALS):
        for frame, row in enumerate(motion(trial)):
            lines += [separator.join([*first(frame, node, name), *(f"{value:.4f}" for value in values[dims])]) for node, values in enumerate(row)]
    return "\n".join(lines) + "\n"


def _tidy() -> str:
    return _long("trial,time,name,x,y,vx,vy", first=lambda frame, node, trial: [trial, f"{frame / RATE:.1f}", NAMES[node]], dims=slice(0, 4))


def _european() -> str:
    """Semicolons and decimal commas."""
    return _tidy().replace(",", ";").replace(".", ",")


def _tracks() -> str:
    """As trackpy writes them."""
    return _long("frame,particle,x,y", first=lambda frame, node, trial: [str(frame + int(trial) * 1000 - 1000), str(node)], dims=slice(0, 2))


def _wide() -> str:
    names = [f"{axis}_{name}" for name in NAMES for axis in ("x", "y")]
    lines = [",".join(["time", *names])]
    lines += [",".join([f"{frame / RATE:.1f}", *(f"{value:.4f}" for value in row[:, :2].ravel())]) for frame, row in enumerate(motion(0))]
    return "\n".join(lines) + "\n"


def _one_number() -> str:
    """Time series without places, such as signals of brain regions."""
    lines = ["time\t" + "\t".join(NAMES)]
    lines += ["\t".join([f"{frame / RATE:.1f}", *(f"{value:.4f}" for value in row[:, 0])]) for frame, row in enumerate(motion(0))]
    return "\n".join(lines) + "\n"


def _pedestrians() -> str:
    """Frame, person, x, y without a header, a person coming later than the others."""
    rows = [(10 * frame, node + 1, *values[:2]) for frame, row in enumerate(motion(0)) for node, values in enumerate(row) if node != 3 or frame >= 20]
    return "".join(f"{frame}\t{node}\t{x:.4f}\t{y:.4f}\n" for frame, node, x, y in rows)


def _skeleton() -> str:
    return """# a skeleton of two arms, for 'swing.amc'
:version 1.10
:name sample
:units
  length 1.0
  angle deg
:root
  order TX TY TZ RX RY RZ
  axis XYZ
  position 0 0 0
  orientation 0 0 0
:bonedata
  begin
    id 1
    name upper
    direction 1 0 0
    length 10
    axis 0 0 0 XYZ
    dof rz
  end
  begin
    id 2
    name lower
    direction 1 0 0
    length 8
    axis 0 0 0 XYZ
    dof ry rz
  end
:hierarchy
  begin
    root upper
    upper lower
  end
"""


def _swing() -> str:
    lines = [":FULLY-SPECIFIED", ":DEGREES"]
    for frame in range(FRAMES):
        angle = 40 * np.sin(2 * np.pi * frame / FRAMES)
        lines += [str(frame + 1), "root 0 20 0 0 0 0", f"upper {angle:.4f}", f"lower {angle / 2:.4f} {-angle:.4f}"]
    return "\n".join(lines) + "\n"


def _swing_in_one() -> str:
    """The same arm, the skeleton in the file."""
    head = """HIERARCHY
ROOT root
{
  OFFSET 0 0 0
  CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
  JOINT elbow
  {
    OFFSET 10 0 0
    CHANNELS 3 Zrotation Xrotation Yrotation
    JOINT hand
    {
      OFFSET 8 0 0
      CHANNELS 3 Zrotation Xrotation Yrotation
      End Site
      {
        OFFSET 2 0 0
      }
    }
  }
}
MOTION
"""
    angles = 40 * np.sin(2 * np.pi * np.arange(FRAMES) / FRAMES)
    rows = "".join(f"0 20 0 {angle:.4f} 0 0 {-angle / 2:.4f} 0 {angle:.4f} 0 0 0\n" for angle in angles)
    return f"{head}Frames: {FRAMES}\nFrame Time: {1 / RATE}\n{rows}"


def _edges() -> str:
    pairs = [(NAMES[first], NAMES[second]) for one in SPRINGS for first, second in (one, one[::-1])]
    return "source,target\n" + "".join(f"{source},{target}\n" for source, target in pairs)


CAPTURE, PROGRAMS, GRAPHS = "Motion capture", "As programs write them", "Known graphs of the first two tables"
SAMPLES: dict[str, Sample] = {
    "tidy": Sample("tidy.csv", "A row for each name and time: best", _tidy),
    "european": Sample("semicolons.csv", "The same with semicolons and decimal commas", _european),
    "wide": Sample("wide.csv", "A row for each time, columns x and y for each name", _wide),
    "signals": Sample("signals.tsv", "One number for each name, such as brain signals", _one_number),
    "pedestrians": Sample("pedestrians.txt", "Frame, person, x, y without a header; people come and go", _pedestrians),
    "tracks": Sample("tracks.csv", "trackpy: frame, particle, x, y", _tracks, PROGRAMS),
    "deeplabcut": Sample("deeplabcut.csv", "DeepLabCut: three body parts of two mice, with likelihoods", exports.deeplabcut, PROGRAMS),
    "sleap": Sample("sleap.csv", "SLEAP: the same poses as its analysis in CSV", exports.sleap, PROGRAMS),
    "spots": Sample("trackmate.csv", "TrackMate: spots with four rows of names", exports.spots, PROGRAMS),
    "trackmate": Sample("trackmate.xml", "TrackMate: its project in XML", exports.trackmate, PROGRAMS),
    "sportvu": Sample("basketball.json", "SportVU: moments of a game, players and ball", exports.sportvu, PROGRAMS),
    "home": Sample("match_home.csv", "Football as Metrica writes it: the home team", exports.home, PROGRAMS),
    "away": Sample("match_away.csv", "The other team of that match: choose both files", exports.away, PROGRAMS),
    "skeleton": Sample("arm.asf", "A skeleton for motion capture", _skeleton, CAPTURE),
    "swing": Sample("swing.amc", "A motion of that skeleton: choose both files", _swing, CAPTURE),
    "bvh": Sample("arm.bvh", "Motion capture with the skeleton in the same file", _swing_in_one, CAPTURE),
    "graph": Sample("graph.csv", "An edge list: source, target", _edges, GRAPHS),
    "matrix": Sample("matrix.csv", "An adjacency matrix: senders in rows", exports.matrix, GRAPHS),
    "graphml": Sample("graph.graphml", "GraphML, as graph programs write it", exports.graphml, GRAPHS),
}
COMPANIONS = {"swing": "skeleton", "away": "home", "graph": "tidy", "matrix": "tidy", "graphml": "tidy"}  # files that only make sense together
ALONE_NOTHING = ("skeleton", "home", *(name for name, sample in SAMPLES.items() if sample.kind == GRAPHS))  # no motion by themselves
