"""The sample files: each is recognised and gives the motion that it was made from."""

from pathlib import Path

import numpy as np
import pytest

from nri_core.importers import inspect, read
from nri_core.importers.sample_motion import NAMES, SPRINGS, motion
from nri_core.importers.samples import ALONE_NOTHING, COMPANIONS, GRAPHS, SAMPLES
from nri_core.importers.truth import read_truth
from nri_core.preparation import diagnose, prepare, suggest

MOVING = [name for name in SAMPLES if name not in ALONE_NOTHING]


def written(name: str, folder: Path) -> list[Path]:
    """The sample and what goes with it."""
    paths = []
    for one in filter(None, (COMPANIONS.get(name), name)):
        (path := folder / SAMPLES[one].file).write_text(SAMPLES[one].text(), encoding="utf-8")
        paths.append(path)
    return paths


@pytest.mark.parametrize("name", MOVING)
def test_it_is_understood_as_it_is(name: str, tmp_path: Path) -> None:
    paths = written(name, tmp_path)
    assert inspect(paths).understood
    recording = read(paths)
    plan = suggest(recording)
    prepared = prepare(recording, plan.fixes)
    assert not [finding for finding in diagnose(prepared) if finding.severity == "problem" and finding.code != "few trials"]
    plan.cut(prepared)


@pytest.mark.parametrize("name", ["tidy", "european", "wide", "tracks"])
def test_it_holds_the_motion(name: str, tmp_path: Path) -> None:
    recording = read(written(name, tmp_path))
    dims = len(recording.feature_names)
    np.testing.assert_allclose(recording.trials[0].values[: len(motion(0))], motion(0)[..., :dims], atol=5.1e-5)


@pytest.mark.parametrize("name", [name for name, sample in SAMPLES.items() if sample.kind == GRAPHS])
def test_the_graph_is_that_of_the_springs(name: str, tmp_path: Path) -> None:
    edges, _ = read_truth(written(name, tmp_path)[1], NAMES)
    assert {(sender, receiver) for receiver, sender in np.argwhere(edges).tolist()} == {pair for one in SPRINGS for pair in (one, one[::-1])}
