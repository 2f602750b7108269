"""Every preset is run: what it tells people to look for comes out. And presets that are damaged or of another version are refused in a sentence."""

import json
from pathlib import Path

import numpy as np
import pytest

from nri_core.errors import DataError, NRIError
from nri_core.presets import Preset, measures, preset_files
from nri_core.what_if import simulate_from

SAMPLE_DATA = Path(__file__).parents[1] / "sample_data"
FILES = preset_files(SAMPLE_DATA / "presets")
GOOD = json.loads((SAMPLE_DATA / "presets" / "five_springs.json").read_text(encoding="utf-8"))


def test_there_are_enough_of_them_failures_among_them() -> None:
    presets = [Preset.load(path) for path in FILES]
    assert len(presets) >= 8 and len({preset.title for preset in presets}) == len(presets)
    failing = [preset for preset in presets if preset.expect.get("accuracy", (1, 1))[1] < 1]
    assert len(failing) >= 4
    assert all(preset.reader.startswith("baseline:") or (SAMPLE_DATA / "models" / preset.reader).is_dir() for preset in presets)


@pytest.mark.slow
@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_what_a_preset_says_comes_out(path: Path) -> None:
    preset = Preset.load(path)
    data = preset.data()
    assert data.num_nodes == preset.num_nodes - preset.hidden
    found = measures(preset.read(data, SAMPLE_DATA / "models"), data)
    for name, (low, high) in preset.expect.items():
        assert low <= found[name] <= high, f"{preset.title}: {name} is {found[name]:.3f}"


def test_two_graphs_really_give_one_motion() -> None:
    preset = Preset.load(SAMPLE_DATA / "presets" / "two_graphs.json")
    data = preset.whole()
    sides = (1 - data.edge_types) * ~np.eye(4, dtype=bool)  # every pair that has no spring, and no other
    other = simulate_from(preset.law(), data.values[:, 0], sides, num_steps=data.num_steps)
    assert not np.array_equal(other.edge_types, data.edge_types)
    np.testing.assert_allclose(other.values, data.values, atol=1e-9)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"format": 0}, "another version"),
        ({"format": 2}, "a newer version"),
        ({"format": "1"}, "another version"),
        ({"title": ""}, "damaged at `title`"),
        ({"gravity": 1}, "damaged at `gravity`"),
        ({"num_nodes": 1000}, "damaged at `num_nodes`"),
        ({"seed": float("nan")}, "damaged at `seed`"),
        ({"reader": "../../etc/passwd"}, "damaged at `reader`"),
        ({"expect": {}}, "damaged at `expect`"),
        ({"expect": {"beauty": [0, 1]}}, "damaged at `expect"),
    ],
)
def test_a_preset_that_is_not_right_is_one_sentence(change: dict, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "odd.json"
    path.write_text(json.dumps(GOOD | change))
    with pytest.raises(DataError, match=sentence) as raised:
        Preset.load(path)
    assert "Choose another example" in str(raised.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"x"', "[" * 100_000, "\ufffe"])
def test_a_file_that_is_no_preset_is_one_sentence(text: str, tmp_path: Path) -> None:
    path = tmp_path / "odd.json"
    path.write_text(text)
    with pytest.raises(DataError, match="Choose another example"):
        Preset.load(path)
    with pytest.raises(DataError, match="Choose another example"):
        Preset.load(tmp_path / "missing.json")


@pytest.mark.parametrize(
    "change",
    [{"parameters": {"probability": 2}}, {"parameters": {"charm": 1}}, {"start": [[0, 0, 0, 0], [1, 0, 0, 0]], "edges": [[0, 5, 1]]}, {"start": [[0, 0, 0, 0]] * 2, "edges": [[0, 1, 9]]}],
)
def test_a_law_that_there_is_not_is_one_sentence(change: dict) -> None:
    with pytest.raises(DataError, match="Choose another example"):
        Preset.model_validate(GOOD | change).data()


def test_a_reader_that_there_is_not_is_one_sentence(tmp_path: Path) -> None:
    small = GOOD | {"num_sims": 1, "num_steps": 6, "frames": 5}
    for change in ({"reader": "moons"}, {"reader": "baseline:luck"}):
        preset = Preset.model_validate(small | change)
        with pytest.raises(NRIError):
            preset.read(preset.data(), tmp_path)
