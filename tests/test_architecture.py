"""The shape of the project as a table: which rooms there are, and that imports run one way."""

import ast
from collections.abc import Iterator
from pathlib import Path

import networkx
import pytest

ROOT = Path(__file__).parents[1]

# A module of the core imports only from lines above its own; names on one line do not know each other.
CORE = (
    ("errors",),
    ("storage", "graph", "settings", "devices", "snippets"),
    ("trajectories",),
    ("posterior", "recording", "holdout"),
    ("systems", "importers", "player"),
    ("preparation", "gallery"),
    ("dataset", "phases", "suggestions"),
    ("models",),
    ("checkpoint",),
    ("metrics", "guess", "charges", "unseen"),
    ("inference",),
    ("candidates", "evaluation", "meaning", "model_choice", "sensitivity", "what_if", "stages"),
    ("credibility",),
    ("training",),
    ("network_baselines",),
    ("presets",),
    ("exporters",),
    ("jobs",),
    ("reproduction",),
    ("command_line",),
    ("__main__",),
)
LEVEL = {name: level for level, names in enumerate(CORE) for name in names}

# What each room may import of the project.
ROOMS = {"app": {"ui"}, "pages": {"ui", "nri_core"}, "ui": {"ui", "nri_core"}, "nri_core": {"nri_core"}}
ROOMS["benchmarks"] = {"nri_core", "benchmarks"}
TOP = {"app.py", "pages", "ui", "nri_core", "sample_data", "tests", "benchmarks", "requirements.txt", "requirements-dev.txt", "requirements-ray.txt", "requirements-formats.txt"}
TOP |= {"pyproject.toml", "limits.toml", "Makefile", "README.md", "GALLERY.md", "LICENSE"}

FIRST = ("app", "pages.explore", "ui.frame", "ui.state", "ui.figures", "ui.player", "ui.tables", "pages.results")  # the landing page, and what only shows figures
MAX_LINES = {"pages": 100}
VAGUE = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}

SOURCES = [path for room in ROOMS for path in (ROOT / f"{room}.py", *(ROOT / room).rglob("*.py")) if path.exists()]


def module_name(path: Path) -> str:
    """Its dotted name; a package goes by the name of its folder."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


TREES = {module_name(path): ast.parse(path.read_text(encoding="utf-8")) for path in SOURCES}


def imports(tree: ast.AST, *, lazy: bool) -> Iterator[str]:
    """Dotted names of everything imported; with `lazy` also inside functions, and for annotations only."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: write imports in full"
            yield from _from(node)
        elif lazy or not (isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or _for_annotations(node)):
            yield from imports(node, lazy=lazy)


def _for_annotations(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def _from(node: ast.ImportFrom) -> Iterator[str]:
    """`from package import submodule` names the submodule, `from module import thing` the module."""
    for alias in node.names:
        full = f"{node.module}.{alias.name}"
        yield full if full in TREES else str(node.module)


def room(name: str) -> str:
    return name.split(".")[0]


def core_room(name: str) -> str:
    return (name.split(".") + [""])[1]


@pytest.mark.parametrize("name", TREES)
def test_imports_run_one_way(name: str) -> None:
    for imported in set(imports(TREES[name], lazy=True)):
        if room(imported) in ROOMS or imported in TREES:
            assert room(imported) in ROOMS[room(name)], f"{name} must not import {imported}"
        if room(name) == "nri_core" == room(imported):
            here, there = core_room(name), core_room(imported)
            assert here == there or not here or LEVEL.get(there, -1) < LEVEL[here], f"{name} must not import {imported}: it lies above it"


def test_no_import_cycles() -> None:
    edges = [(name, imported) for name, tree in TREES.items() for imported in imports(tree, lazy=True) if imported in TREES]
    cycles = [cycle for cycle in networkx.simple_cycles(networkx.DiGraph(edges)) if len(cycle) > 1]
    assert not cycles


@pytest.mark.parametrize("name", TREES)
def test_streamlit_and_plotly_stay_in_the_interface(name: str) -> None:
    external = {room(imported) for imported in imports(TREES[name], lazy=True)}
    if room(name) in ("nri_core", "benchmarks"):
        assert not external & {"streamlit", "plotly"}
    if name == "ui.figures":
        assert "streamlit" not in external


@pytest.mark.parametrize("name", [name for name in FIRST if name in TREES])
def test_the_first_page_paints_without_torch(name: str) -> None:
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        module = waiting.pop()
        seen.add(module)
        packages = {module.rsplit(".", depth)[0] for depth in range(1, module.count(".") + 1)}  # importing a.b runs a first
        found = packages | set(imports(TREES[module], lazy=False)) if module in TREES else set()
        waiting += found - seen
    assert "torch" not in map(room, seen)


def test_only_the_rooms_of_the_plan() -> None:
    found = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")} - {"runs", "__pycache__"}
    assert found <= TOP
    core = {path.stem for path in (ROOT / "nri_core").iterdir()} - {"__init__", "__pycache__"}
    assert core <= set(LEVEL)


@pytest.mark.parametrize("name", TREES)
def test_each_file_is_small_named_and_introduced(name: str) -> None:
    path = next(path for path in SOURCES if module_name(path) == name)
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_LINES.get(room(name), 300)
    assert not set(name.split(".")) & VAGUE
    assert ast.get_docstring(TREES[name])


@pytest.mark.parametrize("name", TREES)
def test_no_bare_except(name: str) -> None:
    assert not [node.lineno for node in ast.walk(TREES[name]) if isinstance(node, ast.ExceptHandler) and node.type is None]


@pytest.mark.parametrize("name", [name for name in TREES if room(name) == "pages"])
def test_pages_are_screenplays(name: str) -> None:
    assert not [node.name for node in ast.walk(TREES[name]) if isinstance(node, ast.ClassDef)]
