"""What a training says of itself after each epoch."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from nri_core.checkpoint import Checkpoint
from nri_core.posterior import EdgePosterior
from nri_core.training.state import TrainingState

NOT_METRICS = ("watched", "checkpoint", "losses", "state")


@dataclass(frozen=True, eq=False)
class EpochRecord:
    """Where the training stands after an epoch. Losses are means over the epoch; accuracies are on validation data, up to relabelling.

    These are the first `valid_sims` simulations that are held out. `valid_relabelling[k]` is the true type that inferred type k
    stands for in `edge_accuracy`. `valid_mse` is the error of free forecasts by frames ahead, in the reference's units, after
    the last epoch and each that is long enough for it to cost little, else None. `checkpoint` shares its weights with
    the training, and `state()` copies them: save or use both before asking for the next record.
    """

    epoch: int
    num_epochs: int
    seconds: float
    seconds_left: float
    samples: int
    samples_per_second: float
    learning_rate: float
    losses: dict[str, float]
    valid_loss: float
    valid_mse: dict[str, float] | None
    edge_accuracy: float | None
    edge_accuracy_encoder: float | None
    valid_relabelling: list[int] | None
    valid_sims: int
    watched: EdgePosterior | None = field(repr=False)
    checkpoint: Checkpoint = field(repr=False)
    state: Callable[[], TrainingState] = field(repr=False)

    def metrics(self) -> dict[str, Any]:
        """Everything that fits on a line of JSON."""
        values = {name: getattr(self, name) for name in self.__dataclass_fields__ if name not in NOT_METRICS}
        return values | self.losses
