"""What the pages call things: settings in plain words, and the kinds of system. Imports no streamlit."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nri_core.player.payload import NOUNS

NAMES = {
    "num_sims": "Simulations",
    "num_nodes": "Particles",
    "num_steps": "Frames",
    "seed": "Seed",
    "probability": "Share of pairs joined",
    "strengths": "Spring strengths",
    "directed": "Each direction on its own",
    "noise": "Noise on what is seen",
    "features": "What is stored",
    "label_leak": "Leak of the labels",
    "num_edge_types": "Edge types",
    "forecaster": "Forecaster",
    "forecast_members": "Paths that a forecast averages",
    "precision": "Arithmetic",
    "skip_first": "The first type is “none”",
    "undirected": "Both directions alike",
    "edge_prior": "Expected share of each type",
    "encoder_hidden": "Width of the encoder",
    "encoder_dropout": "Dropout of the encoder",
    "factor_graph": "Edges hear of other edges",
    "decoder_hidden": "Width of the decoder",
    "likelihood": "Distribution of errors",
    "law": "True law",
    "law_steps": "Steps of the law in a frame",
    "objective": "What to minimise",
    "inference": "How the graph is read",
    "normalization": "Scale of the data",
    "symmetries": "Mirror and swap the axes",
    "window": "Frames read",
    "batch_size": "Systems in a step",
    "epoch_size": "Systems in an epoch",
    "learning_rate": "Largest learning rate",
    "schedule": "Course of the learning rate",
    "keep_best": "Keep the best epoch",
    "temperature": "Softness of the samples",
    "hard": "One-hot samples",
    "prediction_steps": "Frames predicted in a row",
    "burn_in": "True frames before it runs alone",
    "threads": "CPU threads",
    "max_seconds": "Time limit (s)",
}


METHODS = {
    "correlation": "Correlation of paths",
    "partial_correlation": "Partial correlation",
    "mutual_information": "Mutual information",
    "granger": "Granger causality",
    "known_law": "Regression on a known law",
}


def called(field: str) -> str:
    """The setting or the method in plain words; one without an entry by its own name: `box_size` → "Box size"."""
    words = field.replace("_", " ")
    return (NAMES | METHODS).get(field) or words[:1].upper() + words[1:]


@dataclass(frozen=True)
class Law:
    """A kind of system: its name in menus, what Simulate and Explore say of it."""

    title: str
    simulated: str
    watched: str


LAWS = {
    "springs": Law(
        "Springs",
        "Invisible springs pull some pairs of particles together. Every simulation draws its own.",
        "Invisible springs join some of these particles. A model that watched only their motion inferred which. A spring pulls both ends: two arrows.",
    ),
    "charged": Law(
        "Charges",
        "Like charges repel each other, unlike ones attract. Every simulation draws its own.",
        "Each particle has a hidden charge. A model that watched only their motion inferred who attracts and who repels whom.",
    ),
    "kuramoto": Law(
        "Oscillators",
        "Oscillators go round at their own pace, and some pairs pull each other into step. Every simulation draws its own.",
        "Some of these oscillators pull each other into step. A model that watched only their phases inferred which.",
    ),
}


def law_of(metadata: Mapping[str, Any]) -> Law | None:
    """The kind of system that data were simulated from, where they say so."""
    return LAWS.get(str(metadata.get("system")))


def sample_title(name: str) -> str:
    """`charged10` → "Charges, 10 particles"."""
    system, nodes = re.fullmatch(r"([a-z_]+?)(\d*)", name).groups()
    law = LAWS.get(system)
    return f"{law.title}, {nodes} {NOUNS[system]}s" if law and nodes else name


def moment(when: datetime) -> str:
    """On the clock of this machine: "28 November 23:14"."""
    here = when.astimezone()
    return f"{here.day} {here:%B %H:%M}"


def literal(text: str) -> str:
    """What people typed, without meaning to Markdown: a name must not load a picture from somewhere."""
    return re.sub(r"([\\`*_\[\]<>#|~$:])", r"\\\1", text)


def sentence(text: str) -> str:
    """What the library says, with what people typed in it: columns and files, which stand between backticks, in quotation marks; nothing means anything to Markdown."""
    return literal(re.sub(r"`([^`\n]*)`", r"“\1”", text))


def written(value: Any) -> str:
    """A setting's value in words: of shares, an empty tuple says that all are alike."""
    if value is None or isinstance(value, bool):
        return {None: "–", False: "no", True: "yes"}[value]
    if isinstance(value, tuple):
        return ", ".join(map(written, value)) or "all alike"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def distinct(names: Sequence[str]) -> list[str]:
    """Several may have one name: number those that do."""
    return [name if names.count(name) == 1 else f"{name} ({names[: place + 1].count(name)})" for place, name in enumerate(names)]
