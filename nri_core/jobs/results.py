"""How far a run came, from the end of its metrics: lists of many runs need not read every line."""

import json
import os
from typing import Any

from nri_core.jobs.run import Run

TAIL = 32_768  # bytes: some dozens of records


def latest(run: Run) -> dict[str, Any]:
    """The last record, with the forecast errors (`valid_mse`) of the last one that has them; empty before the first epoch."""
    try:
        with open(run.directory / "metrics.jsonl", "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(size - TAIL, 0))
            lines = file.read().split(b"\n")[:-1]
    except OSError:
        return {}
    records = [json.loads(line) for line in lines[size > TAIL :] if line.startswith(b"{")]
    errors = next((record["valid_mse"] for record in reversed(records) if record.get("valid_mse")), {})
    return records[-1] | {"valid_mse": errors} if records else {}
