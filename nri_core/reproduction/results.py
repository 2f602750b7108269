"""What a cell of a table came to: one JSON file each, written beside and renamed, so that a run resumes where it stopped."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from nri_core.errors import DataError
from nri_core.storage import write_json

FOLDER = "reproduction"  # of the user's own results, among the runs


class Cell(NamedTuple):
    """One training of one method: `recipe` is "paper" (its parts and settings) or "ours"."""

    system: str
    method: str
    recipe: str
    seed: int

    @property
    def name(self) -> str:
        """Its file, without the ending."""
        return f"{self.system}-{self.method}-{self.recipe}-seed{self.seed}"


class CellResult(BaseModel):
    """Figures on the test simulations, and what they cost. `failure` says why there are none."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    format: Literal[1] = 1
    system: str
    method: str
    recipe: Literal["paper", "ours"]
    seed: int = Field(ge=0)
    protocol: int = Field(description="How it was measured")
    recipe_settings: dict[str, Any] = Field(default_factory=dict, description="Of the training; empty where nothing is trained")
    law_settings: dict[str, Any] = Field(default_factory=dict, description="Of the simulations")
    features: tuple[str, ...] = Field((), description="What the model saw")
    objective: str = ""
    inference: str = Field("", description="How the graph was read")
    seconds: float = Field(0.0, ge=0, description="Of training")
    draws: int = Field(0, ge=0, description="Simulations drawn in training, repeats counted")
    train_sims: int = Field(0, ge=0, description="Different simulations to draw from")
    test_sims: int = Field(0, ge=0)
    finished: bool = Field(
        True, description="Whether the training ended by itself rather than at its time limit, and the test set is whole"
    )
    device: str = ""
    edge_accuracy: float | None = Field(None, ge=0, le=1, description="By the recipe's own way of reading, up to one relabelling")
    edge_accuracy_encoder: float | None = Field(None, ge=0, le=1, description="By the encoder alone")
    mse: dict[str, float] = Field(default_factory=dict, description="By frames ahead")
    failure: str = ""

    @property
    def cell(self) -> Cell:
        """Which one."""
        return Cell(self.system, self.method, self.recipe, self.seed)


def path_of(folder: Path, cell: Cell) -> Path:
    """Where the result of `cell` lies."""
    return folder / "cells" / f"{cell.name}.json"


def write_result(folder: Path, result: CellResult) -> None:
    """Replace the cell's file in one step."""
    write_json(path_of(folder, result.cell), result.model_dump(mode="json"))


def read_result(folder: Path, cell: Cell, *, is_current: Callable[[CellResult], bool]) -> CellResult | None:
    """The cell's result; None where there is none, where the file is damaged, or where it had other settings: then it runs again."""
    try:
        result = CellResult.model_validate_json(path_of(folder, cell).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValidationError, UnicodeDecodeError):
        return None
    except OSError as error:
        raise DataError(
            f"Expected results in {folder}; {path_of(folder, cell).name} cannot be read ({error.strerror}). Choose another folder."
        ) from error
    return result if result.cell == cell and is_current(result) else None


def highest_seed(folder: Path) -> int:
    """Of the results in `folder`; 0 where there are none."""
    return max(
        (
            int(path.stem.rpartition("-seed")[2])
            for path in folder.glob("cells/*-seed*.json")
            if path.stem.rpartition("-seed")[2].isdecimal()
        ),
        default=0,
    )
