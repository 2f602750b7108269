"""How long a large table takes, and how much memory: five million rows of CSV, read in a process of its own as the app reads them."""

import resource
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

from nri_core.importers.apart import inspect_apart, read_apart
from nri_core.preparation import diagnose, suggest

TRIALS, FRAMES, NODES = 100, 1000, 50


def main() -> dict[str, Any]:
    """Rows, megabytes, seconds for each step, and the peak memory of the reading process."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "large.csv")
        write(path)
        began = time.perf_counter()
        inspection = inspect_apart([path])
        understood = time.perf_counter()
        recording = read_apart([path])
        read = time.perf_counter()
        findings = diagnose(recording)
        diagnosed = time.perf_counter()
        plan = suggest(recording)
        return {
            "rows": TRIALS * FRAMES * NODES,
            "megabytes": round(path.stat().st_size / 1e6),
            "understand_s": round(understood - began, 2),
            "read_s": round(read - understood, 2),
            "diagnose_s": round(diagnosed - read, 2),
            "suggest_s": round(time.perf_counter() - diagnosed, 2),
            "peak_gigabytes": round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6, 2),
            "format": inspection.format,
            "trials": len(recording.trials),
            "nodes": recording.num_nodes,
            "findings": [finding.code for finding in findings],
            "fixes": [fix.kind for fix in plan.fixes],
        }


def write(path: Path) -> None:
    """Random walks: trial, frame, id, x, y."""
    steps = np.random.default_rng(0).normal(size=(TRIALS, FRAMES, NODES, 2)).cumsum(1)
    trial, frame, node = (index.ravel() for index in np.indices((TRIALS, FRAMES, NODES)))
    pacsv.write_csv(pa.table({"trial": trial, "frame": frame, "id": node, "x": steps[..., 0].ravel(), "y": steps[..., 1].ravel()}), path)
