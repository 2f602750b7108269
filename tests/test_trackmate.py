"""TrackMate: its spots as CSV, its project and its simple export as XML."""

from pathlib import Path

import numpy as np
import pytest

from nri_core.command_line import main
from nri_core.errors import DataError
from nri_core.importers import inspect, read, recognise
from nri_core.importers.sample_motion import motion
from nri_core.importers.samples import SAMPLES

pytest.importorskip("defusedxml")
PLACES = motion(0)[..., :2] * 10 + 50
PROJECT = SAMPLES["trackmate"].text()
SIMPLE = '<?xml version="1.0" encoding="UTF-8"?>\n<Tracks nTracks="2" spaceUnits="micron" frameInterval="0.5" timeUnits="sec" from="TrackMate v7">\n' + "".join(
    '<particle nSpots="3">' + "".join(f'<detection t="{t}" x="{t + n}" y="{n}" z="{t}" />' for t in range(3)) + "</particle>" for n in range(2)
)


def file(folder: Path, text: str, name: str = "tracks.xml") -> Path:
    (path := folder / name).write_text(text)
    return path


def test_a_project(tmp_path: Path) -> None:
    path = file(tmp_path, PROJECT)
    assert recognise([path]) == "trackmate"
    recording = read([path])
    assert (recording.feature_names, recording.frame_time, recording.metadata["units"]) == (("x", "y"), 0.1, "micron")
    np.testing.assert_allclose(recording.trials[0].values, PLACES, atol=1e-3)
    assert "4 tracks in 60 frames; 4 passed the filters" in inspect([path]).understood[0]


def test_a_file_is_parsed_once_for_a_reading_and_anew_for_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from defusedxml import ElementTree

    parsings, iterparse = [], ElementTree.iterparse
    monkeypatch.setattr(ElementTree, "iterparse", lambda path, **options: parsings.append(path) or iterparse(path, **options))
    path = file(tmp_path, PROJECT)
    assert read([path]).num_nodes == 4 and len(parsings) == 1
    file(tmp_path, PROJECT.replace('<TrackID TRACK_ID="2" />', ""))
    assert read([path]).num_nodes == 3 and len(parsings) == 2
    main(["import", str(path), "--json"])
    assert len(parsings) == 3


def test_the_table_of_spots(tmp_path: Path) -> None:
    """A number of a spot is nobody, four rows of names stand above, and z is 0."""
    recording = read([file(tmp_path, SAMPLES["spots"].text() + "ID7,7,,5.0,1,1,0,0.0,0,2.5,1\n", "spots.csv")])
    assert (recording.node_names, recording.feature_names, recording.frame_time) == (tuple("0123"), ("x", "y"), 0.1)
    np.testing.assert_allclose(recording.trials[0].values, PLACES, atol=1e-3)
    assert recording.metadata["units"] == "micron" and "without a node" in recording.remarks[0].text


def test_tracks_that_were_filtered_out(tmp_path: Path) -> None:
    path = file(tmp_path, PROJECT.replace('<TrackID TRACK_ID="2" />', ""))
    assert read([path]).node_names == ("track 0", "track 1", "track 3")
    assert read([path], options={"filtered": False}).num_nodes == 4


def test_a_track_that_divides(tmp_path: Path) -> None:
    other = PROJECT.replace('<Track TRACK_ID="0">', '<Track TRACK_ID="0"><Edge SPOT_SOURCE_ID="1000" SPOT_TARGET_ID="1061" />')
    recording = read([file(tmp_path, other)])
    assert "1 spot(s) of tracks that divide" in recording.remarks[0].text and np.isfinite(recording.trials[0].values).all()


def test_the_simple_export(tmp_path: Path) -> None:
    recording = read([file(tmp_path, SIMPLE + "</Tracks>")])
    assert (recording.feature_names, recording.frame_time) == (("x", "y", "z"), 0.5)
    np.testing.assert_array_equal(recording.trials[0].values[2], [[2, 0, 2], [3, 1, 2]])


BROKEN = {
    "cut off": (PROJECT[:-300], "cannot be read"),
    "cut off within the first tag": (PROJECT[:60], "cannot be read|none that can be read"),
    "entities": (PROJECT.replace("<TrackMate ", '<!DOCTYPE a [<!ENTITY b "c">]>\n<TrackMate '), "without a DOCTYPE"),
    "a word": (PROJECT.replace('POSITION_X="', 'POSITION_X="a', 1), "not as it should be"),
    "infinity": (PROJECT.replace('POSITION_Y="', 'POSITION_Y="1e9999', 1), "not as it should be"),
    "no tracks": (PROJECT.replace("<Track ", "<Trail ").replace("</Track>", "</Trail>"), "track the spots first"),
    "no particles": (SIMPLE.split("<particle")[0] + "</Tracks>", "found 0"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_mistakes_are_named(what: str, tmp_path: Path) -> None:
    text, why = BROKEN[what]
    with pytest.raises(DataError, match=why) as refusal:
        read([file(tmp_path, text)])
    assert "tracks.xml" in str(refusal.value)
