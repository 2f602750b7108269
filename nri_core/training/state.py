"""Where a training stands, to the bit: what another process needs to go on as if nothing had happened."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from nri_core.errors import CheckpointError
from nri_core.settings import TrainConfig
from nri_core.storage import writing

FORMAT = 1
KEY = "nri training state"
MISFIT = "The state of this training does not fit its settings: it is damaged. Start the training again."


class Progress(BaseModel):
    """Everything that is not a tensor. `data` is the digest of the training data."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    format: int = FORMAT
    config: TrainConfig
    data: str
    epoch: int = Field(ge=1)
    samples: int = Field(ge=0)
    seconds: float = Field(ge=0)
    best: float | None  # None: infinity
    finished: bool


@dataclass(frozen=True, eq=False)
class TrainingState:
    """Weights, the best weights so far, the optimiser's moments, the random generator, and the simulations of this pass still to come."""

    progress: Progress
    tensors: dict[str, Tensor] = field(repr=False)

    @property
    def epoch(self) -> int:
        """The last one that was finished."""
        return self.progress.epoch

    @classmethod
    def take(
        cls, progress: Progress, model: torch.nn.Module, best: torch.nn.Module, optimizer: torch.optim.Optimizer, generator: torch.Generator, left: Tensor
    ) -> Self:
        """A copy of all that the next step will change."""
        parts: dict[str, Tensor] = {"generator": generator.get_state(), "left": left}
        parts |= {f"model.{name}": value for name, value in model.state_dict().items()}
        if best is not model:
            parts |= {f"best.{name}": value for name, value in best.state_dict().items()}
        for place, parameter in enumerate(model.parameters()):
            parts |= {f"optimizer.{place}.{name}": value for name, value in optimizer.state.get(parameter, {}).items()}
        return cls(progress, {name: value.detach().cpu().clone().contiguous() for name, value in parts.items()})

    def check(self, config: TrainConfig, data: str) -> None:
        """Raise CheckpointError where this is the state of another training."""
        if self.progress.config != config:
            raise CheckpointError("Expected the state of a training with the same settings; it is of others. Start the training again.")
        if self.progress.data != data:
            raise CheckpointError("Expected the state of a training on the same data; it is of others. Start the training again.")

    def restore(self, model: torch.nn.Module, best: torch.nn.Module, optimizer: torch.optim.Optimizer, generator: torch.Generator) -> None:
        """Put everything but `left` back in place. Raises CheckpointError where it does not fit."""
        try:
            model.load_state_dict(self._under("model."))
            if best is not model:
                best.load_state_dict(self._under("best."))
            for place, parameter in enumerate(model.parameters()):
                if moments := self._under(f"optimizer.{place}."):
                    _expect(_shapes(moments) == {"step": (), "exp_avg": parameter.shape, "exp_avg_sq": parameter.shape})
                    # Fused Adam keeps its step count on the parameter's device.
                    optimizer.state[parameter] = {name: value.to(parameter.device) for name, value in moments.items()}
            _expect(bool(optimizer.state))
            generator.set_state(self.tensors["generator"])
        except (RuntimeError, KeyError, TypeError, ValueError) as error:
            raise CheckpointError(MISFIT) from error

    def left(self, num_sims: int) -> Tensor:
        """The simulations of this pass that are still to come. Raises CheckpointError where there are no such ones."""
        left = self.tensors.get("left", torch.empty(0))
        if left.dtype != torch.int64 or left.ndim != 1 or not set(left.tolist()) <= set(range(num_sims)):
            raise CheckpointError(MISFIT)
        return left

    def _under(self, prefix: str) -> dict[str, Tensor]:
        return {name.removeprefix(prefix): value for name, value in self.tensors.items() if name.startswith(prefix)}

    def weights(self) -> dict[str, Tensor]:
        """Of the model that a checkpoint holds: the best so far, where that is kept."""
        return self._under("best.") or self._under("model.")

    def save(self, path: Path) -> None:
        """Replace the file in one step."""
        content = save(self.tensors, metadata={KEY: self.progress.model_dump_json()})
        with writing(path) as beside:
            beside.write_bytes(content)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote; never unpickles. Raises CheckpointError."""
        try:
            with safe_open(path, framework="pt") as file:
                progress = _progress((file.metadata() or {})[KEY])
                return cls(progress, {name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118: it is no dict
        except (OSError, SafetensorError, KeyError, ValueError, ValidationError) as error:
            raise CheckpointError(f"The state of the training in {path.name} cannot be read ({_short(error)}). Start the training again.") from error


def _expect(fits: bool) -> None:
    if not fits:
        raise ValueError("not as it was saved")


def _shapes(tensors: dict[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in tensors.items()}


def _progress(text: str) -> Progress:
    found: Any = json.loads(text)
    if isinstance(found, dict) and isinstance(found.get("format"), int) and found["format"] > FORMAT:
        raise ValueError(f"it is of a newer version, format {found['format']}")
    return Progress.model_validate(found)


def _short(error: Exception) -> str:
    return error.errors()[0]["msg"] if isinstance(error, ValidationError) else " ".join(str(error).split())[:200]
