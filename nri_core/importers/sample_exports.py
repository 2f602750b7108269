"""Samples in the words of other programs: poses, spots, a game, a match, graphs; made by ourselves."""

import json
from collections.abc import Iterator

import numpy as np
from jaxtyping import Float

from nri_core.importers.sample_motion import NAMES, RATE, SPRINGS, motion

ANIMALS, PARTS = ("mouse1", "mouse2"), ("nose", "back", "tail")
SCORER = "DLC_sample"
SPOT_NAMES = (  # as TrackMate names the columns of its spots: keys, names, short names, units
    "LABEL,ID,TRACK_ID,QUALITY,POSITION_X,POSITION_Y,POSITION_Z,POSITION_T,FRAME,RADIUS,VISIBILITY",
    "Label,Spot ID,Track ID,Quality,X,Y,Z,T,Frame,Radius,Visibility",
    "Label,Spot ID,Track ID,Quality,X,Y,Z,T,Frame,R,Visibility",
    ",,,(quality),(micron),(micron),(micron),(sec),,(micron),",
)
COURT, PITCH = (94.0, 50.0), (105.0, 68.0)  # feet, metres


def poses() -> Float[np.ndarray, "time animal part 2"]:
    """Two mice, whose three parts follow two of the bodies, in pixels."""
    body = motion(0)[:, :2, :2] * 80 + 300
    heading = np.array([[12.0, 4.0], [0.0, 0.0], [-12.0, -4.0]])
    return body[:, :, None] + heading


def likelihoods() -> Float[np.ndarray, "time animal part"]:
    """Nearly always sure; the first tail is lost for a while."""
    found = np.full((*poses().shape[:3],), 0.98)
    found[20:24, 0, 2] = 0.2
    return found


def deeplabcut() -> str:
    """Four rows of names, then a row a frame."""
    columns = [(SCORER, animal, part, coordinate) for animal in ANIMALS for part in PARTS for coordinate in ("x", "y", "likelihood")]
    lines = [",".join([level, *names]) for level, names in zip(("scorer", "individuals", "bodyparts", "coords"), zip(*columns, strict=True), strict=True)]
    rows = np.concatenate([poses(), likelihoods()[..., None]], -1)
    lines += [",".join([str(frame), *(f"{value:.3f}" for value in row.ravel())]) for frame, row in enumerate(rows)]
    return "\n".join(lines) + "\n"


def sleap() -> str:
    """A row for each animal and frame; a part that was not found is empty."""
    lines = [",".join(["track", "frame_idx", "instance.score", *(f"{part}.{name}" for part in PARTS for name in ("x", "y", "score"))])]
    for frame, (places, sure) in enumerate(zip(poses(), likelihoods(), strict=True)):
        for animal, parts, scores in zip(ANIMALS, places, sure, strict=True):
            cells = [f"{x:.3f},{y:.3f},{score:.2f}" if score > 0.5 else ",,0.0" for (x, y), score in zip(parts, scores, strict=True)]
            lines.append(",".join([animal, str(frame), "0.9", *cells]))
    return "\n".join(lines) + "\n"


def _spots() -> Iterator[tuple[int, int, int, float, float]]:
    """Number of the spot, track, frame, x, y."""
    places = motion(0)[..., :2] * 10 + 50
    for node in range(len(NAMES)):
        for frame, (x, y) in enumerate(places[:, node].tolist()):
            yield 1000 + node * len(places) + frame, node, frame, x, y


def spots() -> str:
    """Spots in tracks, as TrackMate's table has them."""
    rows = (f"ID{spot},{spot},{track},5.0,{x:.4f},{y:.4f},0.0,{frame / RATE:.1f},{frame},2.5,1" for spot, track, frame, x, y in _spots())
    return "\n".join([*SPOT_NAMES, *rows]) + "\n"


def trackmate() -> str:
    """Spots by frame, tracks as links between them."""
    found = list(_spots())
    frames = sorted({frame for _, _, frame, _, _ in found})
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', '<TrackMate version="7.11.1">', ' <Model spatialunits="micron" timeunits="sec">', f'  <AllSpots nspots="{len(found)}">']
    for frame in frames:
        lines.append(f'   <SpotsInFrame frame="{frame}">')
        lines += [
            f'    <Spot ID="{spot}" FRAME="{frame}" POSITION_T="{frame / RATE:.1f}" POSITION_X="{x:.4f}" POSITION_Y="{y:.4f}" POSITION_Z="0.0" RADIUS="2.5" />'
            for spot, _, when, x, y in found if when == frame
        ]  # fmt: skip
        lines.append("   </SpotsInFrame>")
    lines += ["  </AllSpots>", "  <AllTracks>"]
    for track in range(len(NAMES)):
        own = [spot for spot, where, *_ in found if where == track]
        lines.append(f'   <Track TRACK_ID="{track}">')
        lines += [f'    <Edge SPOT_SOURCE_ID="{source}" SPOT_TARGET_ID="{target}" />' for source, target in zip(own, own[1:], strict=False)]
        lines.append("   </Track>")
    passed = "".join(f'<TrackID TRACK_ID="{track}" />' for track in range(len(NAMES)))
    return "\n".join([*lines, "  </AllTracks>", f"  <FilteredTracks>{passed}</FilteredTracks>", " </Model>", "</TrackMate>"]) + "\n"


def sportvu() -> str:
    """Two against two and the ball, one event, a moment every 40 ms."""
    players = [{"playerid": number, "firstname": name.title(), "lastname": "Sample"} for number, name in enumerate(NAMES, 1)]
    places = motion(0)[..., :2] * 8 + np.array(COURT) / 2
    moments = []
    for frame, row in enumerate(places):
        bodies = [[-1, -1, *row.mean(0).round(3).tolist(), 5.0], *([1 + node // 2, node + 1, *where.round(3).tolist(), 0.0] for node, where in enumerate(row))]
        moments.append([1, 1_446_244_802_000 + 40 * frame, 720 - 0.04 * frame, 24.0, None, bodies])
    event = {"eventId": "1", "home": {"name": "Home", "players": players[:2]}, "visitor": {"name": "Visitor", "players": players[2:]}}
    told = ",\n".join(json.dumps(moment) for moment in moments)  # a moment a line
    return json.dumps({"gameid": "1", "events": [event | {"moments": "MOMENTS"}]}).replace('"MOMENTS"', f"[\n{told}\n]") + "\n"


def _metrica(team: str, first: int) -> str:
    """Two players and the ball as shares of the pitch."""
    lines = [f",,,{team},,{team},,,", f",,,{first},,{first + 1},,,", f"Period,Frame,Time [s],Player{first},,Player{first + 1},,Ball,"]
    places = np.clip((motion(0)[..., :2] * 6 + np.array(PITCH) / 2) / np.array(PITCH), 0, 1)
    for frame, row in enumerate(places):
        chosen = [*row[first - 1], *row[first], *row.mean(0)]
        lines.append(",".join(["1", str(frame + 1), f"{frame / 25:.2f}", *(f"{value:.5f}" for value in chosen)]))
    return "\n".join(lines) + "\n"


def home() -> str:
    """The first two."""
    return _metrica("Home", 1)


def away() -> str:
    """The other two."""
    return _metrica("Away", 3)


def matrix() -> str:
    """Senders in rows, receivers in columns."""
    pairs = {pair for one in SPRINGS for pair in (one, one[::-1])}
    rows = [",".join([name, *(str(int((place, other) in pairs)) for other in range(len(NAMES)))]) for place, name in enumerate(NAMES)]
    return "\n".join([",".join(["", *NAMES]), *rows]) + "\n"


def graphml() -> str:
    """Undirected: both directions of each spring."""
    nodes = "".join(f'    <node id="{name}" />\n' for name in NAMES)
    edges = "".join(f'    <edge source="{NAMES[first]}" target="{NAMES[second]}" />\n' for first, second in SPRINGS)
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<graphml xmlns="http://graphml.graphdrawing.org/xmlns">\n  <graph edgedefault="undirected">\n'
    return head + nodes + edges + "  </graph>\n</graphml>\n"
