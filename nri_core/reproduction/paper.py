"""The figures of Kipf et al. (2018), Tables 1 and 2, as quoted for the paper: none of them was measured here."""

from typing import NamedTuple

HORIZONS = (1, 10, 20)  # frames ahead, of Table 2
TEST_SIMS, FEW_TEST_SIMS = 1000, 250  # those of a small budget; the paper has 10,000
SYSTEMS = ("springs5", "charged5", "kuramoto5", "springs10", "charged10", "kuramoto10")


class Method(NamedTuple):
    """A row: what the tables call it, and what it is and knows."""

    title: str
    meaning: str


METHODS: dict[str, Method] = {
    "static": Method("Static", "everything stays where it is"),
    "correlation": Method("Corr. (path)", "correlation of the paths; half of the pairs, the most correlated ones, are called edges"),
    "lstm": Method("LSTM (single)", "a forecaster that sees one node at a time; Corr. (LSTM) correlates its hidden states"),
    "joint_lstm": Method("LSTM (joint)", "a forecaster that sees all nodes together"),
    "full_graph": Method("NRI (full graph)", "the decoder with every pair alike; nothing is inferred"),
    "nri_simulated": Method("NRI (sim. decoder)", "the encoder, taught through the true law in place of a decoder"),
    "nri": Method("NRI (learned)", "the variational auto-encoder: encoder and decoder, no labels, no law"),
    "marginal": Method(
        "Marginal likelihood (not NRI)",
        "not in the paper: the decoder by maximum marginal likelihood, summed over graphs, and an encoder distilled from it; no labels, "
        "no law",
    ),
    "supervised": Method("Supervised", "the encoder alone, told the true edges"),
    "true_graph": Method("NRI (true graph)", "the decoder alone, told the true edges"),
}

TABLES: dict[str, tuple[str, ...]] = {
    "table1": ("correlation", "lstm", "nri_simulated", "nri", "marginal", "supervised"),
    "table2": ("static", "lstm", "joint_lstm", "full_graph", "nri", "marginal", "true_graph"),
}
TITLES = {"table1": "Table 1: edge accuracy", "table2": "Table 2: forecast error"}

# Percent of ordered pairs, mean and standard error over 5 runs.
ACCURACIES: dict[str, dict[str, tuple[float, float]]] = {
    "springs5": {
        "correlation": (52.4, 0.0),
        "lstm": (52.7, 0.9),
        "nri_simulated": (99.8, 0.0),
        "nri": (99.9, 0.0),
        "supervised": (99.9, 0.0),
    },
    "charged5": {
        "correlation": (55.8, 0.0),
        "lstm": (54.2, 2.0),
        "nri_simulated": (59.6, 0.8),
        "nri": (82.1, 0.6),
        "supervised": (95.0, 0.3),
    },
    "kuramoto5": {"correlation": (62.8, 0.0), "lstm": (54.4, 0.5), "nri": (96.0, 0.1), "supervised": (99.7, 0.0)},
    "springs10": {
        "correlation": (50.4, 0.0),
        "lstm": (54.9, 1.0),
        "nri_simulated": (98.2, 0.0),
        "nri": (98.4, 0.0),
        "supervised": (98.8, 0.0),
    },
    "charged10": {
        "correlation": (51.4, 0.0),
        "lstm": (52.7, 0.2),
        "nri_simulated": (53.7, 0.8),
        "nri": (70.8, 0.4),
        "supervised": (94.6, 0.2),
    },
    "kuramoto10": {"correlation": (59.3, 0.0), "lstm": (56.2, 0.7), "nri": (75.7, 0.3), "supervised": (97.1, 0.1)},
}

# Mean squared error 1, 10 and 20 frames ahead, in normalised units.
ERRORS: dict[str, dict[str, tuple[float, float, float]]] = {
    "springs5": {
        "static": (7.93e-5, 7.59e-3, 2.82e-2),
        "lstm": (2.27e-6, 4.69e-4, 4.90e-3),
        "joint_lstm": (4.13e-8, 2.19e-5, 7.02e-4),
        "full_graph": (1.66e-5, 1.64e-3, 6.31e-3),
        "nri": (3.12e-8, 3.29e-6, 2.13e-5),
        "true_graph": (1.69e-11, 1.32e-9, 7.06e-6),
    },
    "charged5": {
        "static": (5.09e-3, 2.26e-2, 5.42e-2),
        "lstm": (2.71e-3, 7.05e-3, 1.65e-2),
        "joint_lstm": (1.68e-3, 6.45e-3, 1.49e-2),
        "full_graph": (1.09e-3, 3.78e-3, 9.24e-3),
        "nri": (1.05e-3, 3.21e-3, 7.06e-3),
        "true_graph": (1.04e-3, 3.03e-3, 5.71e-3),
    },
    "kuramoto5": {
        "static": (5.75e-2, 3.79e-1, 3.39e-1),
        "lstm": (7.81e-4, 3.80e-2, 8.08e-2),
        "joint_lstm": (3.44e-4, 1.29e-2, 4.74e-2),
        "full_graph": (2.15e-2, 5.19e-2, 8.96e-2),
        "nri": (1.40e-2, 2.01e-2, 3.26e-2),
        "true_graph": (1.35e-2, 1.54e-2, 2.19e-2),
    },
}


def figures(table: str, system: str, method: str) -> tuple[float, ...] | None:
    """What the paper prints: (percent,) or the three errors; None where it has no figure."""
    if table == "table2":
        return ERRORS.get(system, {}).get(method)
    found = ACCURACIES[system].get(method)
    return found and found[:1]
