"""A trained model as a folder: config.json, model.safetensors, and README.md, the model card."""

import json
import os
import secrets
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import torch
from jaxtyping import Bool, Float
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from safetensors import SafetensorError
from safetensors.torch import load as load_weights
from safetensors.torch import save as save_weights
from torch import Tensor, nn

from nri_core.dataset import Normalizer, as_tensor, sightings
from nri_core.errors import CheckpointError, ConfigError
from nri_core.models import NRI, ModelSettings
from nri_core.models.objectives import LABELLED
from nri_core.phases import FROM_SINE, read_features, readable
from nri_core.storage import CHECKPOINT_FILES, write_json, write_text
from nri_core.trajectories import Trajectories

FORMAT = 1
MAX_WEIGHT_BYTES = 1024**3


class CheckpointConfig(BaseModel):
    """Everything but the weights: what config.json holds."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    format: Literal[1] = FORMAT
    settings: ModelSettings
    inference: Literal["encoder", "decoder", "law", "none"] = Field(description="How the graph is read, as in the settings of training")
    feature_names: tuple[str, ...]
    window: int = Field(ge=2, le=100_000, description="Frames that inference reads")
    num_nodes: int = Field(ge=2, description="Nodes of the training data")
    dt: float = Field(gt=0)
    normalizer: Normalizer
    unit: Normalizer = Field(description="The reference's units, in which errors are reported")
    relabellings: tuple[tuple[int, ...], ...] = Field(
        (), description="For an ensemble: what the first member calls each edge type of the second, of the third, …"
    )
    metadata: dict[str, Any] = Field(default_factory=dict, description="Recipe, seed, data and measured figures")

    @model_validator(mode="after")
    def _relabellings_fit(self) -> Self:
        types = list(range(self.settings.num_edge_types))
        if any(sorted(relabelling) != types for relabelling in self.relabellings):
            raise ValueError(f"relabellings: expected orders of the edge types {types}; found {self.relabellings}")
        return self


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A model with all that it needs to read new data in the units of the source; `others` are the rest of an ensemble."""

    model: NRI
    config: CheckpointConfig = field(repr=False)
    others: tuple[NRI, ...] = field(default=(), repr=False)

    @property
    def members(self) -> tuple[Self, ...]:
        """Each model of an ensemble on its own, with its own numbering of types; a single model is its only member."""
        alone = self.config.model_copy(update={"relabellings": ()})
        return tuple(replace(self, model=model, config=alone, others=()) for model in (self.model, *self.others))

    @property
    def edge_type_names(self) -> tuple[str, ...]:
        """What the model itself can say about its types: only a silent first type has a meaning."""
        settings = self.config.settings
        first = "none" if settings.skip_first else "type 0"
        return (first, *(f"type {kind}" for kind in range(1, settings.num_edge_types)))

    @property
    def objective(self) -> str | None:
        """What its training minimised, where that is known."""
        return self.config.metadata.get("recipe", {}).get("objective")

    @property
    def device(self) -> torch.device:
        return next(self.model.parameters()).device

    def check(self, data: Trajectories) -> None:
        """Raise CheckpointError, in one sentence, where the model cannot read `data`."""
        config = self.config
        expected = self.model.feature_names if data.metadata.get("phase") == FROM_SINE else config.feature_names
        if data.feature_names != expected:
            raise CheckpointError(
                f"This model was trained on the features {', '.join(config.feature_names)}; these data have "
                f"{', '.join(data.feature_names)}. Choose another model or other data."
            )
        learned, found = config.metadata.get("data", {}).get("system"), data.metadata.get("system")
        if learned and found and learned != found:
            raise CheckpointError(f"This model was trained on {learned}; these data are of {found}. Choose another model or other data.")
        encoder = self.model.encoder
        fewest = 3 if encoder is None else encoder.fewest_frames(config.window)
        if data.num_steps < fewest:
            raise CheckpointError(f"This model reads {fewest} frames or more; these data have {data.num_steps}. Choose longer data.")
        if config.settings.decoder == "joint_lstm" and data.num_nodes != config.num_nodes:
            raise CheckpointError(f"This model reads {config.num_nodes} nodes together; these data have {data.num_nodes}. Choose another model.")
        if not np.isclose(data.dt, config.dt, rtol=1e-3):
            raise CheckpointError(
                f"This model was trained with {config.dt:g} time units between frames; these data have {data.dt:g}. Resample the data or train again."
            )

    def tensor(self, data: Trajectories) -> Float[Tensor, "sim time node dim"]:
        """Values as the model reads them: normalised float32 on its device, gaps filled."""
        return as_tensor(readable(data, self.config.settings), self.config.normalizer, self.device)

    def sightings(self, data: Trajectories) -> Bool[Tensor, "sim time node"] | None:
        """Beside `tensor`: where there was something to read; None where there was everywhere."""
        return sightings(data, self.device)

    def described(self, **metadata: Any) -> Self:
        """The same model with more in its metadata, and so on its card."""
        return replace(self, config=self.config.model_copy(update={"metadata": self.config.metadata | metadata}))

    def save(self, folder: Path) -> None:
        """Write the three files beside `folder`, then swap the folders: a reader never sees half a checkpoint."""
        folder = Path(folder)
        check_folder(folder)
        beside = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.tmp")
        try:
            beside.mkdir(parents=True)
            (beside / "model.safetensors").write_bytes(save_weights(self._weights()))
            write_json(beside / "config.json", self.config.model_dump(mode="json"))
            write_text(beside / "README.md", model_card(self.config))
            if folder.exists():
                retired = beside.with_suffix(".old")
                os.rename(folder, retired)
                os.rename(beside, folder)
                shutil.rmtree(retired)
            else:
                os.rename(beside, folder)
        except OSError as error:
            raise CheckpointError(f"Could not save the model to {folder}: {error.strerror or error}. Free some space or choose another folder.") from error
        finally:
            shutil.rmtree(beside, ignore_errors=True)

    def _weights(self) -> dict[str, Tensor]:
        """The first model's under their own names, which is all that a single model has."""
        prefixed = [("", self.model), *((f"others.{place}.", model) for place, model in enumerate(self.others))]
        return {prefix + name: value.contiguous().cpu() for prefix, model in prefixed for name, value in model.state_dict().items()}

    @classmethod
    def load(cls, folder: Path, *, device: str | torch.device = "cpu") -> Self:
        """Read a checkpoint folder; never unpickles. Raises CheckpointError for anything missing, damaged or from elsewhere."""
        folder = Path(folder)
        config = _read_config(folder / "config.json")
        weights = _read_weights(folder / "model.safetensors")
        try:
            names = read_features(config.settings, config.feature_names)
            count = 1 + len(config.relabellings)
            models = nn.ModuleList(NRI(config.settings, feature_names=names, num_nodes=config.num_nodes, window=config.window) for _ in range(count))
            models.load_state_dict({_place(name): value for name, value in weights.items()})
        except (RuntimeError, ConfigError, ValueError) as error:
            raise CheckpointError(f"The weights in {folder.name}/model.safetensors do not fit its config.json. Copy both from the same model.") from error
        first, *others = models.to(device).eval()
        return cls(first, config, tuple(others))


def _place(name: str) -> str:
    """A weight's name in a list of all members, the first of which is written without a prefix."""
    if not name.startswith("others."):
        return f"0.{name}"
    _, place, rest = name.split(".", 2)
    return f"{int(place) + 1}.{rest}"


def check_folder(folder: Path) -> None:
    """Raise CheckpointError unless `folder` is new, empty, or a model: saving replaces it whole."""
    try:
        found = {path.name for path in folder.iterdir()} if folder.exists() else set()
        folder.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CheckpointError(f"Expected a folder for the model; {folder} cannot be written ({error.strerror}). Choose another.") from error
    if other := sorted(found - set(CHECKPOINT_FILES)):
        raise CheckpointError(f"Expected a new folder, or one with a model to replace; {folder} holds {other[0]!r}. Choose another.")


def _read_config(path: Path) -> CheckpointConfig:
    try:
        return CheckpointConfig.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CheckpointError(f"Expected a model folder with config.json and model.safetensors; {path} cannot be read. Check the path.") from error
    except (ValidationError, UnicodeDecodeError) as error:
        reason = error.errors()[0] if isinstance(error, ValidationError) else {"loc": (), "msg": "not text"}
        where = ".".join(map(str, reason["loc"])) or "file"
        raise CheckpointError(f"Expected the config.json of an NRI Explorer model; {where}: {reason['msg']}. Save the model again.") from error


def _read_weights(path: Path) -> dict[str, torch.Tensor]:
    try:
        if path.stat().st_size > MAX_WEIGHT_BYTES:
            raise CheckpointError(f"Expected at most 1 GB of weights; {path.name} is larger. It is not a model of NRI Explorer.")
        weights = load_weights(path.read_bytes())
    except OSError as error:
        raise CheckpointError(f"Expected the weights at {path}; the file cannot be read. Check the path.") from error
    except (SafetensorError, ValueError) as error:
        raise CheckpointError(f"Expected weights in safetensors format; {path.name} is damaged ({error}). Copy it again.") from error
    if not all(torch.isfinite(weight).all() for weight in weights.values() if weight.is_floating_point()):
        raise CheckpointError(f"Expected finite weights; {path.name} holds NaN or infinity. Train again.")
    return weights


def model_card(config: CheckpointConfig) -> str:
    """The README.md of a checkpoint: what it is, what it was made from, how good it was, and the command."""
    settings, metadata = config.settings, config.metadata
    reading = {"decoder": "read through the decoder", "law": "read through the decoder and once more through the forecaster's law", "encoder": "read by the encoder", "none": "not read"}[config.inference]
    rows = [
        "# A relational inference model",
        "",
        f"Encoder `{settings.encoder}`, decoder `{settings.decoder}`, likelihood `{settings.likelihood}`, "
        f"{settings.num_edge_types} edge types; the graph is {reading} from {config.window} frames.",
        *([f"An ensemble: the mean of {1 + len(config.relabellings)} models of this kind."] if config.relabellings else []),
        f"Trained {'with' if metadata.get('recipe', {}).get('objective') in LABELLED else 'without'} edge labels; "
        "accuracies are up to relabelling of edge types.",
        "",
    ]
    for title, value in metadata.items():
        text = json.dumps(value, indent=2) if isinstance(value, dict | list) else str(value)
        rows += [f"## {title.capitalize()}", "", "```", text, "```", ""]
    return "\n".join(rows)


