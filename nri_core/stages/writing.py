"""Numbers in LaTeX, rounded for the eye."""

import math
from collections.abc import Sequence
from typing import SupportsFloat

import numpy as np
from jaxtyping import Float

from nri_core.stages.contract import Numbers

MOST = 4  # numbers of a vector that are written out


def number(value: SupportsFloat, digits: int = 3) -> str:
    """Three significant digits; very small and very large ones as powers of ten."""
    value = float(value)
    if not math.isfinite(value):
        return r"\infty" if value > 0 else r"-\infty" if value < 0 else r"\text{?}"
    if value == 0 or 1e-3 <= abs(value) < 1e4:
        text = f"{value:.{digits}g}"
        return text if "e" not in text else f"{value:.0f}"
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    return rf"{mantissa}\!\cdot\!10^{{{int(exponent)}}}"


def share(value: SupportsFloat) -> str:
    """A probability: three decimals, more near 0 and 1 where that is what it says."""
    value = float(value)
    if value in (0.0, 1.0):
        return f"{value:.0f}"
    if not 1e-6 <= value <= 1 - 1e-6:
        return rf"\approx {round(value)}"
    if value < 5e-4:
        return number(value)
    return f"{value:.3f}" if value <= 1 - 5e-4 else f"{value:.6f}"


def signed(value: SupportsFloat) -> str:
    """+ or − and the size, to stand after another number."""
    return f"{'-' if float(value) < 0 else '+'} {number(abs(float(value)))}"


def vector(values: Sequence[float] | Float[np.ndarray, " column"], most: int = MOST) -> str:
    """(a, b, c, …)."""
    written = [number(value) for value in list(values)[:most]]
    return "(" + r",\ ".join([*written, r"\ldots"] if len(values) > most else written) + ")"


def shares(values: Sequence[float] | Float[np.ndarray, " type"]) -> str:
    """A distribution, written out."""
    return "(" + r",\ ".join(share(value) for value in values) + ")"


def lines(*equations: str) -> str:
    """One below the other, aligned at &."""
    return r"\begin{aligned}" + r"\\ ".join(equations) + r"\end{aligned}"


def strips(about: str, **rows: np.ndarray) -> Numbers:
    """Heat strips, one a vector of equal length."""
    return Numbers(about, np.stack([np.asarray(row, np.float64) for row in rows.values()]), tuple(name.replace("_", " ") for name in rows))
