"""Layers that see the whole batch although each process has only a part of it: batch norm and dropout."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from nri_core.training.parallel import Ranks


class WholeBatchNorm(nn.BatchNorm1d):
    """Normalises by mean and variance over the simulations of all processes; torch's own does so on GPUs only."""

    ranks: Ranks

    def forward(self, values: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """Channels are the second axis, as in torch's."""
        if not self.training:
            return super().forward(values)
        by_channel = values.float().transpose(0, 1).flatten(1)
        own = torch.stack([by_channel.mean(1), by_channel.var(1, correction=0)])
        means, variances = _Everyone.apply(own, self.ranks).unbind(1)
        weights = self.ranks.weights.to(own)[:, None]
        mean = (weights * means).sum(0)
        variance = (weights * (variances + (means - mean).square())).sum(0)
        start, stop, total = self.ranks.rows
        with torch.no_grad():
            count = by_channel.shape[1] * total / (stop - start)
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * count / (count - 1), self.momentum)
            self.num_batches_tracked += 1
        normal = (by_channel - mean[:, None]) * (variance[:, None] + self.eps).rsqrt() * self.weight[:, None] + self.bias[:, None]
        return normal.view(values.transpose(0, 1).shape).transpose(0, 1).to(values.dtype)


class WholeBatchDropout(nn.Dropout):
    """Draws for the whole batch what to drop, and drops its own part of it."""

    ranks: Ranks

    def forward(self, values: Float[Tensor, "sim_parts ..."]) -> Float[Tensor, "sim_parts ..."]:
        """The first axis holds simulations, or parts of them one simulation after the other."""
        if not self.training:
            return values
        start, stop, total = self.ranks.rows
        parts = len(values) // (stop - start)
        kept = nn.functional.dropout(torch.ones(total * parts, *values.shape[1:], dtype=values.dtype, device=values.device), self.p)
        return values * kept[start * parts : stop * parts]


class _Everyone(torch.autograd.Function):
    """What each process has, by rank; the gradient of a value is the sum of what all made of it."""

    @staticmethod
    def forward(context: Any, own: Tensor, ranks: Ranks) -> Tensor:
        context.ranks = ranks
        values = own.new_zeros(ranks.count, *own.shape)
        values[ranks.rank] = own
        ranks.sum(values)
        return values

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None]:
        total = gradient.clone()
        context.ranks.sum(total)
        return total[context.ranks.rank], None


WHOLE: dict[type[nn.Module], type[nn.Module]] = {nn.BatchNorm1d: WholeBatchNorm, nn.Dropout: WholeBatchDropout}


def see_whole_batch(model: nn.Module, ranks: Ranks) -> None:
    """Let its layers reach over all processes; weights, their names and what it does once trained stay as they are."""
    for module in model.modules():
        if ranks.count > 1 and type(module) in WHOLE:
            module.__class__ = WHOLE[type(module)]
            module.ranks = ranks
