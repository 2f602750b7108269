"""Recorded data from the raw file to a rendered inference: the gallery's own code, with seconds instead of minutes."""

import math
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.gallery import ENTRIES, constant_velocity, document, shorter, study, trajectories
from nri_core.player.payload import payload

SMALL = {"encoder_hidden": 8, "decoder_hidden": 8, "epoch_size": 8, "batch_size": 8}
FEW_WALKS = 4

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", ENTRIES)
def test_from_the_raw_file_to_a_rendered_inference(name: str, shared_data: Path) -> None:
    entry = replace(ENTRIES[name], recipe={**ENTRIES[name].recipe, **SMALL}, slower=1.0)
    if name == "walking":
        entry = replace(entry, files=entry.files[: 1 + FEW_WALKS])
    found = study(entry, shared_data, seconds=0.5)
    assert found["rendered"] > 1000 and found["conclusions"]
    assert 0 <= found["edges"] <= 1 and len(found["strongest"]) == 5
    assert all(math.isfinite(found[key]) and found[key] > 0 for key in ("against_standing_still", "against_no_interaction"))
    assert ("auroc" in found) == (name in ("brain", "genes"))
    assert ("graphs_over_time" in found) == bool(entry.stripe)
    assert (found["observed"] < 1) == (name == "fish")
    assert entry.title in document({name: found})


def test_what_the_recordings_are(shared_data: Path) -> None:
    walking = trajectories(ENTRIES["walking"], shared_data)
    assert walking.values.shape[1:] == (74, 31, 6) and len(walking.metadata["bones"]) == 30
    assert len(payload(walking, sim=3)) > 74 * 31 * 3 * 4  # in three dimensions
    switching = trajectories(ENTRIES["switching"], shared_data)
    assert switching.edge_types.shape == (100, 50, 3, 3)
    windows = shorter(switching, 12)
    assert windows.values.shape == (400, 12, 3, 4) and windows.edge_types.shape == (400, 12, 3, 3)
    assert set(windows.trials[:100].tolist()) == set(windows.trials[100:200].tolist())


def test_constant_velocity_goes_on_straight(shared_data: Path) -> None:
    data = trajectories(ENTRIES["pick and roll"], shared_data)
    start = data.select(slice(0, 3))
    forecast = replace(start, values=start.values[:, :4], metadata={"start": 9, "unit_scale": [1.0] * 4})
    steady = constant_velocity(forecast, start)
    expected = start.values[:, 9, :, :2] + 3 * data.dt * start.values[:, 9, :, 2:]
    assert abs(steady.values[:, 2, :, :2] - expected).max() < 1e-9
