"""The page "Inside the model" without a browser: every stage, every kind of model, and what it says about a bad address."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from nri_core.checkpoint import Checkpoint
from nri_core.inference import infer_edges
from nri_core.stages import stages
from nri_core.trajectories import Trajectories
from tests.pages import opened
from tests.test_stages import data, model
from ui.state import Dataset, Model

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.slow


def shown(app: AppTest) -> list[str]:
    """The two equations."""
    assert not app.exception and not app.error
    return [element.value for element in app.get("latex")] or [element.value for element in app.markdown if "\\small" in element.value]


def click(app: AppTest, label: str) -> AppTest:
    return next(button for button in app.button if button.label == label).click().run()


def trained(folder: Path, paths: Trajectories, **settings: object) -> dict[str, object]:
    """A session with data and a model of its own."""
    model(paths, **settings).save(folder)
    return {"dataset": Dataset("a test", paths), "model": Model("a model", folder)}


@pytest.mark.parametrize("name", ["springs5", "charged5", "kuramoto5"])
def test_next_steps_through_all_stages_with_the_numbers_of_the_library(name: str) -> None:
    app = opened("inside", of=name, sender="3", receiver="2")
    checkpoint = Checkpoint.load(ROOT / "sample_data" / "models" / name)
    found = stages(checkpoint, Trajectories.load(ROOT / "sample_data" / f"{name}.npz"), 0, (1, 2), frame=48)
    for place, stage in enumerate(found):
        equation, filled = shown(app)
        assert stage.equation in equation and stage.filled in filled, stage.key
        assert len(app.get("plotly_chart")) >= (stage.key != "paths")
        if place + 1 < len(found):
            app = click(app, "Next")
    assert next(button for button in app.button if button.label == "Next").disabled
    click(app, "Previous")


def test_where_the_encoder_alone_said_otherwise_that_is_told() -> None:
    data = Trajectories.load(ROOT / "sample_data" / "charged10.npz").select(slice(19, 20))
    model = Checkpoint.load(ROOT / "sample_data" / "models" / "charged10")
    at_first, ends = (infer_edges(model, data, inference=way).edge_types[0] for way in ("encoder", None))
    for (receiver, sender), differs in ((np.argwhere(at_first != ends)[0], True), (np.argwhere((at_first == ends) & ~np.eye(10, dtype=bool))[0], False)):
        app = opened("inside", of="charged10", no="20", sender=str(sender + 1), receiver=str(receiver + 1))
        (told,) = (caption.value for caption in app.caption if "in the end the model says" in caption.value)
        assert ("the encoder alone" in told) is differs


def test_the_address_names_stage_edge_and_sample() -> None:
    app = opened("inside", stage="Sample", sender="4", receiver="2", seed="7", temperature="2.0", frame="10")
    checkpoint = Checkpoint.load(ROOT / "sample_data" / "models" / "springs5")
    found = stages(checkpoint, Trajectories.load(ROOT / "sample_data" / "springs5.npz"), 0, (1, 3), frame=10, seed=7, temperature=2.0)
    (drawn,) = (stage for stage in found if stage.key == "sample")
    assert drawn.filled in shown(app)[1]
    again = click(app, "Draw again")
    assert drawn.filled not in shown(again)[1] and again.number_input(key="seed").value == 8


@pytest.mark.parametrize("address", [{"stage": "Nonsense"}, {"sender": "99"}, {"frame": "1000"}, {"graph": "<b>"}, {"seed": "-4"}, {"temperature": "x"}])
def test_an_address_edited_by_hand_leaves_a_page(address: dict[str, str]) -> None:
    app = opened("inside", **address)
    assert len(shown(app)) == 2


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"encoder": "none", "decoder": "lstm", "inference": "none"}, "infers no graph"),
        ({"encoder": "none", "decoder": "mlp", "inference": "decoder"}, "has no encoder"),
        ({"encoder": "cnn", "decoder": "rnn", "num_edge_types": 4}, ""),
        ({"encoder": "mlp", "decoder": "none"}, ""),
    ],
)
def test_models_of_every_kind(settings: dict[str, object], words: str, tmp_path: Path) -> None:
    app = opened("inside", session=trained(tmp_path / "model", data(), **settings))
    while not next(button for button in app.button if button.label == "Next").disabled:
        assert len(shown(app)) == 2
        app = click(app, "Next")
    assert words in " ".join(element.value for element in app.markdown)


def test_many_nodes_gaps_and_names_that_are_markup(tmp_path: Path) -> None:
    many = data(num_nodes=40)
    observed = np.ones(many.values.shape[:3], bool)
    observed[:, 5:8, ::3] = False
    names = ("<img src=x>", "$\\frac$", "a**b**", *(f"n{node}" for node in range(3, 40)))
    paths = replace(many, observed=observed, node_names=names)
    app = opened("inside", session=trained(tmp_path / "model", paths, encoder="edgewise", decoder="relative", inference="decoder"))
    assert "with so many nodes that takes minutes" in " ".join(element.value for element in app.markdown)
    while not next(button for button in app.button if button.label == "Next").disabled:
        assert len(shown(app)) == 2
        app = click(app, "Next")


def test_data_that_the_model_cannot_read_are_said_with_a_way_on() -> None:
    app = opened("inside", of="kuramoto5", by="springs5")
    assert not app.exception and "was trained on" in app.error[0].value
    assert any("Read by" in button.label for button in app.button) and not any(button.label == "Read by correlation" for button in app.button)


def test_types_without_a_truth_go_by_what_they_do_as_on_other_pages() -> None:
    unlabelled = replace(Trajectories.load(ROOT / "sample_data" / "springs5.npz"), edge_types=None, edge_type_names=())
    session = {"dataset": Dataset("mine", unlabelled), "model": Model("springs", ROOT / "sample_data" / "models" / "springs5")}
    app = opened("inside", session=session, stage="Posterior")
    assert not app.exception and list(app.dataframe[-1].value.columns) == ["none", "pulls together"]
