"""What the gallery of systems is sent: the block of bytes read back, verdicts, and parts that do not belong together."""

import json
from dataclasses import replace

import numpy as np
import pytest

from nri_core.errors import DataError
from nri_core.gallery import assets
from nri_core.gallery.payload import BELIEVED, MISSED, NOTHING, RIGHT, UNSEEN, WRONG, Thumbnail, judged, mistakes, payload
from nri_core.graph import off_diagonal
from nri_core.posterior import EdgePosterior
from nri_core.trajectories import Trajectories

RANDOM = np.random.default_rng(0)
NAMES = ("none", "spring")


def systems(sims: int = 5, frames: int = 40, nodes: int = 3, features: tuple[str, ...] = ("x", "y")) -> Trajectories:
    edges = RANDOM.integers(0, 2, (sims, nodes, nodes))
    return Trajectories(RANDOM.normal(size=(sims, frames, nodes, len(features))), features, edge_types=edges, edge_type_names=NAMES)


def believing(edge_types: np.ndarray, names: tuple[str, ...] = NAMES) -> EdgePosterior:
    probs = np.eye(len(names))[edge_types] * off_diagonal(edge_types.shape[1])[..., None]
    return EdgePosterior(probs, names, tuple(map(str, range(1, edge_types.shape[1] + 1))), "encoder")


def unpack(content: bytes) -> tuple[dict, np.ndarray, np.ndarray, np.ndarray]:
    length = int.from_bytes(content[:4], "little")
    assert length % 4 == 0, "numbers of two bytes follow"
    header, rest = json.loads(content[4 : 4 + length]), content[4 + length :]
    shape = len(header["systems"]), header["frames"], header["nodes"]
    points, pairs = np.prod(shape) * 2, shape[0] * shape[2] ** 2
    assert len(rest) == 2 * points + 2 * pairs
    paths = np.frombuffer(rest[: 2 * points], "<u2").reshape(*shape, 2)
    verdicts, kinds = (np.frombuffer(rest[start : start + pairs], np.uint8).reshape(shape[0], shape[2], shape[2]) for start in (2 * points, 2 * points + pairs))
    return header, paths, verdicts, kinds


def test_every_part_arrives_in_the_order_asked_for() -> None:
    data = systems()
    content = payload(data, believing(data.edge_types), [Thumbnail(3, "90 %", "0.1 bits", "System 4: <b>90 % right"), Thumbnail(0, "100 %")], chosen=3)
    header, paths, verdicts, _ = unpack(content)
    assert [one["number"] for one in header["systems"]] == [4, 1] and header["chosen"] == 4
    assert header["systems"][0]["about"] == "System 4: <b>90 % right" and header["frames"] == 30 and header["judged"]
    assert set(np.unique(verdicts)) <= {NOTHING, RIGHT}
    seen = data.values[3, -30:]
    side = np.ptp(seen, axis=(0, 1)).max()
    back = (paths[0] / 65534 - 0.5) * side + (seen.min((0, 1)) + seen.max((0, 1))) / 2
    assert np.abs(back - seen).max() < side / 60_000, "the shape is kept"


def test_each_pair_is_right_wrong_missed_or_nothing() -> None:
    data = systems(sims=1)
    true = np.array([[[0, 1, 1], [0, 0, 0], [0, 0, 0]]])
    told = np.array([[[0, 1, 0], [1, 0, 0], [0, 0, 0]]])
    data = replace(data, edge_types=true)
    verdict, kinds, names = judged(data, believing(told))
    assert verdict[0].tolist() == [[NOTHING, RIGHT, MISSED], [WRONG, NOTHING, NOTHING], [NOTHING] * 3]
    assert kinds[0, 0, 2] == 1, "what is missed has its true type"
    assert names == NAMES
    assert mistakes(data, believing(told)) == (1, 1)


def test_another_type_than_the_true_one_is_wrong() -> None:
    names = ("attract", "repel")
    data = replace(systems(sims=1), edge_types=np.ones((1, 3, 3), int), edge_type_names=names)
    told = np.array([[[0, 0, 1], [1, 0, 1], [1, 1, 0]]])
    verdict, _, _ = judged(data, believing(told, names))
    assert verdict[0].tolist() == [[NOTHING, WRONG, RIGHT], [RIGHT, NOTHING, RIGHT], [RIGHT, RIGHT, NOTHING]]


@pytest.mark.parametrize("names", [NAMES, ("none", "type 1")])
def test_without_a_truth_in_the_same_words_edges_are_believed(names: tuple[str, ...]) -> None:
    data = systems(sims=2)
    told = data.edge_types
    if names == NAMES:
        data = replace(data, edge_types=None, edge_type_names=())
    header, _, verdicts, _ = unpack(payload(data, believing(told, names), [Thumbnail(0, "")]))
    assert not header["judged"] and set(np.unique(verdicts)) <= {NOTHING, BELIEVED}


def test_a_graph_that_changes_is_held_against_its_last_frame() -> None:
    data = systems(sims=2)
    changing = np.stack([1 - data.edge_types] * 39 + [data.edge_types], axis=1) * off_diagonal(3)
    _, _, verdicts, _ = unpack(payload(replace(data, edge_types=changing), believing(data.edge_types), [Thumbnail(1, "")]))
    assert set(np.unique(verdicts)) <= {NOTHING, RIGHT}


def test_what_nobody_saw_has_no_place() -> None:
    data = systems(sims=1, frames=4)
    observed = np.ones((1, 4, 3), bool)
    observed[0, 2, 1] = False
    _, paths, _, _ = unpack(payload(replace(data, observed=observed), believing(data.edge_types), [Thumbnail(0, "")]))
    assert (paths[0, 2, 1] == UNSEEN).all() and (paths == UNSEEN).sum() == 2


def test_bodies_in_space_and_single_numbers_are_drawn_too() -> None:
    for features in (("x", "y", "z"), ("phase",), ("level",)):
        data = systems(sims=1, features=features)
        _, paths, _, _ = unpack(payload(data, believing(data.edge_types), [Thumbnail(0, "")]))
        assert paths.max() == 65534 and np.ptp(paths[..., 1]) > 0


@pytest.mark.parametrize("asked", [[], [5], [-1], [0] * 61])
def test_systems_that_are_not_there_are_refused(asked: list[int]) -> None:
    data = systems()
    with pytest.raises(DataError, match="Expected 1 to 60 systems"):
        payload(data, believing(data.edge_types), [Thumbnail(system, "") for system in asked])


def test_beliefs_about_other_systems_are_refused() -> None:
    with pytest.raises(DataError, match="beliefs about 5 systems"):
        payload(systems(), believing(systems(sims=4).edge_types), [Thumbnail(0, "")])


def test_the_parts_are_one_module_without_a_place_to_fetch_from() -> None:
    html, css, js = assets()
    assert "export default" in js and "function readPalette" in js and 'data-testid="gallery"' in html
    assert not any(mark in html + css + js for mark in ("http", "@import", "url(", "innerHTML"))
