"""Which cells there are, and the settings of each: the paper's recipe and ours."""

import re
from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError

from nri_core.errors import ConfigError
from nri_core.reproduction.paper import SYSTEMS as NAMES
from nri_core.reproduction.paper import TABLES
from nri_core.reproduction.results import Cell, CellResult
from nri_core.settings import PRESETS, TrainConfig, suited
from nri_core.systems import SYSTEMS, System

UNTRAINED = ("static", "correlation")
PROTOCOL = 1  # raised when figures are measured in another way, so that older ones run again
NOT_OF_THE_RESULT = {"seed", "max_seconds", "threads", "precision"}  # other than by chance and rounding

FULL_GRAPH = {"objective": "full_graph", "encoder": "none", "inference": "none"}

# What the recipe of each method changes, beside its parts. They run in this order: what is cheap and what matters most
# first, so that a small budget starts every system.
RECIPES: dict[tuple[str, str], dict[str, Any]] = {
    ("static", "paper"): {},
    ("correlation", "paper"): {},
    ("marginal", "ours"): {},
    ("nri", "ours"): {"objective": "elbo", "prediction_steps": 1},
    ("nri", "paper"): {},
    ("supervised", "ours"): {"objective": "supervised", "decoder": "none", "inference": "encoder"},
    ("supervised", "paper"): {"objective": "supervised", "decoder": "none", "encoder_hidden": 512, "encoder_dropout": 0.5},
    ("true_graph", "ours"): {"objective": "true_graph", "encoder": "none", "prediction_steps": 1},
    ("true_graph", "paper"): {"objective": "true_graph", "encoder": "none", "inference": "decoder"},
    ("full_graph", "ours"): FULL_GRAPH | {"prediction_steps": 1},
    ("full_graph", "paper"): FULL_GRAPH,
    ("lstm", "paper"): FULL_GRAPH | {"decoder": "lstm"},
    ("joint_lstm", "paper"): FULL_GRAPH | {"decoder": "joint_lstm"},
    ("nri_simulated", "ours"): {"objective": "elbo", "decoder": "simulated", "inference": "encoder", "prediction_steps": 1},
    ("nri_simulated", "paper"): {"decoder": "simulated"},
}
ORDER = list(RECIPES)


def law_of(cell: Cell) -> System:
    """The physics, and for Kuramoto what is seen of it: the paper's recipe sees the paper's features."""
    law = SYSTEMS[re.sub(r"\d+", "", cell.system)]
    sees_paper_features = "features" in law.model_fields and cell.recipe == "paper"
    return law(features="paper") if sees_paper_features else law()


def num_nodes(system: str) -> int:
    """springs5 → 5."""
    return int(re.sub(r"\D", "", system))


def settings_of(cell: Cell) -> TrainConfig | None:
    """The recipe of a cell; None where nothing is trained."""
    if cell.method in UNTRAINED:
        return None
    name, law = re.sub(r"\d+", "", cell.system), law_of(cell)
    base = (
        PRESETS["live"] if cell.recipe == "ours" else PRESETS["paper"].model_copy(update={"encoder": "mlp" if name == "springs" else "cnn"})
    )
    base = suited(base, law.edge_type_names, law.feature_names)
    changes = RECIPES[cell.method, cell.recipe] | {"law": name, "seed": cell.seed}
    if (cell.method, name) == ("marginal", "charged"):
        changes["forecaster"] = "stepped"  # close encounters ruin the mean of what the decoder alone forecasts
    return TrainConfig.model_validate(base.model_dump() | changes)


def described(cell: Cell) -> dict[str, Any]:
    """All that decides what a cell comes to, as its result keeps it."""
    settings = settings_of(cell)
    recipe = {} if settings is None else settings.model_dump(mode="json")
    return {**cell._asdict(), "protocol": PROTOCOL, "recipe_settings": recipe, "law_settings": law_of(cell).model_dump(mode="json")}


def is_current(result: CellResult) -> bool:
    """Whether the cell would be run with the same settings today; settings that are newer than the result count as their defaults."""
    today, law = settings_of(result.cell), law_of(result.cell)
    try:
        then = TrainConfig.model_validate(result.recipe_settings) if result.recipe_settings else None
        same_law = type(law).model_validate(result.law_settings) == law
    except ValidationError:
        return False
    same_recipe = (then is None) == (today is None) and (today is None or _of_the_result(then) == _of_the_result(today))
    return same_law and same_recipe and result.protocol == PROTOCOL


def _of_the_result(settings: TrainConfig) -> dict[str, Any]:
    return settings.model_dump(exclude=NOT_OF_THE_RESULT)


def cells_of(table: str, systems: Iterable[str], seeds: int) -> list[Cell]:
    """The cells of a table in the order in which they run: first one seed of everything, the cheap methods before the dear ones.

    Raises ConfigError for an unknown system.
    """
    systems = tuple(dict.fromkeys(systems))
    if unknown := [system for system in systems if system not in NAMES]:
        raise ConfigError(f"Expected systems among {', '.join(NAMES)}; found {unknown[0]!r}.")
    cells = []
    for seed in range(seeds):
        for method, recipe in ORDER:
            if method in TABLES[table] and (seed == 0 or method not in UNTRAINED):
                cells += [Cell(system, method, recipe, seed) for system in systems if _exists(method, system)]
    return cells


def _exists(method: str, system: str) -> bool:
    return not (method == "nri_simulated" and system.startswith("kuramoto"))  # the paper's features do not hold the law's state
