"""Tables of motion: what is guessed, what is read, and what is said where it cannot be."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from nri_core.command_line import main
from nri_core.errors import DataError
from nri_core.importers import inspect, read
from nri_core.importers.columns import matching, pattern_of, roles_of
from nri_core.recording import Recording
from nri_core.trajectories import Trajectories

FRAMES, NAMES = 4, ("2", "7", "10")


def place(frame: int, node: int) -> tuple[float, float]:
    return frame + 0.5 * node, frame * node - 1.25


LONG = [(0.1 * frame, name, *place(frame, node)) for frame in range(FRAMES) for node, name in enumerate(NAMES)]


def text_of(rows: list[tuple], header: str = "time,id,x,y", *, delimiter: str = ",", decimal: str = ".") -> str:
    cells = [[str(cell).replace(".", decimal) if isinstance(cell, float) else str(cell) for cell in row] for row in rows]
    return "\n".join([header.replace(",", delimiter), *(delimiter.join(row) for row in cells)]) + "\n"


def assert_motion(recording: Recording, names: tuple[str, ...] = NAMES) -> None:
    """The motion of LONG."""
    (trial,) = recording.trials
    assert (recording.node_names, recording.feature_names) == (names, ("x", "y"))
    np.testing.assert_allclose(trial.values, [[place(frame, node) for node in range(len(names))] for frame in range(FRAMES)])


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("decimal", [".", ","])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_however_it_is_written(delimiter: str, decimal: str, encoding: str, tmp_path: Path) -> None:
    if delimiter == decimal:
        return
    names = ("Bär 2", "Bär 7", "Bär 10")
    rows = [(time, names[NAMES.index(name)], *rest) for time, name, *rest in LONG]
    path = tmp_path / "motion.csv"
    path.write_bytes(text_of(rows, delimiter=delimiter, decimal=decimal).encode(encoding))
    recording = read([path])
    assert_motion(recording, names)
    np.testing.assert_allclose(recording.trials[0].times, [0.0, 0.1, 0.2, 0.3])
    assert any(("decimal comma" if decimal == "," else "decimal point") in said for said in inspect([path]).understood)


def frame_of() -> pd.DataFrame:
    return pd.DataFrame(LONG, columns=["time", "id", "x", "y"]).astype({"id": int})


WRITERS = {
    "parquet": lambda path: frame_of().to_parquet(path),
    "feather": lambda path: frame_of().to_feather(path),
    "xlsx": lambda path: frame_of().to_excel(path, index=False),
    "tsv": lambda path: frame_of().to_csv(path, index=False, sep="\t"),
}


@pytest.mark.parametrize("ending", WRITERS)
def test_whatever_file_it_is_in(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"motion.{ending}"
    WRITERS[ending](path)
    assert_motion(read([path]))


@pytest.mark.parametrize("header", ["frame,animal,pos_x,pos_y", "t,particle,X,Y", "frame_number,track_id,x_m,y_m", "timestamp,name,centroid_x,centroid_y"])
def test_usual_names(header: str, tmp_path: Path) -> None:
    (path := tmp_path / "motion.csv").write_text(text_of(LONG, header))
    assert_motion(read([path]))


ABOVE = {
    "a title and a date": ("Experiment 5, camera 2\nrecorded 2024-03-01\n\n", "time,id,x,y", ""),
    "a title in one cell": ("My fish\n", "time,id,x,y", ""),
    "units in brackets": ("", "Time (s),Track [no],X (mm),Y (mm)", "mm"),
    "units in a row below": ("", "time,id,x,y\n(s),,(mm),(mm)", "mm"),
}


@pytest.mark.parametrize("what", ABOVE)
def test_titles_and_units(what: str, tmp_path: Path) -> None:
    above, header, unit = ABOVE[what]
    (path := tmp_path / "motion.csv").write_text(above + text_of(LONG, header))
    recording = read([path])
    assert_motion(recording)
    np.testing.assert_allclose(recording.trials[0].times, [0.0, 0.1, 0.2, 0.3])
    assert recording.metadata.get("units", "") == unit


def test_as_r_writes_it(tmp_path: Path) -> None:
    rows = "".join(f'"{number + 1}" {time} "bear {name}" {x} {y}\n' for number, (time, name, x, y) in enumerate(LONG))
    (path := tmp_path / "bears.txt").write_text('"time" "id" "x" "y"\n' + rows)
    assert_motion(read([path]), tuple(f"bear {name}" for name in NAMES))


@pytest.mark.parametrize("unit", ["ms", "min"])
def test_the_unit_of_time_stands_behind_its_name(unit: str, tmp_path: Path) -> None:
    (path := tmp_path / "motion.csv").write_text(text_of(LONG, f"t ({unit}),id,x,y"))
    assert read([path]).trials[0].times[1] == pytest.approx({"ms": 1e-4, "min": 6.0}[unit])


@pytest.mark.parametrize("names", [("x_1", "y_1"), ("x1", "y1"), ("1_x", "1_y"), ("1.x", "1.y"), ("pos_x_1", "pos_y_1"), ("Fish 1 X (mm)", "Fish 1 Y (mm)")])
def test_wide(names: tuple[str, str], tmp_path: Path) -> None:
    columns = [name.replace("1", node) for node in NAMES for name in names]
    rows = [(0.1 * frame, *(value for node in range(3) for value in place(frame, node))) for frame in range(FRAMES)]
    (path := tmp_path / "wide.csv").write_text(text_of(rows, ",".join(["time", *columns])))
    assert_motion(read([path]), tuple(f"Fish {name}" for name in NAMES) if "Fish" in names[0] else NAMES)


def test_a_column_a_node(tmp_path: Path) -> None:
    (path := tmp_path / "genes.tsv").write_text("Time\tG1\tG2\n0\t1\t2\n1\t3\t4\n\n0\t5\t6\n1\t7\t8\n")
    recording = read([path])
    assert recording.feature_names == ("value",) and recording.node_names == ("G1", "G2")
    assert [trial.values.ravel().tolist() for trial in recording.trials] == [[1, 2, 3, 4], [5, 6, 7, 8]]
    assert "begins anew" in recording.remarks[0].text


def test_stacked_recordings_without_time(tmp_path: Path) -> None:
    (path := tmp_path / "genes.tsv").write_text("G1\tG2\n1\t2\n3\t4\n5\t6\n7\t8\n")
    assert [trial.num_frames for trial in read([path], options={"stacked": 2, "rate": 10.0}).trials] == [2, 2]


def test_trials_gaps_and_natural_order(tmp_path: Path) -> None:
    rows = "video,frame,fish,x,y\nb,0,fish10,1,1\nb,1,fish2,2,2\na,5,fish2,3,\na,6,fish10,4,4\n"
    (path := tmp_path / "motion.csv").write_text(rows)
    recording = read([path], options={"rate": 2.0})
    assert recording.node_names == ("fish2", "fish10")
    assert [trial.name for trial in recording.trials] == ["a", "b"]
    first, second = recording.trials
    assert first.times.tolist() == [2.5, 3.0]
    assert first.seen.tolist() == [[False, False], [False, True]]
    assert second.seen.tolist() == [[False, True], [True, False]]


def test_dates(tmp_path: Path) -> None:
    rows = "timestamp,individual-local-identifier,location-long,location-lat\n2020-01-01 00:01:00,a,1,1\n2020-01-01 00:00:00,a,1,1\n2020-01-01T00:01:30,b,1,1\n"
    (path := tmp_path / "movebank.csv").write_text(rows)
    assert read([path]).trials[0].times.tolist() == [0.0, 60.0, 90.0]


@pytest.mark.parametrize("which", [("first", [1.0]), ("last", [3.0]), ("mean", [2.0])])
def test_duplicates(which: tuple[str, list[float]], tmp_path: Path) -> None:
    duplicates, expected = which
    (path := tmp_path / "motion.csv").write_text("time,id,x,y\n0,1,1,0\n0,2,5,5\n0,1,3,0\n")
    recording = read([path], options={"duplicates": duplicates})
    assert recording.trials[0].values[0, 0, 0] == expected
    assert "data row 3" in recording.remarks[0].text


def test_pedestrians(shared_data: Path) -> None:
    recording = read([shared_data / "eth_ucy_pedestrians" / "crowds_zara01.txt"])
    assert (recording.num_nodes, recording.feature_names, recording.frame_time) == (148, ("x", "y", "vx", "vy"), 0.4)
    table = np.loadtxt(shared_data / "eth_ucy_pedestrians" / "crowds_zara01.txt")
    assert sum(trial.seen.sum() for trial in recording.trials) == len(table)


MISTAKES = {
    "words": ("time,id,x,y\n0,1,2,3\n0,2,abc,3\n", ("column `x`", "'abc'", "row 3")),
    "ragged": ("time,id,x,y\n0,1,2,3\n0,2,2,3,4\n", ("4 cells", "5 in row 3")),
    "one column": ("time\n1\n2\n", ("at least 2 columns",)),
    "blank": ("\n\n\n", ("only empty lines",)),
    "header only": ("time,id,x,y\n", ("below the header", "none")),
    "no node": ("time,x,y\n0,1,2\n1,2,3\n", ("column for node",)),
}


@pytest.mark.parametrize("what", MISTAKES)
def test_mistakes_are_named(what: str, tmp_path: Path) -> None:
    text, words = MISTAKES[what]
    (path := tmp_path / "wrong.csv").write_text(text)
    with pytest.raises(DataError) as caught:
        read([path])
    assert all(word in str(caught.value) for word in ("wrong.csv", *words)), str(caught.value)


def test_columns_that_are_not_there(tmp_path: Path) -> None:
    (path := tmp_path / "motion.csv").write_text(text_of(LONG))
    with pytest.raises(DataError, match="column `z` in motion.csv; found `time`, `id`, `x`, `y`"):
        read([path], options={"coordinates": ("x", "z")})


def test_infinity_counts_as_not_seen(tmp_path: Path) -> None:
    (path := tmp_path / "motion.csv").write_text("time,id,x,y\n0,1,1,inf\n0,2,5,5\n1,1,3,0\n1,2,1,1\n")
    recording = read([path])
    assert not recording.trials[0].seen[0, 0] and "column `y`" in recording.remarks[0].text


def test_names_in_another_language_are_told_by_their_cells() -> None:
    names = ("Zeit", "Tier", "x (cm)", "y (cm)")
    rows = [[f"0,0{frame}", tier, f"{9 - frame},5", f"{frame % 2},1"] for frame in range(4) for tier in ("Anna", "Bert")]
    assert roles_of(names, rows, header=True)[:3] == ("long", "Zeit", "Tier")
    unsure = [[*row, ("am", "pm")[place % 2]] for place, row in enumerate(rows)]
    assert roles_of((*names, "Tageszeit"), unsure, header=True).node is None, "two columns of words: the user says which"
    several = [[trial, *row] for trial in ("1", "2") for row in rows]
    assert roles_of(("trial", "time", "bead", "x", "y"), several, header=True)[1:4] == ("time", "bead", "trial"), "a trial is nobody where there is somebody"
    assert roles_of(names, [[row[0], "2026-01-01", *row[2:]] for row in rows], header=True).node is None
    assert roles_of(names, [[row[0], f"3rd {row[1]}", *row[2:]] for row in rows], header=True).node == "Tier"


@pytest.mark.parametrize("who", ["who", "animal"])
@pytest.mark.parametrize("places", [("horiz_mm", "vert_mm"), ("easting", "northing"), ("along [m]", "across [m]", "up [m]")])
def test_coordinates_by_other_names_are_the_rest_where_several_rows_have_one_time(places: tuple[str, ...], who: str) -> None:
    names = ("trial", "t_sec", who, *places)
    rows = [[trial, f"0.{frame}", node, f"{frame}.5", "NA" if frame == 2 else f"-{frame}", "1"][: len(names)] for trial in "12" for frame in range(4) for node in ("Ada", "Bo")]
    roles = roles_of(names, rows, header=True)
    assert roles[:5] == ("long", "t_sec", who, "trial", places) and roles.time_unit == "seconds"
    numbered = [[*row[:2], str(1 + (row[2] == "Bo")), *row[3:]] for row in rows]
    assert roles_of(names, numbered, header=True).node == (None if who == "who" else "animal"), "numbers are somebody only by name"
    once = [row for row in rows if row[2] == "Ada"]
    assert roles_of(names, once, header=True).layout == "wide", "one row a time: nobody shares it"
    assert roles_of((*names, "light", "heat"), [[*row, "1", "2"] for row in rows], header=True).coordinates == (places if "_" in places[0] or "[" in places[0] else ())


def test_px_beside_py_is_a_place_and_no_pixel(tmp_path: Path) -> None:
    for names, unit in ((("amy_px", "amy_py", "bo_px", "bo_py"), ""), (("x_px", "y_px"), "px")):
        (path := tmp_path / "motion.csv").write_text("\n".join([",".join(("t", *names)), *(",".join([str(frame)] * (1 + len(names))) for frame in range(9))]))
        assert inspect([path]).options["unit"] == unit


def test_a_unit_of_time_behind_a_name_tells_the_column_of_time(tmp_path: Path) -> None:
    rows = [f"{frame * 0.04:.2f};{frame};{-frame}".replace(".", ",") for frame in range(20)]
    (path := tmp_path / "motion.csv").write_text("\n".join(["Zeit [s];1_x;2_x", *rows]))
    assert read([path]).frame_time == pytest.approx(0.04)
    (path := tmp_path / "falls.csv").write_text("\n".join(["Dauer [s];1_x;2_x", *reversed(rows)]))
    assert inspect([path]).options["time"] is None


@pytest.mark.parametrize(("recording", "time"), [("Aufnahme", "Zeit [s]"), ("Versuch", "Zeit"), ("enregistrement", "temps (s)")])
def test_time_that_begins_anew_with_each_recording_is_time_all_the_same(recording: str, time: str, tmp_path: Path) -> None:
    rows = [f"{take};{frame * 0.04:g};{name};{frame + place};{place}".replace(".", ",") for take in (1, 2) for frame in range(20) for place, name in enumerate(("Anna", "Bruno"))]
    (path := tmp_path / "motion.csv").write_text("\n".join([f"{recording};{time};Tier;x;y", *rows]))
    assert [inspect([path]).options[name] for name in ("time", "trial", "node")] == [time, recording, "Tier"]
    assert len(read([path]).trials) == 2 and read([path]).frame_time == pytest.approx(0.04)


@pytest.mark.parametrize(("column", "unit"), [("Bild", "frames"), ("Nummer", "frames"), ("time", "seconds"), ("Zeit", "seconds")])
def test_whole_numbers_that_go_up_by_one_are_frames_unless_they_are_called_time(column: str, unit: str, tmp_path: Path) -> None:
    rows = [f"{frame};{name};{frame + place};{place}" for frame in range(20) for place, name in enumerate(("Anna", "Bruno"))]
    (path := tmp_path / "motion.csv").write_text("\n".join([f"{column};Tier;x;y", *rows]))
    assert [inspect([path]).options[name] for name in ("time", "time_unit")] == [column, unit]


def test_other_columns_bring_their_units(tmp_path: Path) -> None:
    rows = [f"{40 * k};{name};{k}.5;{k + 1}" for k in range(30) for name in ("Ada", "Bob")]
    (path := tmp_path / "animals.csv").write_text("\n".join(["clock_ms;which beast?;pos-x [mm];Yy (mm)", *rows]))
    found = read([path], options={"layout": "long", "node": "which beast?", "coordinates": ("pos-x [mm]", "Yy (mm)")})
    assert found.frame_time == pytest.approx(0.04) and found.metadata["units"] == "mm"


@pytest.mark.parametrize(("column", "step"), [("Zeit [s]", 0.04), ("Takt (ms)", 0.04), ("Bild", 1.0)])
def test_another_column_of_time_brings_its_own_unit(tmp_path: Path, column: str, step: float) -> None:
    """Two could be it, so the guess counts frames."""
    rows = [f"{frame * 0.04:g};{frame * 40};{frame};{node};{frame + node};{node}".replace(".", ",") for frame in range(20) for node in range(3)]
    (path := tmp_path / "motion.csv").write_text("\n".join(["Zeit [s];Takt (ms);Bild;Nr;x;y", *rows]))
    assert [inspect([path]).options[name] for name in ("time", "time_unit")] == [None, "frames"] and "frame is taken for a second" in inspect([path]).understood[-1]
    chosen = {"time": column, "node": "Nr"}
    assert read([path], options=chosen).frame_time == pytest.approx(step)
    assert read([path], options=chosen | {"time_unit": "milliseconds"}).frame_time == pytest.approx({"Zeit [s]": 4e-5, "Takt (ms)": 0.04, "Bild": 1e-3}[column])
    assert main(["import", str(path), "--set", f"time={column}", "node=Nr", "--out", str(tmp_path / "data.npz"), "--json"]) == 0
    assert Trajectories.load(tmp_path / "data.npz").dt == pytest.approx(step)


NAMED = st.text("abcXY_-. 1234", min_size=1, max_size=6)


@settings(max_examples=50, deadline=None)
@example(names=["X", "Y"], rows=0, header=True)
@given(names=st.lists(NAMED, min_size=1, max_size=8), rows=st.integers(0, 3), header=st.booleans())
def test_any_header_is_guessed(names: list[str], rows: int, header: bool) -> None:
    roles = roles_of(names, [["1"] * len(names)] * rows, header=header)
    used = [name for name in (roles.time, roles.node, roles.trial, *roles.coordinates, *roles.velocities) if name]
    assert set(used) <= set(names) and set(matching(names, roles.pattern)) <= set(names)
    assert roles.layout == "wide" or (roles.coordinates and (roles.node or len(roles.coordinates) > 1))


@settings(max_examples=40, deadline=None)
@given(nodes=st.lists(st.from_regex(r"[a-zA-Z0-9]{1,4}", fullmatch=True), min_size=2, max_size=5, unique=True), sep=st.sampled_from(["_", ".", "-"]))
def test_a_grid_of_columns_is_found(nodes: list[str], sep: str) -> None:
    names = [f"{axis}{sep}{node}" for node in nodes for axis in ("x", "y")]
    found = matching(names, pattern_of(names))
    assert {feature for _, feature in found.values()} == {"x", "y"} and len(found) == len(names)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(text=st.text("time,idxy;\t0123456789.-+eE\"'\n ", max_size=200))
def test_any_text_is_read_or_refused(text: str, tmp_path: Path) -> None:
    (path := tmp_path / "any.csv").write_text(text, encoding="utf-8")
    try:
        assert read([path]).num_frames > 0
    except DataError as error:
        assert len(str(error)) > 20
