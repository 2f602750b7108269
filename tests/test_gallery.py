"""Recorded data from the raw file to a graph in the player, in a few seconds of training: that the way is open, not how good the answer is."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import gallery
from nri_core.errors import DataError

TINY = {"encoder_hidden": 8, "decoder_hidden": 8, "epochs": 2, "epoch_size": 8, "batch_size": 4}
EXPECTED = {  # nodes, frames, features, and what has to be in the row besides
    "walking (CMU 35)": (31, 100, 6, "error_dynamic"),
    "basketball (pick and roll)": (5, 25, 4, "forecast_saved"),
    "zebrafish": (8, 30, 4, "kappa_halves"),
    "pedestrians (zara01)": (5, 16, 4, "error_straight"),
    "brain regions (NetSim sim1)": (5, 50, 1, "partial_correlation"),
    "genes (DREAM4, size 10)": (10, 21, 1, "granger"),
    "a relation that switches (dNRI)": (3, 50, 4, "over_time"),
}


@pytest.mark.parametrize("name", gallery.GALLERY)
def test_files_become_trajectories(name: str, shared_data: Path) -> None:
    data = gallery.load(gallery.GALLERY[name], shared_data)
    nodes, frames, features, _ = EXPECTED[name]
    assert (data.num_nodes, data.num_steps, len(data.feature_names)) == (nodes, frames, features)
    assert data.trials is not None and len(np.unique(data.trials)) > 1
    assert (name == "zebrafish") == (not data.complete)


@pytest.mark.slow
@pytest.mark.parametrize("name", gallery.GALLERY)
def test_from_the_raw_file_to_the_player(name: str, shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gallery, "RECORDED", shared_data)
    row = gallery.row(name, gallery.GALLERY[name], seconds=60.0, changes=TINY)
    assert row["player_bytes"] > 500
    assert EXPECTED[name][3] in row
    assert row["verdicts"][-1] == "open"
    assert all(np.isfinite(value) for value in row["error"].values())
    json.dumps(row)


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="NRI_SHARED_DATA"):
        gallery.load(gallery.GALLERY["zebrafish"], tmp_path)
