"""What the player is sent: the block of bytes read back, and parts that do not belong together."""

import json
from dataclasses import replace

import numpy as np
import pytest

from nri_core.errors import DataError
from nri_core.posterior import EdgePosterior, PosteriorOverTime
from nri_core.trajectories import Trajectories
from nri_core.player import Opening
from nri_core.player.editing import Editing
from nri_core.player.payload import payload

RANDOM = np.random.default_rng(0)


def trajectories(frames: int = 12, nodes: int = 3, features: tuple[str, ...] = ("vx", "x", "y")) -> Trajectories:
    values = RANDOM.normal(size=(2, frames, nodes, len(features)))
    edges = RANDOM.integers(0, 2, (2, nodes, nodes))
    return Trajectories(values, features, edge_types=edges, edge_type_names=("none", "spring"))


def posterior(sims: int = 2, nodes: int = 3) -> EdgePosterior:
    probs = np.full((sims, nodes, nodes, 2), 0.5) * ~np.eye(nodes, dtype=bool)[..., None]
    return EdgePosterior(probs, ("none", "spring"), tuple("abcdefgh"[:nodes]), "encoder")


def unpack(content: bytes) -> tuple[dict, bytes]:
    length = int.from_bytes(content[:4], "little")
    assert length % 4 == 0
    return json.loads(content[4 : 4 + length]), content[4 + length :]


def test_every_part_arrives_in_order() -> None:
    data = trajectories()
    forecast = Trajectories(data.values[:1, 6:], data.feature_names, metadata={"start": 5})
    header, rest = unpack(payload(data, sim=1, posterior=posterior(1), posterior_sim=0, forecast=forecast, forecast_sim=0, note="epoch 3"))
    assert header["frames"] == 12 and header["nodes"] == 3 and header["forecast"] == {"start": 5, "frames": 6}
    assert header["note"] == "epoch 3" and "the forecast" in header["caption"]
    positions, rest = np.frombuffer(rest[: 12 * 24], "<f4"), rest[12 * 24 :]
    np.testing.assert_allclose(positions.reshape(12, 3, 2), data.values[1, :, :, 1:], rtol=1e-6)  # x and y by name
    predicted, rest = np.frombuffer(rest[: 6 * 24], "<f4"), rest[6 * 24 :]
    np.testing.assert_allclose(predicted.reshape(6, 3, 2), data.values[0, 6:, :, 1:], rtol=1e-6)
    probs, truth = np.frombuffer(rest[:72], "<f4"), np.frombuffer(rest[72:], np.uint8)
    assert probs.reshape(3, 3, 2)[0, 1].tolist() == [0.5, 0.5]
    np.testing.assert_array_equal(truth.reshape(1, 3, 3)[0], data.edge_types[1])


def test_new_probabilities_are_the_same_scene() -> None:
    data, other = trajectories(), trajectories()
    first, _ = unpack(payload(data, posterior=posterior()))
    again, _ = unpack(payload(data, posterior=replace(posterior(), inference="exact"), note="epoch 2"))
    assert first["digest"] == again["digest"] != unpack(payload(other))[0]["digest"]
    assert first["digest"] != unpack(payload(data, sim=1))[0]["digest"]


def test_a_forecast_may_outlast_the_recording() -> None:
    data = trajectories()
    forecast = Trajectories(data.values, data.feature_names, metadata={"start": 9})
    header, rest = unpack(payload(data, forecast=forecast))
    assert header["frames"] == 22
    positions = np.frombuffer(rest[: 22 * 24], "<f4").reshape(22, 6)
    assert np.isfinite(positions[:12]).all() and np.isnan(positions[12:]).all()


def test_the_unseen_is_not_a_number_and_one_feature_is_a_height() -> None:
    observed = np.ones((2, 12, 3), dtype=bool)
    observed[0, 4, 1] = False
    data = replace(trajectories(features=("angle",)), observed=observed)
    _, rest = unpack(payload(data))
    positions = np.frombuffer(rest[: 12 * 24], "<f4").reshape(12, 3, 2)
    assert np.isnan(positions[4, 1]).all() and np.isnan(positions).sum() == 2
    np.testing.assert_allclose(positions[0, :, 1], data.values[0, 0, :, 0], rtol=1e-6)
    assert len(set(positions[0, :, 0])) == 3


def test_a_phase_is_a_point_on_a_circle_and_a_sine_alone_a_height() -> None:
    data = trajectories(features=("dphi", "sin_phi", "phase", "omega"))
    header, rest = unpack(payload(data))
    positions = np.frombuffer(rest[: 12 * 24], "<f4").reshape(12, 3, 2)
    assert header["round"] and "phase" in header["caption"]
    assert not header["placed"] and unpack(payload(trajectories()))[0]["placed"], "an error is one of places only where places are drawn"
    np.testing.assert_allclose(np.arctan2(positions[..., 1], positions[..., 0]), np.angle(np.exp(1j * data.values[0, :, :, 2])), atol=1e-5)
    radii = np.hypot(positions[..., 0], positions[..., 1])
    assert np.ptp(radii, axis=0).max() < 1e-6 and (np.diff(radii[0]) < 0).all(), "each on its own circle: those in step stay apart"

    data = trajectories(features=("dphi", "sin_phi", "omega"))
    forecast = Trajectories(data.values[:, 6:] * 0.5, data.feature_names, metadata={"start": 5})
    header, rest = unpack(payload(data, forecast=forecast))
    positions, predicted = (np.frombuffer(part, "<f4").reshape(-1, 3, 2) for part in (rest[: 12 * 24], rest[12 * 24 : 18 * 24]))
    np.testing.assert_allclose(positions[..., 1], data.values[0, :, :, 1], rtol=1e-6)
    np.testing.assert_allclose(predicted[0, :, 0], positions[0, :, 0], rtol=1e-4, err_msg="a ghost stands above its own node")
    assert not header["round"] and not header["placed"]


@pytest.mark.parametrize("wrong", [
    {"sim": 2},
    {"posterior": posterior(1), "sim": 1},
    {"posterior": posterior(nodes=4)},
    {"forecast": trajectories()},
    {"forecast": replace(trajectories(), metadata={"start": 12})},
    {"forecast": replace(trajectories(nodes=4), metadata={"start": 3})},
])  # fmt: skip
def test_parts_that_do_not_belong_together(wrong: dict) -> None:
    with pytest.raises(DataError, match="Expected"):
        payload(trajectories(), **wrong)


def test_space_has_three_dimensions_and_bones_that_exist() -> None:
    data = trajectories(features=("z", "vx", "y", "x"))
    bones = [[0, 1], [1, 2], [2, 3], [0, "1"], [True, 1], "01", [0, 1, 2]]
    data = replace(data, metadata={"bones": bones, "up": "z", "units": "m"})
    header, rest = unpack(payload(data))
    assert header["dims"] == 3 and header["bones"] == [[0, 1], [1, 2]] and header["up"] == "z" and header["units"] == "m"
    positions = np.frombuffer(rest[: 12 * 36], "<f4").reshape(12, 3, 3)
    np.testing.assert_allclose(positions, data.values[0][..., [3, 2, 0]], rtol=1e-6)
    flat = Trajectories(data.values[:, 6:], ("z", "vx", "y", "v"), metadata={"start": 5})
    with pytest.raises(DataError, match="3 dimensions"):
        payload(data, forecast=flat)


@pytest.mark.parametrize("metadata", [{}, {"bones": 3, "up": ["z"], "units": 4}, {"bones": None, "up": "sideways"}])
def test_metadata_that_says_nothing_of_use(metadata: dict) -> None:
    header, _ = unpack(payload(replace(trajectories(), metadata=metadata)))
    assert (header["dims"], header["bones"], header["up"], header["units"]) == (2, [], "y", "")


def over_time(*starts: int) -> PosteriorOverTime:
    return PosteriorOverTime(starts, tuple(posterior() for _ in starts))


def test_a_graph_over_time_has_a_slice_a_window_shown_around_its_middle() -> None:
    data = trajectories()
    header, rest = unpack(payload(data, posterior=over_time(0, 4, 8)))  # windows of 4 frames: their middles are 2, 6 and 10
    assert header["probFrames"] == [0, 4, 8] and "around this moment" in header["caption"]
    assert len(rest) == 12 * 24 + 3 * 72 + 9
    assert unpack(payload(data, posterior=over_time(0, 2, 4)))[0]["probFrames"] == [0, 5, 7]  # of 8: the middles are 4, 6 and 8
    assert unpack(payload(data, posterior=over_time(*range(12))))[0]["probFrames"] == list(range(12))  # one for each frame
    assert unpack(payload(data, posterior=over_time(0)))[0]["probFrames"] == [0]
    assert unpack(payload(data, posterior=posterior()))[0]["probFrames"] == [0]
    for starts in ((4, 0), (0, 12), (3, 3), (-1, 3)):
        with pytest.raises(DataError, match="one after another"):
            payload(data, posterior=over_time(*starts))


def test_how_it_opens_travels_in_the_header() -> None:
    data = trajectories()
    plain, _ = unpack(payload(data))
    assert plain["opening"]["view"] is None and plain["opening"]["frame"] is None and not plain["remember"] and not plain["compact"]
    opening = Opening(frame=3, playing=False, view="difference", zoom="starts", threshold=0.8, temperature=2.0, selected="1-3", hidden=("truth", "loop"))
    told, rest = unpack(payload(data, view="overlaid", opening=opening, remember=("selected",), clock="all", compact=True))
    assert told["opening"] == {"frame": 3, "playing": False, "view": "difference", "zoom": "starts", "threshold": 0.8, "temperature": 2.0, "selected": "1-3", "hidden": ["truth", "loop"], "locked": []}
    assert told["remember"] == ["selected"] and told["clock"] == "all" and told["compact"] and told["digest"] == plain["digest"]
    assert unpack(payload(data, view="overlaid"))[0]["opening"]["view"] == "overlaid"


@pytest.mark.parametrize("wrong", [
    {"frame": -1}, {"view": "from above"}, {"zoom": "in"}, {"threshold": 1.1}, {"threshold": float("nan")}, {"temperature": 0.0}, {"temperature": 11.0},
    {"selected": "0"}, {"selected": "1-1"}, {"selected": "1-2-3"}, {"selected": "²"}, {"selected": "-"}, {"hidden": ("everything",)},
])  # fmt: skip
def test_no_player_opens_like_that(wrong: dict) -> None:
    with pytest.raises(DataError, match="Expected .* found .* Leave it out"):
        Opening(**wrong)


def test_what_may_be_changed_keeps_its_place_and_brings_its_other_paths() -> None:
    data = trajectories()
    forecast = Trajectories(data.values[:1, 6:], data.feature_names, metadata={"start": 5})
    fan = Trajectories(np.stack([data.values[0, 6:], data.values[1, 6:]]), data.feature_names, metadata={"start": 5})
    editing = Editing(subject="one", allowed=("start", "truth"), answered=3, velocities=((0.5, 0.0),) * 3, truth_changed=((1, 0),))
    header, rest = unpack(payload(data, forecast=forecast, forecast_sim=0, other=forecast, fan=fan, editing=editing))
    assert header["digest"] == "one" and header["editing"]["answered"] == 3 and header["editing"]["velocities"][0] == [0.5, 0.0]
    assert header["other"] == {"start": 5, "frames": 6, "samples": 1} and header["fan"] == {"start": 5, "frames": 6, "samples": 2}
    ahead = np.frombuffer(rest[18 * 24 : 18 * 24 + 3 * 6 * 24], "<f4").reshape(3, 6, 3, 2)  # other, then the fan
    np.testing.assert_allclose(ahead, np.stack([data.values[0], data.values[0], data.values[1]])[:, 6:, :, 1:], rtol=1e-6)
    assert len(rest) == (18 + 18) * 24 + 9
    with pytest.raises(DataError, match="Expected things to edit among"):
        Editing(subject="one", allowed=("mass",))
    moved, _ = unpack(payload(trajectories(), editing=editing))
    assert moved["digest"] == "one" and unpack(payload(data))[0]["editing"] is None


@pytest.mark.parametrize(("system", "noun"), [("springs", "particle"), ("kuramoto", "oscillator"), (None, "node"), ("no law", "node")])
def test_nodes_are_called_what_they_are(system: str | None, noun: str) -> None:
    data = replace(trajectories(), edge_types=None, edge_type_names=(), metadata={"system": system})
    header, _ = unpack(payload(data))
    assert header["noun"] == noun and f"The {noun}s" in header["caption"]
