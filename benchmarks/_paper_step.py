"""A training step of the paper's springs-5 in both forms: by indices, as `nri_core` has it, and by dense one-hot products."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, Self

import torch
from torch import Tensor

from benchmarks import _textbook
from nri_core.dataset import Normalizer, as_tensor
from nri_core.models import NRI
from nri_core.models.likelihoods import REFERENCE_VARIANCE
from nri_core.settings import PRESETS
from nri_core.systems import Simulation, Springs, simulate
from nri_core.trajectories import Trajectories

PRECISIONS = ("float32", "tf32", "bf16")


@contextmanager
def arithmetic(precision: str, device: torch.device) -> Iterator[None]:
    """Matrix products as `TrainConfig.precision` names them."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
    try:
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16", cache_enabled=False):
            yield
    finally:
        torch.set_float32_matmul_precision(before)


def paper_model(hidden: int, device: torch.device, dtype: torch.dtype = torch.float32) -> NRI:
    """Springs-5 by the paper's recipe; the same weights at each call."""
    settings = PRESETS["paper"].model_copy(update={"encoder_hidden": hidden, "decoder_hidden": hidden})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return NRI(settings, feature_names=Springs.feature_names, num_nodes=5, window=49).to(device, dtype)


def springs(num_sims: int, seed: int) -> Trajectories:
    """Simulations as the paper trains on."""
    return simulate(Springs(), Simulation(num_sims=num_sims, seed=seed))


class Example(NamedTuple):
    """A batch, and the noise of its edge samples."""

    values: Tensor
    noise: Tensor

    def to(self, *where: Any) -> Self:
        """On another device, or in another type."""
        return self._replace(values=self.values.to(*where), noise=self.noise.to(*where))


def example(num_sims: int) -> Example:
    """Normalised simulations, repeated where many are asked for, and Gumbel noise; on the CPU."""
    data = springs(min(num_sims, 256), seed=1)
    values = as_tensor(data, Normalizer.fit(data, "unit"), torch.device("cpu"))
    generator = torch.Generator().manual_seed(0)
    uniform = torch.rand((num_sims, 5, 4, 2), generator=generator)
    return Example(values.repeat(-(-num_sims // len(values)), 1, 1, 1)[:num_sims], -torch.log(1e-10 - torch.log(uniform + 1e-10)))


def index_form(model: NRI, batch: Example) -> Tensor:
    """The negative bound of `nri_core`, as its elbo objective has it, with the noise given."""
    logits = model.edge_logits(batch.values)
    edges = ((logits + batch.noise) / 0.5).softmax(-1)
    log_prob = model.rollout_log_prob(batch.values, edges, prediction_steps=10)
    log_probs = logits.log_softmax(-1)
    divergence = (log_probs.exp() * (log_probs + math.log(logits.shape[-1]))).sum()
    return (divergence - log_prob.sum()) / (len(batch.values) * batch.values.shape[2])


def dense_form(model: NRI, batch: Example) -> Tensor:
    """The same by one-hot products."""
    noise = batch.noise.flatten(1, 2)
    return _textbook.negative_elbo(model, batch.values, noise, temperature=0.5, prediction_steps=10, variance=REFERENCE_VARIANCE)


FORMS: dict[str, Callable[[NRI, Example], Tensor]] = {"index": index_form, "dense": dense_form}


Step = Callable[[], object]


def variants(device: torch.device) -> dict[str, Callable[[NRI, Example], Step]]:
    """Eager everywhere; compiled and captured only on a GPU, where their minutes of preparation may pay."""
    ways = {"dense float32": ("dense", "float32", _eager), "dense tf32": ("dense", "tf32", _eager), "dense bf16": ("dense", "bf16", _eager)}
    ways |= {f"index {precision}": ("index", precision, _eager) for precision in PRECISIONS}
    if device.type == "cuda":
        for precision in ("tf32", "bf16"):
            ways[f"index {precision} captured"] = ("index", precision, _captured)
            ways[f"index {precision} compiled"] = ("index", precision, _compiled)
    return {name: (lambda model, batch, way=way: way[2](model, batch, FORMS[way[0]], way[1])) for name, way in ways.items()}


def _eager(model: NRI, batch: Example, form: Callable[[NRI, Example], Tensor], precision: str, *, capturable: bool = False) -> Step:
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-5, fused=True, capturable=capturable)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        with arithmetic(precision, batch.values.device):
            loss = form(model, batch)
            loss.backward()
        optimizer.step()

    return step


def _compiled(model: NRI, batch: Example, form: Callable[[NRI, Example], Tensor], precision: str) -> Step:
    return _eager(model, batch, torch.compile(form, dynamic=False), precision)


def _captured(model: NRI, batch: Example, form: Callable[[NRI, Example], Tensor], precision: str) -> Step:
    """The whole step as one CUDA graph: no Python and no launches between its kernels."""
    step = _eager(model, batch, form, precision, capturable=True)
    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay
