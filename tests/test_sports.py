"""Football tracking: the files that kloppy's own tests bring, and one that is made by hand."""

from pathlib import Path

import numpy as np
import pytest

from nri_core.errors import DataError
from nri_core.importers import inspect, read, recognise

kloppy = pytest.importorskip("kloppy")
FILES = Path(kloppy.__file__).parent / "tests" / "files"
HOME = ",,,Home,,Home,,,\n,,,1,,2,,,\nPeriod,Frame,Time [s],Player1,,Player2,,Ball,\n"
AWAY = HOME.replace("Home", "Away").replace("Player1", "Player3").replace("Player2", "Player4")


def match(folder: Path) -> list[Path]:
    """Metrica's two files: home and away, two periods, the second home player goes off."""
    heads = [f"{1 + row // 3},{row + 1},{row / 25:.2f}" for row in range(6)]
    off = ["0.3,0.4"] * 4 + ["NaN,NaN"] * 2
    (first := folder / "home.csv").write_text(HOME + "".join(f"{head},0.1,0.2,{off[row]},0.5,0.5\n" for row, head in enumerate(heads)))
    (second := folder / "away.csv").write_text(AWAY + "".join(f"{head},0.6,0.{row},0.8,0.9,0.5,0.5\n" for row, head in enumerate(heads)))
    return [second, first]


def test_a_match_by_hand(tmp_path: Path) -> None:
    paths = match(tmp_path)
    assert recognise(paths) == "sports" and "105 × 68 m" in " ".join(inspect(paths).understood)
    recording = read(paths)
    assert recording.node_names == ("home_1", "home_2", "away_1", "away_2", "ball") and recording.metadata["units"] == "m"
    first, second = recording.trials
    assert (first.name, first.num_frames, second.num_frames) == ("period 1", 3, 3)
    np.testing.assert_allclose(first.values[:, 0, 0], 10.5)
    np.testing.assert_allclose(np.abs(np.diff(first.values[:, 2, 1])), 6.8)  # a tenth of the width
    assert second.seen[:, 1].tolist() == [True, False, False] and second.seen[:, 4].all()
    np.testing.assert_allclose(np.diff(first.times), 0.04)


def test_some_of_it(tmp_path: Path) -> None:
    recording = read(match(tmp_path), options={"most_frames": 4, "ball": False})
    assert recording.num_frames == 4 and "ball" not in recording.node_names and "first 4 frames" in recording.remarks[0].text


GIVEN = {
    "metrica": (("metrica_home.csv", "metrica_away.csv"), 6),
    "epts": (("epts_metrica_metadata.xml", "epts_metrica_tracking.txt"), 100),
    "tracab": (("tracab_meta.xml", "tracab_raw.dat"), 7),
    "tracab json": (("tracab_raw.json", "tracab_meta.json"), 7),
    "second spectrum": (("second_spectrum_fake_metadata.xml", "second_spectrum_fake_data.jsonl"), 376),
    "skillcorner": (("skillcorner_v3_raw_data.jsonl", "skillcorner_meta_data.json"), 6),
    "stats perform": (("statsperform_tracking_ma1.json", "statsperform_tracking_ma25.txt"), 92),
    "sportec": (("sportec_meta.xml", "sportec_positional.xml"), 202),
    "pff": (("pff_10517.jsonl", "pff_rosters_10517.json", "pff_metadata_10517.json"), 200),
}


FAST = ("metrica", "tracab")


@pytest.mark.parametrize("name", [name if name in FAST else pytest.param(name, marks=pytest.mark.slow) for name in GIVEN])
def test_files_of_a_provider(name: str) -> None:
    files, frames = GIVEN[name]
    if not FILES.is_dir():
        pytest.skip("this kloppy brings no files")
    paths = [FILES / file for file in files]
    assert recognise(paths) == "sports"
    recording = read(paths)
    assert recording.num_frames == frames and recording.node_names[-1] == "ball" and recording.metadata["units"] == "m"
    places = np.concatenate([trial.values[trial.seen] for trial in recording.trials])
    assert len(places) and (np.abs(places) < 120).all() and np.ptp(places[:, 0]) > 10  # a pitch, in metres


@pytest.mark.slow
def test_fewer_frames_in_a_second() -> None:
    files, frames = GIVEN["second spectrum"]
    thin = read([FILES / file for file in files], options={"rate": 5.0})
    assert abs(thin.num_frames - frames / 5) <= 2


def test_mistakes_are_named(tmp_path: Path) -> None:
    broken = match(tmp_path)
    broken[0].write_text(broken[0].read_text().replace("0.8", "eight"))
    with pytest.raises(DataError, match="kloppy cannot read it"):
        read(broken)
    (meta := tmp_path / "meta.xml").write_text('<!DOCTYPE a [<!ENTITY b "c">]><TracabMetaData>&b;</TracabMetaData>')
    (raw := tmp_path / "raw.dat").write_text("1:2,3\n")
    with pytest.raises(DataError, match="DOCTYPE in meta.xml"):
        read([meta, raw])
    with pytest.raises(DataError, match="Expected all files of a match"):
        read([raw], form="sports")
