"""The page "Your data" without a browser: from a file to a dataset, and what is said on the way."""

import io
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from nri_core.importers.samples import SAMPLES
from tests import pages
from ui import state

pytestmark = pytest.mark.slow  # each file is read by a process of its own


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NRI_RUNS_DIR", str(tmp_path))


def opened(*files: tuple[str, bytes]) -> AppTest:
    """The page with these files dropped on it."""
    app = pages.opened("upload")
    return bring(app, *files) if files else app


def bring(app: AppTest, *files: tuple[str, bytes]) -> AppTest:
    app.file_uploader[0].set_value([(name, content, "application/octet-stream") for name, content in files]).run()
    assert not app.exception
    return app


def sample(name: str) -> tuple[str, bytes]:
    return SAMPLES[name].file, SAMPLES[name].text().encode()


def press(app: AppTest, label: str) -> AppTest:
    next(button for button in app.button if button.label == label).click()
    app.run()
    assert not app.exception
    return app


def said(app: AppTest) -> str:
    return "\n".join(str(element.value) for kind in ("error", "success", "markdown", "caption") for element in getattr(app, kind))


def done(app: AppTest) -> str:
    return next(element.value for element in app.markdown if "Done so far" in element.value)


def dataset(app: AppTest) -> state.Dataset:
    return app.session_state["dataset"]


def test_the_empty_page_offers_a_sample_of_each_shape() -> None:
    assert {button.label for button in opened().get("download_button")} == {sample.file for sample in SAMPLES.values()}


def test_two_steps_for_a_tidy_file() -> None:
    app = press(opened(sample("tidy")), "Use this data")
    assert dataset(app).name == "tidy.csv" and dataset(app).trajectories.num_nodes == 4
    assert "Ready" in said(app)
    what = next(box for box in app.selectbox if box.key == "form upload")
    assert {"Motion as a Parquet table", "Motion as a CSV table", "Motion as NumPy arrays"} <= set(what.options)


def test_compare_shows_what_was_just_taken_and_not_what_was_looked_at_before() -> None:
    app = opened(sample("tidy"))
    app.session_state["seen"] = state.Seen("springs10", 4, asked=True)
    press(app, "Use this data")
    menu = next(link for link in app.sidebar.get("page_link") if link.proto.label == "Compare")
    below = next(link for link in app.main.get("page_link") if link.proto.label == "Compare")
    assert "springs10" not in menu.proto.query_string and "made=file" in menu.proto.query_string
    assert "on=My+dataset" in below.proto.query_string


def test_what_is_suggested_is_done_and_undone() -> None:
    app = press(opened(sample("pedestrians")), "Do what is suggested")
    assert "2. " in done(app)
    press(app, "Undo the last")
    assert "1. " in done(app) and "2. " not in done(app)
    press(app, "Do what is suggested")
    press(app, "Use this data")
    assert dataset(app).trajectories.feature_names == ("x", "y", "vx", "vy")
    assert [fix["kind"] for fix in dataset(app).trajectories.metadata["preparation"]]


def test_what_cannot_be_used_yet_is_said_and_nothing_is_lost() -> None:
    app = press(opened(sample("tidy")), "Use this data")
    bring(app, ("broken.csv", b"time,id,x,y\n0,1,2,3\n0,2,abc,3\n"))
    assert "row 3" in said(app) and dataset(app).name == "tidy.csv"
    bring(app, ("picture.csv", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"))
    assert "binary" in said(app) and dataset(app).name == "tidy.csv"


def test_a_correction_is_remembered_for_the_next_file_of_that_shape() -> None:
    text = b"a_ms,b,c_mm,d_mm\n" + b"".join(f"{frame},{node},{frame + node},{node}\n".encode() for frame in range(30) for node in range(3))
    app = opened(("odd.csv", text))
    next(group for group in app.get("button_group") if group.label == "Layout").set_value("long").run()
    for label, value in {"Time": "a_ms", "Node": "b"}.items():
        next(box for box in app.selectbox if box.label == label).set_value(value)
    next(box for box in app.multiselect if box.label == "Coordinates").set_value(["c_mm", "d_mm"])
    press(app, "Read it again like this")
    assert "**3** nodes" in said(app)
    assert "Time: “a_ms”; Node: “b”; Coordinates: “c_mm”, “d_mm”. By the names of these columns: Unit of time: “milliseconds”; Unit of length: “mm”." in app.main.caption[1].value.replace("\\", "")
    again = opened(("other.csv", text.replace(b"29,2,31,2\n", b"")))
    assert "**3** nodes" in said(again)
    words = again.main.caption[1].value.replace("\\", "")
    assert "as an earlier file of this shape was corrected here: Layout: “A row for each node and time”; Time: “a_ms”" in words
    assert "Unit of time: “milliseconds”; Unit of length: “mm”" in words, "as the names of its columns say, again"


def test_a_unit_is_of_one_file_and_what_was_understood_is_still_said() -> None:
    app = opened(sample("tidy"))
    next(box for box in app.text_input if box.label == "Unit of length").set_value("mm")
    press(app, "Read it again like this")
    words = app.main.caption[1].value.replace("\\", "")
    assert "corrected by hand: Unit of length: “mm”" in words and "Time in" in words
    assert "“mm”" not in opened(sample("tidy")).main.caption[1].value, "the next file may be somebody else's"


def test_a_column_of_time_chosen_by_hand_brings_its_unit() -> None:
    rows = "".join(f"{frame / 25};{node};{frame + node};{node * frame}\n".replace(".", ",") for frame in range(30) for node in range(1, 4))
    app = opened(("tracker_de.csv", ("Moment;Nr;x [mm];y [mm]\n" + rows).encode()))

    def unit() -> str:
        return next(box for box in app.selectbox if box.label == "Unit of time").value

    assert unit() == "frames"
    for label, value in {"Time": "Moment", "Node": "Nr"}.items():
        next(box for box in app.selectbox if box.label == label).set_value(value)
    press(app, "Read it again like this")
    assert unit() == "seconds" and "**3** nodes" in said(app)
    assert "taken for a second" not in said(app), "a sentence that was corrected is no longer said"
    assert app.session_state["own Brought"].upload.now.recording.frame_time == pytest.approx(0.04)
    next(box for box in app.selectbox if box.label == "Unit of time").set_value("frames")
    press(app, "Read it again like this")
    assert unit() == "frames", "what is said by hand stays"
    assert app.session_state["own Brought"].upload.now.recording.frame_time == pytest.approx(0.04)


def test_a_known_graph_is_compared_with() -> None:
    app = opened(sample("tidy"))
    uploader = next(box for box in app.file_uploader if box.label == "Known graph")
    uploader.set_value((*sample("graph"), "text/csv")).run()
    press(app, "Use this data")
    assert dataset(app).trajectories.edge_type_names == ("none", "edge") and dataset(app).trajectories.edge_types[0].sum() == 6
    assert "Known: 6 of 12 ordered pairs act, " in said(app)
    next(toggle for toggle in app.toggle if toggle.label == "Each edge acts both ways").set_value(True).run()
    assert "In use is how it was before" in said(app) and not app.success
    press(app, "Use this data")
    assert "In use is how it was before" not in said(app) and "Ready" in app.success[0].value
    edges = dataset(app).trajectories.edge_types[0]
    assert (edges == edges.T).all() and f"Known: {edges.sum()} of 12 ordered pairs act, {edges.sum()} of them in both directions." in said(app)
    assert any("--truth" in code.value and "--both-ways" in code.value for code in app.code)


def test_a_known_graph_comes_again_after_a_step_is_taken_back_and_a_wrong_one_is_said() -> None:
    app = opened(sample("wide"))
    choose = next(box for box in app.file_uploader if box.label == "Known graph").set_value
    choose(("nobody.csv", b"source,target\nghost,phantom\n", "text/csv")).run()
    assert len(app.error) == 1 and "ghost" in app.error[0].value
    names = app.session_state["own Brought"].upload.now.recording.node_names
    press(app, "Do what is suggested")
    next(box for box in app.file_uploader if box.label == "Known graph").set_value(("known.csv", f"source,target\n{names[0]},{names[1]}\n".encode(), "text/csv")).run()
    assert not app.error and "Known: 1 of " in said(app)
    while len(app.session_state["own Brought"].upload.steps) > 1:
        press(app, "Undo the last")
        assert "Known: 1 of " in said(app), "the step before had no graph"


def test_two_files_that_belong_together() -> None:
    app = opened(sample("skeleton"), sample("swing"))
    assert "**3** nodes" in said(app)


def test_names_are_only_text() -> None:
    evil = "![x](http://127.0.0.1:9/x.png)<script>alert(1)</script>"
    rows = "".join(f'{frame},"{name}",{frame},{place}\n' for frame in range(30) for place, name in enumerate((evil, "b", "c")))
    app = opened(("evil.csv", ("time,id,x,y\n" + rows.replace("29,", "30,")).encode()))
    assert "![x](" not in said(app)


def test_a_fix_is_looked_at_before_it_is_done() -> None:
    app = opened(sample("wide"))
    previews = [button for button in app.button if button.label == "Preview"]
    assert len(previews) >= 2  # one beside each fix
    next(button for button in previews if "no velocities" in button.key).click()
    app.run()
    assert "Derive velocities. Nothing is changed yet" in said(app) and "Done so far" not in said(app)
    press(app, "Discard")
    assert "Nothing is changed yet" not in said(app) and "Done so far" not in said(app)
    next(button for button in app.button if button.label == "Preview" and "no velocities" in button.key).click()
    app.run()
    press(app, "Keep it")
    assert "Derive velocities" in done(app)


def test_axes_are_picked_one_by_one() -> None:
    values = np.random.default_rng(0).normal(size=(2, 4, 30)).cumsum(-1)
    (file := io.BytesIO()), np.save(file, values)
    app = opened(("axes.npy", file.getvalue()))
    assert "**4** nodes · **30** frames" in said(app)
    picked = [box for box in app.selectbox if box.label.startswith("Axis ")]
    assert [(box.label, box.value) for box in picked] == [("Axis 1, 2 long", "dim"), ("Axis 2, 4 long", "node"), ("Axis 3, 30 long", "time")]
    picked[0].set_value("node")
    picked[1].set_value("dim")
    press(app, "Read it again like this")
    assert "**2** nodes · **30** frames" in said(app)
    picked = [box for box in app.selectbox if box.label.startswith("Axis ")]
    picked[0].set_value("time")
    press(app, "Read it again like this")
    assert "Choose" in said(app) and app.error and "**2** nodes" in said(app)  # an axis that goes through the same as another


def test_another_delimiter_brings_other_columns() -> None:
    rows = "".join(f"{frame};{name};{frame},5;{place}\n" for frame in range(30) for place, name in enumerate(("a,b", "c,d", "e,f")))
    app = opened(("odd.csv", ("when;who;east;north\n" + rows).encode()))
    next(box for box in app.selectbox if box.label == "Between two cells").set_value("comma")
    press(app, "Read it again like this")
    app.run()
    next(box for box in app.selectbox if box.label == "Between two cells").set_value("semicolon")
    press(app, "Read it again like this")
    assert "cells apart by semicolon" in said(app)


def test_how_a_file_is_written_is_remembered_too() -> None:
    text = "1,2,3,4\nwhen,who,x,y\n" + "".join(f"{frame},{node},{frame + node},{node * node}\n" for frame in range(30) for node in range(3))
    app = opened(("odd.csv", text.encode()))
    assert app.error  # words where numbers were expected
    next(box for box in app.number_input if box.label == "Lines above the table").set_value(1)
    next(box for box in app.toggle if box.label == "The first row names the columns").set_value(True)
    press(app, "Read it again like this")
    next(box for box in app.selectbox if box.label == "Node").set_value("who")
    next(box for box in app.selectbox if box.label == "Time").set_value("when")
    press(app, "Read it again like this")
    assert "**3** nodes" in said(app)
    again = opened(("other.csv", text.replace("29,2,31,4\n", "").encode()))
    assert "**3** nodes" in said(again) and not again.error


def test_files_that_nobody_recognises_can_be_read_by_a_chosen_reader() -> None:
    text = "\n".join(f"{frame} {node}" for frame in range(30) for node in range(3))
    app = opened(("motion.strange", text.encode()))
    assert "none that can be read" in said(app)
    next(box for box in app.selectbox if box.label == "Read it as").set_value("text table").run()
    assert not app.exception and "**2** nodes" in said(app)


def test_mistakes_are_only_text() -> None:
    app = opened(("![x](http://127.0.0.1:9/x.png).exe", b"MZ" + bytes(300)))
    assert app.error and "![x](" not in app.error[0].value
