"""Corrected options, remembered for the next file of the same shape. Only names of options and columns are kept, under a digest."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nri_core.errors import NRIError
from nri_core.storage import write_json

MOST_REMEMBERED = 200


def recall(file: Path, signature: str) -> dict[str, Any]:
    """The options that were chosen last for a file of this shape; empty if there are none, or the file of them is damaged."""
    return dict(_all(file).get(_key(signature), {}))


def remember(file: Path, signature: str, options: Mapping[str, Any]) -> None:
    """Keep the options for the next file of this shape; the oldest are forgotten. A full disk is no reason to stop anybody."""
    known = {key: value for key, value in _all(file).items() if key != _key(signature)}
    kept = dict(list(known.items())[-(MOST_REMEMBERED - 1) :]) | {_key(signature): dict(options)}
    try:
        write_json(file, kept)
    except NRIError:
        return


def _all(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return {key: value for key, value in found.items() if isinstance(value, dict)} if isinstance(found, dict) else {}


def _key(signature: str) -> str:
    return hashlib.sha256(signature.encode()).hexdigest()[:16]
