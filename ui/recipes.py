"""The settings of a training beyond the few main ones: grouped, explained, and refused beside the form where they cannot work."""

import itertools
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import streamlit as st
from pydantic import ValidationError
from streamlit.delta_generator import DeltaGenerator

from nri_core.errors import NRIError
from nri_core.settings import PRESETS, UNREAD, WITHOUT_GRAPH, TrainConfig, suited
from nri_core.snippets import Data, Trained
from nri_core.trajectories import Trajectories
from ui import state
from ui.forms import ask, choices_of, validated
from ui.names import called, sentence

PARTS = ("objective", "encoder", "decoder", "forecaster", "inference")
MEANINGS = {
    "distilled": "Sums over all graphs, and teaches an encoder what that finds. Not the paper's.",
    "marginal": "Sums over all graphs, without an encoder. Not the paper's.",
    "elbo": "The paper's: the encoder guesses a graph, the decoder predicts under it.",
    "supervised": "A baseline: the encoder is told the true graphs.",
    "true_graph": "A baseline: the decoder is told the true graphs.",
    "full_graph": "A baseline: everybody acts on everybody.",
    "empty_graph": "A baseline: nobody acts on anybody.",
    "edgewise": "Reads each pair by its relative motion. Not the paper's.",
    "phase": "For oscillators, from their phases. Not the paper's.",
    "mlp": "The paper's, of dense layers.",
    "cnn": "The paper's, convolutions over time.",
    "relative": "Sees only relative positions and velocities. Not the paper's.",
    "rnn": "The paper's, with a memory.",
    "simulated": "The true law itself; only the encoder learns.",
    "lstm": "A baseline without a graph, one node at a time.",
    "stepped": "Learns a law of force and takes small steps. Not the paper's.",
    "joint_lstm": "A baseline without a graph, all nodes at once.",
    "decoder": "By asking under which graph the decoder predicts best.",
    "encoder": "By the encoder alone, at once.",
}
NONE_MEANS = {"encoder": "No encoder.", "decoder": "No decoder: nothing is predicted.", "forecaster": "The decoder forecasts.", "inference": "Not at all."}
GROUPS: dict[str, tuple[str, tuple[str, ...]]] = {
    "Edge types": ("What kinds of interaction there may be.", ("num_edge_types", "skip_first", "undirected", "edge_prior")),
    "Encoder": ("The network that reads the graph off the motion.", ("encoder_hidden", "encoder_dropout", "factor_graph", "temperature", "hard")),
    "Decoder": (
        "What predicts the motion from the graph.",
        ("decoder_hidden", "likelihood", "forecast_members", "law", "law_steps", "prediction_steps", "burn_in"),
    ),
    "Data": ("How much of the recordings is read, and how.", ("window", "normalization", "symmetries")),
    "Optimiser": ("How the weights are found. It is Adam.", ("learning_rate", "schedule", "batch_size", "epoch_size", "keep_best", "seed")),
}
SUITED = ("num_edge_types", "skip_first", "encoder", "decoder", "forecaster", "symmetries")  # what `suited` may change
_PREDICTING = ("elbo", "true_graph", *UNREAD)


def suited_to(preset: str, watch: Trajectories | None, *, prefix: str) -> TrainConfig:
    """The preset with parts and edge types that suit the data; widgets that are on the page already follow when the data change."""
    if watch is None:
        return PRESETS[preset]
    start = suited(PRESETS[preset], watch.edge_type_names, watch.feature_names)
    fitted = {prefix + name: getattr(start, name) for name in SUITED}
    if state.changed(prefix, fitted):
        state.choose(fitted)
    return start


def ask_others(*, without: Collection[str], start: TrainConfig, prefix: str, notes: DeltaGenerator) -> dict[str, Any]:
    """Widgets for every setting but `without`: first the parts, then, group by group, what matters to them."""
    parts = {}
    with st.grid(3):
        for name in PARTS:
            with st.container():
                parts |= ask(TrainConfig, [name], start=start, prefix=prefix, notes=notes)
                chosen = parts[name]
                st.caption(NONE_MEANS[name] if chosen == "none" else MEANINGS.get(chosen, ""))
    asked = {*without, *PARTS, *(name for _, names in GROUPS.values() for name in names)}
    rest = tuple(name for name in TrainConfig.model_fields if name not in asked)
    groups = GROUPS | {"Machine": ("What it runs on.", rest)}
    for (meaning, names), tab in zip(groups.values(), st.tabs(list(groups)), strict=True):
        with tab:
            st.caption(meaning)
            with st.grid(3):
                parts |= ask(TrainConfig, [name for name in names if matters(name, parts)], start=start, prefix=prefix, notes=notes)
    return {name: getattr(start, name) for name in TrainConfig.model_fields if name not in without} | parts


def matters(name: str, parts: Mapping[str, str]) -> bool:
    """Whether a setting changes anything, given the four parts."""
    objective, encoder, decoder = parts["objective"], parts["encoder"], parts["decoder"]
    remembers = decoder in ("rnn", *WITHOUT_GRAPH)
    never = {
        "encoder_hidden": encoder == "none",
        "encoder_dropout": encoder not in ("mlp", "cnn"),
        "factor_graph": encoder not in ("mlp", "cnn"),
        "temperature": objective != "elbo",
        "hard": objective != "elbo",
        "decoder_hidden": decoder in ("none", "simulated"),
        "likelihood": decoder == "none",
        "forecast_members": parts["forecaster"] == "none",
        "law": decoder != "simulated",
        "law_steps": decoder != "simulated",
        "prediction_steps": objective not in _PREDICTING or remembers,
        "burn_in": not remembers,
    }
    return not never.get(name, False)


def screen(data: Data, preset: str, config: TrainConfig, start: TrainConfig) -> Trained:
    """This training in the words of a snippet."""
    return Trained(data=data, preset=preset, changes={name: getattr(config, name) for name in TrainConfig.model_fields if getattr(config, name) != getattr(start, name)})


def settled(answers: Mapping[str, Any], watch: Trajectories | None, *, start: TrainConfig, prefix: str) -> TrainConfig | None:
    """The recipe, if it can be trained on data like `watch`; else None, with what is in the way and a button that clears it."""
    try:
        return _trainable(answers, watch)
    except NRIError as error:
        st.error(sentence(str(error)), icon=":material/error:")
        if changes := way_out(answers, watch, start=start):
            label = "Use " + ", ".join(f"{called(name).lower()}: {value}" for name, value in changes.items())
            keys = {prefix + name: value for name, value in changes.items()}
            st.button(label, on_click=state.choose, args=(keys,), icon=":material/auto_fix_high:", width="stretch")
        return None


def way_out(answers: Mapping[str, Any], watch: Trajectories | None, *, start: TrainConfig) -> dict[str, Any]:
    """The fewest changes that make it work, rather of what the user left as it was; empty if none does."""
    for changes in _changes(answers, start):
        try:
            _trainable({**answers, **changes}, watch)
        except NRIError:
            continue
        return changes
    return {}


def _changes(answers: Mapping[str, Any], start: TrainConfig) -> Iterator[dict[str, Any]]:
    """Changes that make the settings agree with each other, the least first."""
    values = {name: dict.fromkeys((answers[name], *choices_of(TrainConfig, name))) for name in PARTS}
    values |= {name: dict.fromkeys((answers[name], 1)) for name in ("prediction_steps", "burn_in")}
    found = []
    for combination in itertools.product(*values.values()):
        changes = {name: value for name, value in zip(values, combination, strict=True) if value != answers[name]}
        cost = sum(10 if answers[name] != getattr(start, name) else 1 for name in changes)
        if changes and cost < 30:
            found.append((cost, len(found), changes))
    for _, _, changes in sorted(found, key=lambda one: one[:2]):
        try:
            TrainConfig(**{**answers, **changes})
        except ValidationError:
            continue
        yield changes


def _trainable(answers: Mapping[str, Any], watch: Trajectories | None) -> TrainConfig:
    config = validated(TrainConfig, answers)
    if watch is not None:
        from nri_core.training import check  # torch: after the page has painted

        check(watch, config)
    return config
