"""Settings that cannot work are refused when they are made, in a sentence that says what to change."""

import pytest
from pydantic import ValidationError

from nri_core.settings import ADDITIVE_DECODERS, PRESETS, TrainConfig, suited


def changed(**changes: object) -> TrainConfig:
    return TrainConfig(**PRESETS["live"].model_dump() | changes)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"num_edge_types": 1}, "greater than or equal to 2"),
        ({"objective": "marginal"}, "goes with no encoder"),
        ({"encoder": "none"}, "goes with an encoder"),
        ({"decoder": "rnn"}, "Choose the elbo objective"),
        ({"decoder": "rnn", "objective": "elbo"}, "choose inference by the encoder"),
        ({"decoder": "rnn", "objective": "elbo", "inference": "encoder", "burn_in": 49}, "burn-in below the window of 49"),
        ({"decoder": "lstm", "objective": "elbo", "inference": "encoder"}, "full_graph"),
        ({"decoder": "none"}, "supervised"),
        ({"objective": "supervised", "inference": "encoder"}, "decoder none"),
        ({"objective": "full_graph", "encoder": "none"}, "inference none"),
        ({"objective": "true_graph", "encoder": "none", "decoder": "simulated", "inference": "encoder"}, "nothing to learn"),
        ({"inference": "law"}, "choose the forecaster stepped"),
        ({"forecaster": "stepped", "objective": "elbo"}, "Choose forecaster none"),
        ({"edge_prior": (0.5, 0.4)}, "add up to 1"),
        ({"edge_prior": (1.0,)}, "expected 2 shares"),
        ({"edge_prior": (1.0, 0.0)}, "above 0"),
    ],
)
def test_impossible_settings_are_refused_in_a_sentence(changes: dict[str, object], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        changed(**changes)


@pytest.mark.parametrize("decoder", ADDITIVE_DECODERS)
def test_every_additive_decoder_goes_with_sums_over_graphs(decoder: str) -> None:
    assert changed(decoder=decoder).additive
    assert changed(decoder=decoder, encoder="none", objective="marginal").prior == (0.5, 0.5)


def test_the_names_suit_the_recipe_and_nothing_else() -> None:
    live, plane = PRESETS["live"], ("x", "y", "vx", "vy")
    assert suited(live, ()) == live == suited(live, ("none", "spring"), plane)
    charged = suited(live, ("attract", "repel"), plane)
    assert not charged.skip_first and charged.num_edge_types == 2 and charged.decoder == "relative"
    assert suited(live, ("none", "weak", "strong")).num_edge_types == 3
    oscillators = suited(live, ("none", "coupled"), ("dphi", "sin_phi", "phase", "omega"))
    assert (oscillators.encoder, oscillators.decoder, oscillators.symmetries) == ("phase", "phase", False)
    assert suited(live, (), ("temperature",)).decoder == "mlp"
    assert suited(PRESETS["paper"], (), ("temperature",)) == PRESETS["paper"]
