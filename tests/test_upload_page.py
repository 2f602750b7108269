"""The page "Your data" without a browser: from a file to a dataset, and what is said on the way."""

from pathlib import Path

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
    text = b"a,b,c,d\n" + b"".join(f"{frame},{node},{frame + node},{node}\n".encode() for frame in range(30) for node in range(3))
    app = opened(("odd.csv", text))
    next(group for group in app.get("button_group") if group.label == "Layout").set_value("long").run()
    for label, value in {"Time": "a", "Node": "b"}.items():
        next(box for box in app.selectbox if box.label == label).set_value(value)
    next(box for box in app.multiselect if box.label == "Coordinates").set_value(["c", "d"])
    press(app, "Read it again like this")
    assert "**3** nodes" in said(app)
    again = opened(("other.csv", text.replace(b"29,2,31,2\n", b"")))
    assert "**3** nodes" in said(again)


def test_a_known_graph_is_compared_with() -> None:
    app = opened(sample("tidy"))
    uploader = next(box for box in app.file_uploader if box.label == "Known graph")
    uploader.set_value((*sample("graph"), "text/csv")).run()
    press(app, "Compare with it")
    press(app, "Use this data")
    assert dataset(app).trajectories.edge_type_names == ("none", "edge") and dataset(app).trajectories.edge_types[0].sum() == 6


def test_two_files_that_belong_together() -> None:
    app = opened(sample("skeleton"), sample("swing"))
    assert "**3** nodes" in said(app)


def test_names_are_only_text() -> None:
    evil = "![x](http://127.0.0.1:9/x.png)<script>alert(1)</script>"
    rows = "".join(f'{frame},"{name}",{frame},{place}\n' for frame in range(30) for place, name in enumerate((evil, "b", "c")))
    app = opened(("evil.csv", ("time,id,x,y\n" + rows.replace("29,", "30,")).encode()))
    assert "![x](" not in said(app)
