"""Text readers fed with broken text: 100,000 inputs, none of which may crash, hang, or be refused other than in a sentence."""

import multiprocessing
import os
import random
import sys
import time
import warnings
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from nri_core.errors import DataError
from nri_core.importers import read
from nri_core.importers.sample_motion import NAMES
from nri_core.importers.samples import COMPANIONS, GRAPHS, SAMPLES
from nri_core.importers.truth import read_truth

INPUTS, CHUNK, SEED = 100_000, 500, 0
HANGS = 10.0  # seconds
LINES = 14  # of a sample: small inputs, many of them
TOKENS = ("nan", "inf", "1e999", "-", '"', "'", ",", ";", "\t", "\n", "\r", "\0", "\ufeff", "ä", "€", "0x1F", "1,5", "1.5.6", "=1+1", "<script>", "../..", "#", ":", "begin", "end", "root", "9" * 30)


def main() -> dict[str, Any]:
    """How many were read, how many refused, and what went wrong: the last must be empty."""
    chunks = range(SEED, SEED + INPUTS // CHUNK)
    began = time.perf_counter()
    total, wrong, slowest = Counter(), [], 0.0
    with ProcessPoolExecutor(max_workers=os.cpu_count(), mp_context=multiprocessing.get_context("spawn")) as pool:
        for number, (counts, faults, slow) in enumerate(pool.map(chunk, chunks), 1):
            total, slowest = total + counts, max(slowest, slow)
            wrong += faults
            print(f"{number * CHUNK:,} inputs, {len(wrong)} faults", file=sys.stderr, end="\r", flush=True)
    return {"inputs": INPUTS, **total, "slowest_s": round(slowest, 2), "seconds": round(time.perf_counter() - began, 1), "faults": [{"fault": fault} for fault in wrong[:10]]}


def chunk(seed: int, count: int = CHUNK) -> tuple[Counter, list[str], float]:
    """Some inputs: counts, faults (with the seed that makes them again), the longest time."""
    warnings.simplefilter("error")
    counts, faults, slowest = Counter(), [], 0.0
    with TemporaryDirectory() as folder:
        for number in range(count):
            name = f"{seed}:{number}"
            began = time.perf_counter()
            try:
                counts[one(name, Path(folder))] += 1
            except Exception as error:  # anything else than a DataError is a fault, and all of them are wanted
                faults.append(f"{name} {type(error).__name__}: {str(error)[:200]}")
            seconds = time.perf_counter() - began
            slowest = max(slowest, seconds)
            if seconds > HANGS:
                faults.append(f"{name} took {seconds:.0f} s")
    return counts, faults, slowest


def one(name: str, folder: Path) -> str:
    """Break one sample at random and read it: "read" or "refused"."""
    draw = random.Random(name)
    sample = draw.choice(list(SAMPLES))
    paths = []
    for part in {"skeleton": ("skeleton", "swing"), "home": ("home", "away")}.get(sample, (COMPANIONS.get(sample, sample), sample)):
        content = start_of(part)
        (path := folder / SAMPLES[part].file).write_bytes(broken(content, draw) if part == sample else content.encode())
        paths += [path] if path not in paths else []
    try:
        if SAMPLES[sample].kind == GRAPHS:
            read_truth(paths[-1], NAMES)
        else:
            read(paths)
    except DataError as error:
        if not 20 < len(str(error)) < 1000:
            raise ValueError(f"no sentence: {error}") from error
        return "refused"
    return "read"


@cache
def start_of(name: str) -> str:
    """The first lines of a sample; motion capture needs more of them to be anything, XML and JSON all of them."""
    lines = SAMPLES[name].text().splitlines(keepends=True)
    whole = SAMPLES[name].file.endswith((".xml", ".json", ".graphml"))
    return "".join(lines if whole else lines[: 62 if name in ("skeleton", "swing") else LINES])


def broken(text: str, draw: random.Random) -> bytes:
    """One to three changes of characters, tokens, lines or bytes."""
    for _ in range(draw.randint(1, 3)):
        place, end = sorted((draw.randrange(len(text) + 1), draw.randrange(len(text) + 1)))
        end = min(end, place + draw.choice((1, 1, 3, 40)))
        change = draw.randrange(5)
        if change == 0:
            text = text[:place] + text[end:]
        elif change == 1:
            text = text[:place] + draw.choice(TOKENS) + text[place:]
        elif change == 2:
            text = text[:place] + text[place:end] * draw.randint(2, 20) + text[end:]
        elif change == 3:
            text = text[:place]
        else:
            lines = text.splitlines(keepends=True)
            draw.shuffle(lines)
            text = "".join(lines)
    content = text.encode(draw.choice(("utf-8", "utf-8", "utf-8", "utf-16", "latin-1")), errors="replace")
    if draw.random() < 0.2:
        place = draw.randrange(len(content) + 1)
        content = content[:place] + draw.randbytes(draw.randint(1, 8)) + content[place:]
    return content
