"""The metrics of a run as TensorBoard's event files: `tensorboard --logdir runs` shows every run."""

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

FOLDER = "tensorboard"
NOT_CURVES = ("epoch", "num_epochs")


class EventWriter:
    """Follows `metrics.jsonl`. Begins anew with each worker, so that a resumed run has no epoch twice."""

    def __init__(self, directory: Path) -> None:
        from tensorboardX import SummaryWriter  # takes half a second to import: only once a model is safe

        self._metrics, self._offset = directory / "metrics.jsonl", 0
        shutil.rmtree(directory / FOLDER, ignore_errors=True)
        self._writer = SummaryWriter(str(directory / FOLDER), write_to_disk=True)

    def catch_up(self) -> None:
        """Write what came since the last time."""
        with open(self._metrics, "rb") as file:
            file.seek(self._offset)
            for line in file.read().splitlines(keepends=True):
                if not line.endswith(b"\n"):
                    break
                self._offset += len(line)
                record = json.loads(line)
                for name, value in _scalars(record):
                    self._writer.add_scalar(name, value, global_step=record["epoch"])
        self._writer.flush()

    def close(self) -> None:
        """Catch up for the last time."""
        self.catch_up()
        self._writer.close()


def _scalars(record: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    for name, value in record.items():
        if isinstance(value, Mapping):
            yield from _scalars(value, f"{name}/")
        elif isinstance(value, int | float) and name not in NOT_CURVES:
            yield prefix + name, value
