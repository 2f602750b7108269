"""Python and shell as text: what is frozen, how values are written, and lines with their imports."""

import json
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict

PATH = {"pathlib": ("Path",)}
PROJECT = Path(__file__).parents[2]


class Frozen(BaseModel):
    """Compared and kept by its content."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Screen(Protocol):
    """What is on a page."""

    def python(self) -> str:
        """At most 20 lines that print its numbers."""

    def command(self) -> str:
        """The same as lines of shell."""


class Code(Frozen):
    """Lines and what they import, by module."""

    imports: dict[str, tuple[str, ...]] = {}
    lines: tuple[str, ...] = ()

    def __add__(self, other: "Code") -> "Code":
        """One after the other."""
        modules = sorted({*self.imports, *other.imports})
        merged = {module: tuple(sorted({*self.imports.get(module, ()), *other.imports.get(module, ())})) for module in modules}
        return Code(imports=merged, lines=self.lines + other.lines)

    def __str__(self) -> str:
        modules = sorted(self.imports, key=lambda module: (module.startswith("nri_core"), module))  # as is usual: Python's own first
        imports = [f"from {module} import {', '.join(self.imports[module])}" for module in modules]
        return "\n".join([*imports, "", *self.lines]) + "\n"


def shell(verb: str, *words: str) -> str:
    """A line of the project's command line."""
    return shlex.join(["python", "-m", "nri_core", verb, *words])


def as_set(changes: Mapping[str, Any]) -> list[str]:
    """Settings as `--set` reads them; nothing for none."""
    return ["--set", *(f"{name}={_setting(value)}" for name, value in changes.items())] if changes else []


def project_path(path: Path) -> str:
    """As one calls it from the project's folder."""
    return path.relative_to(PROJECT).as_posix() if path.is_relative_to(PROJECT) else path.as_posix()


def _setting(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(map(repr, value))
    return repr(value) if isinstance(value, float) else str(value)


def literal(value: Any) -> str:
    """As Python writes it, texts in double quotes."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{literal(key)}: {literal(one)}" for key, one in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def arguments(values: Mapping[str, Any]) -> str:
    """Keywords of a call."""
    return ", ".join(f"{name}={literal(value)}" for name, value in values.items())


def spelled(value: Any) -> Iterable[str]:
    """The words after an option."""
    if isinstance(value, bool):
        return [str(value).lower()]
    return map(str, value) if isinstance(value, list | tuple) else [str(value)]
