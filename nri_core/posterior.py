"""`EdgePosterior`: what a model believes about each ordered pair of nodes; and the same over time."""

from dataclasses import dataclass, replace
from io import BufferedIOBase
from pathlib import Path
from typing import Self

import numpy as np
from jaxtyping import Float, Int

from nri_core.errors import DataError
from nri_core.graph import num_edges, off_diagonal
from nri_core.storage import read_npz, write_npz


@dataclass(frozen=True, eq=False)
class EdgePosterior:
    """q(z_ij | x) for every simulation and ordered pair: float [sim, node, node, edge type] = [receiver, sender], zero on the diagonal.

    `inference` says how it was read: by the "encoder", or through the decoder ("exact", "per receiver", "search").
    Raises DataError for probabilities outside [0, 1], rows that do not sum to 1, or names that do not match.
    """

    edge_probs: Float[np.ndarray, "sim node node type"]
    edge_type_names: tuple[str, ...]
    node_names: tuple[str, ...]
    inference: str

    def __post_init__(self) -> None:
        """Check shapes and that each off-diagonal row is a distribution."""
        probs = self.edge_probs
        square = probs.ndim == 4 and probs.shape[1] == probs.shape[2] == len(self.node_names)
        if not square or probs.shape[3] != len(self.edge_type_names):
            raise DataError(
                f"Expected edge probabilities [sim, node, node, type] for {len(self.node_names)} nodes and "
                f"{len(self.edge_type_names)} types; found shape {probs.shape}."
            )
        expected = off_diagonal(len(self.node_names)).astype(float)
        if not (np.abs(probs.sum(-1) - expected) < 1e-3).all() or probs.min() < 0:
            raise DataError("Expected probabilities that sum to 1 over edge types (0 on the diagonal); these do not.")
        probs.flags.writeable = False

    @classmethod
    def certain(cls, edge_types: Int[np.ndarray, "sim node node"], edge_type_names: tuple[str, ...], node_names: tuple[str, ...], inference: str) -> Self:
        """A belief without doubt."""
        return cls(np.eye(len(edge_type_names))[edge_types] * off_diagonal(len(node_names))[..., None], edge_type_names, node_names, inference)

    @property
    def edge_types(self) -> Int[np.ndarray, "sim node node"]:
        """The most probable type of each pair."""
        return self.edge_probs.argmax(-1)

    @property
    def entropy(self) -> Float[np.ndarray, " sim"]:
        """How unsure it is of each simulation: the mean of −Σ p log₂ p over ordered pairs, in bits.

        0 for one that has no doubt, log₂ of the number of types for one that knows nothing; no truth is needed.
        """
        probs = self.edge_probs.astype(np.float64)
        bits = -(probs * np.log2(np.where(probs > 0, probs, 1))).sum((1, 2, 3))
        return np.where(bits > 0, bits, 0) / num_edges(probs.shape[1])  # rounding may leave a sure one just below 0

    def relabelled(self, relabelling: tuple[int, ...], names: tuple[str, ...]) -> Self:
        """The same belief with inferred type k called type `relabelling[k]`, whose name is `names[relabelling[k]]`."""
        probs = np.zeros((*self.edge_probs.shape[:3], len(names)), self.edge_probs.dtype)
        for inferred, true in enumerate(relabelling):
            probs[..., true] += self.edge_probs[..., inferred]
        return replace(self, edge_probs=probs, edge_type_names=names)

    def select(self, sims: slice | Int[np.ndarray, " sim"]) -> Self:
        """The belief about some of the simulations."""
        return replace(self, edge_probs=self.edge_probs[sims])

    def save(self, path: Path) -> None:
        """Write `posterior.npz` in one step."""
        names = {"edge_type_names": np.array(self.edge_type_names), "node_names": np.array(self.node_names)}
        write_npz(Path(path), {"edge_probs": self.edge_probs, **names, "inference": np.array(self.inference)})

    @classmethod
    def load(cls, source: Path | BufferedIOBase) -> Self:
        """Read what `save` wrote. Raises DataError."""
        arrays = read_npz(source, what="an edge posterior")
        try:
            return cls(
                arrays["edge_probs"],
                tuple(map(str, arrays["edge_type_names"])),
                tuple(map(str, arrays["node_names"])),
                str(arrays["inference"]),
            )
        except KeyError as error:
            raise DataError(f"Expected an edge posterior with an array {error}; found {', '.join(arrays)}.") from error


@dataclass(frozen=True, eq=False)
class PosteriorOverTime:
    """A belief for each of several windows of the same data; `starts[w]` is the first frame of window w."""

    starts: tuple[int, ...]
    windows: tuple[EdgePosterior, ...]

    def combined(self) -> EdgePosterior:
        """One belief from all windows, for a graph that does not change: the mean of their log-probabilities, normalised."""
        log_probs = np.mean([np.log(np.clip(window.edge_probs, 1e-12, 1)) for window in self.windows], axis=0)
        probs = np.exp(log_probs - log_probs.max(-1, keepdims=True))
        probs = probs / probs.sum(-1, keepdims=True) * off_diagonal(probs.shape[1])[..., None]
        return replace(self.windows[0], edge_probs=probs, inference=f"{self.windows[0].inference}, {len(self.windows)} windows")

    def save(self, path: Path) -> None:
        """Write an npz in one step: `edge_probs` [window, sim, node, node, type], `starts`, and the names."""
        first = self.windows[0]
        arrays = {
            "edge_probs": np.stack([window.edge_probs for window in self.windows]),
            "starts": np.array(self.starts),
            "edge_type_names": np.array(first.edge_type_names),
            "node_names": np.array(first.node_names),
            "inference": np.array(first.inference),
        }
        write_npz(Path(path), arrays)

    @classmethod
    def load(cls, source: Path | BufferedIOBase) -> Self:
        """Read what `save` wrote. Raises DataError."""
        arrays = read_npz(source, what="beliefs over time")
        try:
            names = [tuple(map(str, arrays[name])) for name in ("edge_type_names", "node_names")]
            windows = tuple(EdgePosterior(probs, *names, str(arrays["inference"])) for probs in arrays["edge_probs"])
            return cls(tuple(int(start) for start in arrays["starts"]), windows)
        except KeyError as error:
            raise DataError(f"Expected beliefs over time with an array {error}; found {', '.join(arrays)}.") from error
