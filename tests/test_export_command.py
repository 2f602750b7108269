"""`export`: each file is opened again by what people would open it with."""

import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from nri_core.command_line import main
from nri_core.errors import DataError
from nri_core.exporters import EXPORTERS, MOTIONS, VIEWS, View, write_graph
from nri_core.exporters.drawing import EDGE_HUES, HEIGHT, MARGIN, RADIUS, draw, scene_of
from nri_core.graph import off_diagonal
from nri_core.posterior import EdgePosterior, PosteriorOverTime
from nri_core.trajectories import Trajectories
from ui.exports import graph_writer

EVIL = '</script><img src=x onerror="alert(1)">'
NODES = ("ant", EVIL, "cat")
FRAMES = 12


@pytest.fixture
def data() -> Trajectories:
    values = np.random.default_rng(0).normal(size=(2, FRAMES, 3, 4)).cumsum(1)
    observed = np.ones((2, FRAMES, 3), bool)
    observed[0, 3:5, 1] = False
    return Trajectories(values, ("x", "y", "vx", "vy"), dt=0.5, node_names=NODES, observed=observed)


@pytest.fixture
def posterior() -> EdgePosterior:
    edge = np.zeros((2, 3, 3))
    edge[0, 1, 0], edge[0, 2, 1] = 0.9, 0.2  # ant acts on the second, which perhaps acts on cat
    probs = np.stack([1 - edge, edge], -1) * off_diagonal(3)[..., None]
    return EdgePosterior(probs, ("none", "edge"), NODES, "encoder")


@pytest.fixture
def export(data: Trajectories, posterior: EdgePosterior, tmp_path: Path) -> Callable[..., Path]:
    """Write by the command line; the path of the file."""
    data.save(tmp_path / "data.npz")
    posterior.save(tmp_path / "posterior.npz")

    def run(name: str, *options: str, graph: bool = True) -> Path:
        more = ["--posterior", str(tmp_path / "posterior.npz")] if graph else []
        assert main(["export", str(tmp_path / "data.npz"), "--out", str(tmp_path / name), *more, *options]) == 0
        return tmp_path / name

    return run


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_tables_have_a_row_for_each_sighting(form: str, export: Callable[..., Path], data: Trajectories) -> None:
    path = export(f"motion.{form}", graph=False)
    table = pd.read_parquet(path) if form == "parquet" else pd.read_csv(path)
    assert len(table) == data.observed.sum()
    row = table[(table.sim == 1) & (table.frame == 4) & (table.node == EVIL)].iloc[0]
    np.testing.assert_allclose(row[["x", "y", "vx", "vy"]].astype(float), data.values[1, 4, 1])
    assert row.time == 2.0


def test_a_matrix_has_senders_in_rows(export: Callable[..., Path]) -> None:
    matrix = pd.read_csv(export("graph.adjacency.csv"), index_col=0)
    assert matrix.loc["ant", EVIL] == pytest.approx(0.9) and matrix.to_numpy().sum() == pytest.approx(0.9)


def test_the_threshold_is_in_the_edge_list(export: Callable[..., Path]) -> None:
    table = pd.read_csv(export("graph.csv", "--threshold", "0.15"), keep_default_na=False)
    assert table.edge.sum() == 2 and set(table.threshold) == {0.15}


def test_gexf_with_time(export: Callable[..., Path], posterior: EdgePosterior, tmp_path: Path) -> None:
    PosteriorOverTime((0, 4), (posterior, _silent(posterior))).save(tmp_path / "t.npz")
    graph = nx.read_gexf(export("graph.gexf", "--over-time", str(tmp_path / "t.npz"), graph=False))
    assert list(graph.edges) == [("ant", EVIL)]
    assert graph.edges["ant", EVIL]["spells"] == [(0.0, 2.0)]


def test_the_page_writes_a_graph_over_time_too(data: Trajectories, posterior: EdgePosterior, tmp_path: Path) -> None:
    view = View(data, posterior=PosteriorOverTime((0, 4), (posterior, _silent(posterior))))
    graph_writer(view, "gexf", 0.5)(tmp_path / "graph.gexf")
    assert nx.read_gexf(tmp_path / "graph.gexf").edges["ant", EVIL]["spells"] == [(0.0, 2.0)]
    for form in EXPORTERS:
        graph_writer(view, form, 0.5)(tmp_path / f"graph.{form}")
        assert (tmp_path / f"graph.{form}").stat().st_size > 100


def _silent(posterior: EdgePosterior) -> EdgePosterior:
    probs = np.zeros_like(posterior.edge_probs)
    probs[..., 0] = off_diagonal(3)
    return EdgePosterior(probs, posterior.edge_type_names, posterior.node_names, posterior.inference)


def test_pictures(export: Callable[..., Path]) -> None:
    with Image.open(export("picture.png", "--frame", "6")) as picture:
        assert picture.size == (1600, 1200) and len(picture.convert("P").getcolors()) > 20
    with Image.open(export("film.gif")) as film:
        assert film.n_frames == FRAMES
    drawing = ElementTree.fromstring(export("picture.svg").read_text())
    kinds = [element.tag.rpartition("}")[2] for element in drawing.iter()]
    assert kinds.count("circle") == 3 and kinds.count("image") == 0 and "script" not in kinds
    assert EVIL[:24] in [element.text for element in drawing.iter()]


def test_an_unseen_node_is_not_drawn(export: Callable[..., Path]) -> None:
    assert export("picture.svg", "--frame", "3").read_text().count("<circle") == 2


def test_one_html_file_holds_everything(export: Callable[..., Path]) -> None:
    text = export("view.html", "--title", EVIL).read_text()
    assert text.count("<script") == 1 and "http://" not in text.replace("http://www.w3.org/2000/svg", "") and "https://" not in text
    assert "default-src 'none'" in text and EVIL not in text


def test_what_cannot_be_written(data: Trajectories, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    data.save(tmp_path / "data.npz")
    for words, said in {
        ("a.docx",): "ending in",
        ("a.graphml",): "--posterior",
        ("a.png", "--frame", "99"): "frame below 12",
        ("a.png", "--sim", "7"): "simulation below 2",
        ("a.csv", "--threshold", "7"): "--threshold from 0 to 1",
    }.items():
        name, *options = words
        assert main(["export", str(tmp_path / "data.npz"), "--out", str(tmp_path / name), *options]) == 2
        assert said in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["data.npz"]


def test_json_keeps_names_as_text(export: Callable[..., Path]) -> None:
    graph = nx.node_link_graph(json.loads(export("graph.json").read_text()), edges="edges")
    assert EVIL in graph


@pytest.mark.parametrize("form", VIEWS)
def test_views_without_any_graph(form: str, data: Trajectories, tmp_path: Path) -> None:
    VIEWS[form](View(data), tmp_path / f"view.{form}")
    assert (tmp_path / f"view.{form}").stat().st_size > 500


def _named(*names: str) -> tuple[Trajectories, EdgePosterior]:
    values = np.random.default_rng(0).normal(size=(1, FRAMES, len(names), 2))
    probs = np.stack([np.full((1, len(names), len(names)), 0.5)] * 2, -1) * off_diagonal(len(names))[..., None]
    return Trajectories(values, ("x", "y"), node_names=names), EdgePosterior(probs, ("none", "edge"), names, "encoder")


@pytest.mark.parametrize(
    "names",
    [
        ("a\x00b\ud800\u202e", "<c\x07\nd", "&amp;\x1b[31m"),
        *(pytest.param(names, marks=pytest.mark.slow) for names in (("\ud800", "\uffff!", "c"), ("\u202eabc", "b\u2028", "c\nd\te"), ("", "<", "&amp;"))),
    ],
)
def test_names_that_no_file_can_hold_are_written_as_far_as_they_can(names: tuple[str, ...], tmp_path: Path) -> None:
    data, posterior = _named(*names)
    for form, write in VIEWS.items():
        write(View(data, posterior=posterior), tmp_path / f"view.{form}")
    for form, write in MOTIONS.items():
        write(data, tmp_path / f"motion.{form}")
    for form in EXPORTERS:
        write_graph(posterior, tmp_path / f"graph.{form}")
    ElementTree.parse(tmp_path / "view.svg")
    for graph in (nx.read_graphml(tmp_path / "graph.graphml"), nx.read_gexf(tmp_path / "graph.gexf")):
        assert len(graph) == 3
    assert pd.read_csv(tmp_path / "motion.csv", keep_default_na=False, lineterminator="\n").node.nunique() == 3


def test_no_cell_of_a_csv_is_a_formula(tmp_path: Path) -> None:
    """A spreadsheet runs what begins with these; a negative number is none."""
    data, posterior = _named('=HYPERLINK("x")', "@SUM(1)", "-1.5", "+cmd|' /C calc'!A0")
    MOTIONS["csv"](data, tmp_path / "motion.csv")
    for name in ("graph.csv", "graph.adjacency.csv"):
        write_graph(posterior, tmp_path / name)
    for path in tmp_path.iterdir():
        table = pd.read_csv(path, dtype=str)
        risky = {cell for cell in (*table.columns, *table.to_numpy().ravel()) if cell[:1] in "=+-@"}
        assert "-1.5" in risky and all(np.isfinite(float(cell)) for cell in risky), path


def test_views_over_time_show_the_belief_of_their_moment(export: Callable[..., Path], posterior: EdgePosterior, tmp_path: Path) -> None:
    PosteriorOverTime((0, 6), (posterior, _silent(posterior))).save(tmp_path / "t.npz")
    drawn = [export("picture.svg", "--over-time", str(tmp_path / "t.npz"), "--frame", frame, graph=False).read_text() for frame in ("0", "11")]
    assert [text.count(EDGE_HUES[0]) for text in drawn] == [3, 0]  # a line and the two strokes of its arrow
    assert export("view.html", "--over-time", str(tmp_path / "t.npz"), graph=False).stat().st_size > 50_000


def test_an_arrow_points_at_the_receiver_and_a_mutual_pair_has_none(data: Trajectories, posterior: EdgePosterior) -> None:
    scene = scene_of(data, 0)
    lines = [line for line in draw(scene, 0, belief=posterior, belief_sim=0, threshold=0.5).lines if line.colour in EDGE_HUES]
    line, *strokes = lines
    assert line.end == tuple(scene.plane[0, 1]) and len(strokes) == 2
    assert all(np.hypot(*np.subtract(stroke.end, line.end)) == pytest.approx(RADIUS + 3) for stroke in strokes)
    mutual = EdgePosterior(np.broadcast_to(np.array([0.0, 1.0]), (1, 3, 3, 2)) * off_diagonal(3)[..., None], ("none", "edge"), NODES, "encoder")
    lines = [line for line in draw(scene, 0, belief=mutual, belief_sim=0, threshold=0.5).lines if line.colour in EDGE_HUES]
    assert len(lines) == 3


@pytest.mark.parametrize("up", ["y", "z"])
def test_a_skeleton_stands_up_and_stays_in_the_middle(up: str) -> None:
    """Nodes along the axis that is up, walking far away, fill the height of the picture at every frame."""
    values = np.zeros((1, 40, 5, 3))
    values[0, :, :, "xyz".index(up)] = np.linspace(0, 1.8, 5)
    values[0, :, :, 0] += np.linspace(0, 9, 40)[:, None]
    scene = scene_of(Trajectories(values, ("x", "y", "z"), metadata={"up": up, "bones": [[0, 1], [1, 2], [2, 3], [3, 4]]}), 0)
    assert np.ptp(scene.plane[..., 0]) < 1e-6 and np.ptp(scene.plane[..., 1], axis=1) == pytest.approx(HEIGHT - 2 * MARGIN)
    assert (np.diff(scene.plane[0, :, 1]) < 0).all()  # upwards
    assert len(draw(scene, 39, belief=None, belief_sim=0, threshold=0.5).lines) == 4


def test_another_systems_belief_is_refused(data: Trajectories) -> None:
    _, other = _named("a", "b")
    for view in ({"posterior": other}, {"posterior": _named(*"abc")[1], "posterior_sim": 1}):
        with pytest.raises(DataError, match="Infer them from these data"):
            View(data, **view)
