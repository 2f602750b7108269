"""One training in several processes, as torchrun starts them: each works on its share of every batch, and all take the same step.

Every process draws the same random numbers for the whole batch and uses those of its own simulations, so that the loss
is that of one process, to rounding. Only the first one validates, tells and saves. Each of them holds all of the data.
"""

import atexit
import os
import signal
from collections.abc import Iterable
from datetime import timedelta
from functools import cache
from typing import NoReturn, Self

import torch
from torch import Tensor

from nri_core.devices import choose_device
from nri_core.errors import ConfigError, JobError
from nri_core.models.nri import Rows
from nri_core.models.objectives import Batch
from nri_core.settings import TrainConfig

PATIENCE = timedelta(minutes=10)  # of the others, while the first one validates or waits for whoever looks at its records


class Ranks:
    """Which of the processes this one is, and which simulations of the batch at hand are its own. Alone, nothing is exchanged."""

    def __init__(self, rank: int = 0, count: int = 1, *, local_rank: int = 0, local_count: int = 1) -> None:
        self.rank, self.count = rank, count
        self.local_rank, self.local_count = local_rank, local_count
        self.rows = Rows(0, 0, 0)
        self.weights = torch.ones(1)  # what a mean over the simulations of each process counts for in that over the batch
        self.weight = 1.0  # and over our own

    @classmethod
    def launched(cls) -> Self:
        """As torchrun says in the environment; one process alone without it."""
        if "TORCHELASTIC_RUN_ID" not in os.environ:
            return cls()
        rank, count, local_rank, local_count = (int(os.environ[name]) for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE"))
        return cls(rank, count, local_rank=local_rank, local_count=local_count)

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        return self  # a copied model talks to the same processes

    @property
    def first(self) -> bool:
        """Whether this is the one that validates, tells and saves."""
        return self.rank == 0

    def check(self, config: TrainConfig) -> None:
        """Raise ConfigError for what several processes would not train as one does."""
        if self.count > 1 and config.forecaster != "none":
            raise ConfigError(
                f"The {config.forecaster} forecaster measures its errors against the median of a whole batch, which {self.count} processes do not share. "
                "Train it in one process, or choose forecaster none."
            )

    def connect(self, device: str) -> torch.device:
        """The device of this process, after all have met: gloo between CPUs, nccl between GPUs, one for each. Raises ConfigError."""
        if self.count == 1:
            return choose_device(device)
        if device not in ("auto", "cpu", "cuda"):
            raise ConfigError(f"Expected the device auto, cpu or cuda for {self.count} processes; found {device!r}. Each takes a GPU of its own.")
        where = choose_device(device)
        if where.type == "cuda":
            if self.local_count > (found := torch.cuda.device_count()):
                raise ConfigError(f"Expected a GPU for each of {self.local_count} processes; found {found}. Start fewer, or add --device cpu.")
            where = torch.device("cuda", self.local_rank)
            torch.cuda.set_device(where)
        _meet("nccl" if where.type == "cuda" else "gloo")
        signal.signal(signal.SIGTERM, self._ended)
        return where

    @property
    def threads(self) -> int:
        """Of the cores of this machine, what one of its processes may take."""
        return max((os.cpu_count() or 1) // self.local_count, 1)

    def own(self, batch: Batch) -> Batch:
        """This process's simulations of the batch. With fewer simulations than processes, everyone works on all of them."""
        if self.count == 1:
            return batch
        total = len(batch.values)
        if total < self.count:
            self.rows, self.weights = Rows(0, total, total), torch.full((self.count,), 1 / self.count)
        else:
            ends = [total * rank // self.count for rank in range(self.count + 1)]
            self.rows = Rows(ends[self.rank], ends[self.rank + 1], total)
            self.weights = torch.tensor(ends).diff() / total
        self.weight = self.weights[self.rank].item()
        mine = slice(self.rows.start, self.rows.stop)
        values, edges, _, observed = (part if part is None else part[mine] for part in batch)
        return Batch(values, edges, self.rows, observed)

    def add_up(self, parameters: Iterable[torch.nn.Parameter], terms: dict[str, Tensor]) -> dict[str, Tensor]:
        """Sum the gradients of all processes in place, and the weighted terms of the loss, by one exchange."""
        if self.count == 1:
            return terms
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        figures = self.weight * torch.stack([value.detach() for value in terms.values()])
        flat = torch.cat([*(gradient.flatten() for gradient in gradients), figures])
        self.sum(flat)
        sizes = [gradient.numel() for gradient in gradients]
        *sums, figures = flat.split([*sizes, len(terms)])
        for gradient, total in zip(gradients, sums, strict=True):
            gradient.copy_(total.view_as(gradient))
        return dict(zip(terms, figures, strict=True))

    def agree(self, value: float, device: torch.device) -> float:
        """What the first process has: clocks differ."""
        if self.count == 1:
            return value
        said = torch.tensor(value if self.first else 0.0, dtype=torch.float64, device=device)
        self.sum(said)
        return said.item()

    def sum(self, values: Tensor) -> None:
        """Over all processes, in place. Raises JobError where another one is gone."""
        from torch import distributed

        try:
            distributed.all_reduce(values)
        except RuntimeError as error:
            raise self._broken() from error

    def _broken(self) -> JobError:
        """Said once, whichever comes first: the exchange that fails, or torchrun, which ends those that are left."""
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        return JobError(f"This training ends: one of its {self.count} processes is gone, or what started them was stopped. Start them again.")

    def _ended(self, *_: object) -> NoReturn:
        raise self._broken()


@cache
def _meet(backend: str) -> None:
    # Imported later, by the optimizer, it would take the default group for the default of its arguments and keep it for
    # good: the threads of gloo would then meet an interpreter that ends, and abort the process now and then.
    import torch.distributed.nn.functional
    from torch import distributed

    distributed.init_process_group(backend, timeout=PATIENCE)
    atexit.register(distributed.destroy_process_group)
