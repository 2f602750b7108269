"""Broken and hostile files: a sentence that says what to do, bounded memory, and nothing left behind."""

import resource
import warnings
from pathlib import Path

import pytest

from nri_core.errors import DataError
from nri_core.importers import READERS, read
from nri_core.importers.apart import read_apart
from nri_core.preparation import diagnose, suggest
from tests.bad_files import BAD, CUT, TOLERATED, write

MOST_MEGABYTES = 1500


def test_there_are_enough_of_them() -> None:
    assert len(BAD) + len(TOLERATED) >= 60


def test_one_of_each_format_is_cut_off() -> None:
    assert set(CUT) == set(READERS)


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.slow) if "bomb" in name or "torch" in name else name for name in BAD])  # a bomb takes long to pack, torch to import
def test_it_is_refused_in_a_sentence(name: str, tmp_path: Path) -> None:
    paths = write(BAD[name], tmp_path)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(DataError) as caught:
        read(paths)
    said = str(caught.value)
    assert all(word in said for word in BAD[name].words), said
    assert (said[0].isupper() or said.startswith(paths[0].name)) and said[-1] in ".?" and ("xpected" in said or "needs" in said or "empty" in said or "unpacks" in said), said
    assert "Traceback" not in said and "\n" not in said and len(said) < 500, said
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(path.name for path in paths)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MOST_MEGABYTES * 1024


@pytest.mark.parametrize("name", TOLERATED)
def test_it_is_read_and_what_is_odd_is_told(name: str, tmp_path: Path) -> None:
    with warnings.catch_warnings(action="error"):
        recording = read(write(TOLERATED[name], tmp_path))
        told = " ".join(finding.sentence for finding in diagnose(recording))
        suggest(recording)
    assert all(word in told for word in TOLERATED[name].words), told


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a workbook with a bomb", "an npy that lies", "an endless line", "a row too long"])
def test_the_one_who_asks_stays_up(name: str, tmp_path: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    with pytest.raises(DataError):
        read_apart(write(BAD[name], tmp_path))
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < max(before, MOST_MEGABYTES * 1024)
