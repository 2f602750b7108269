"""The metrics of a run as TensorBoard's event files: `tensorboard --logdir runs` shows every run."""

import json
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

FOLDER = "tensorboard"
NOT_CURVES = ("epoch", "num_epochs", "valid_sims")


class EventWriter:
    """Follows `metrics.jsonl`. Begins anew with each worker, so that a resumed run has no epoch twice."""

    def __init__(self, directory: Path) -> None:
        # Takes half a second to import: only once a model is safe. SummaryWriter's own thread would die of a full disk, and its queue never return.
        from tensorboardX.event_file_writer import EventsWriter

        self._metrics, self._offset = directory / "metrics.jsonl", 0
        shutil.rmtree(directory / FOLDER, ignore_errors=True)
        (directory / FOLDER).mkdir()
        self._writer = EventsWriter(str(directory / FOLDER / "events"))

    def catch_up(self) -> None:
        """Write what came since the last time. Raises OSError when the disk refuses."""
        from tensorboardX.proto.event_pb2 import Event
        from tensorboardX.summary import scalar

        with open(self._metrics, "rb") as file:
            file.seek(self._offset)
            for line in file.read().splitlines(keepends=True):
                if not line.endswith(b"\n"):
                    break
                self._offset += len(line)
                record = json.loads(line)
                for name, value in _scalars(record):
                    self._writer.write_event(Event(wall_time=time.time(), step=record["epoch"], summary=scalar(name, value)))
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
