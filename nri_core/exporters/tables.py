"""A row a pair: CSV, and the arrays themselves."""

from pathlib import Path

import numpy as np
import pandas as pd

from nri_core.exporters.names import cells
from nri_core.graph import edge_list
from nri_core.posterior import EdgePosterior
from nri_core.storage import writing

THRESHOLD = 0.5


def edge_table(posterior: EdgePosterior, sims: range, threshold: float = THRESHOLD) -> pd.DataFrame:
    """Columns sim, source (sender), target (receiver), edge_type, weight, whether that reaches the threshold, and `p_NAME` for each edge type."""
    receivers, senders = edge_list(len(posterior.node_names))
    names, types = np.array(posterior.node_names, dtype=object), np.array(posterior.edge_type_names, dtype=object)
    probs = posterior.edge_probs[sims.start : sims.stop, receivers, senders]  # [sim, edge, type]
    silent = [kind for kind, name in enumerate(posterior.edge_type_names) if name == "none"]
    columns = {
        "sim": np.repeat(np.arange(sims.start, sims.stop), len(senders)),
        "source": np.tile(names[senders], len(sims)),
        "target": np.tile(names[receivers], len(sims)),
        "edge_type": types[probs.argmax(-1)].ravel(),
        "weight": np.clip(1 - probs[..., silent].sum(-1), 0, 1).ravel(),
    }
    columns |= {"threshold": threshold, "edge": columns["weight"] >= threshold}
    return pd.DataFrame(columns | {f"p_{name}": probs[..., kind].ravel() for kind, name in enumerate(posterior.edge_type_names)})


def write_csv(posterior: EdgePosterior, sims: range, path: Path, threshold: float) -> None:
    """One line for each simulation and ordered pair."""
    table = edge_table(posterior, sims, threshold)
    for column in ("source", "target", "edge_type"):
        table[column] = cells(table[column])
    with writing(path) as beside:
        table.to_csv(beside, index=False)


def write_adjacency(posterior: EdgePosterior, sims: range, path: Path, threshold: float) -> None:
    """Weights as a matrix with names, as graph programs have it: the sender's row, the receiver's column; 0 below the threshold."""
    count, names = len(posterior.node_names), cells(posterior.node_names)
    table = edge_table(posterior, sims, threshold)
    receivers, senders = edge_list(count)
    matrix = np.zeros((count, count))
    matrix[senders, receivers] = table.weight.where(table.edge, 0.0)
    with writing(path) as beside:
        pd.DataFrame(matrix, index=pd.Index(names, name="sender acts on receiver"), columns=names).to_csv(beside)


def write_npz(posterior: EdgePosterior, sims: range, path: Path, threshold: float) -> None:
    """`posterior.npz`: edge_probs [sim, receiver, sender, type] and names."""
    posterior.select(slice(sims.start, sims.stop)).save(path)
