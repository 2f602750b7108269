"""From results of cells to a table: means and standard errors over seeds beside the paper's figures; JSON and Markdown."""

import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from nri_core.errors import DataError
from nri_core.reproduction.paper import HORIZONS, METHODS, SYSTEMS, TABLES, TEST_SIMS, TITLES, figures
from nri_core.reproduction.results import Cell, CellResult
from nri_core.storage import write_json, write_text

FILES = tuple(f"{table}.json" for table in TABLES)
MAX_BYTES = 5_000_000


class Figure(BaseModel):
    """One entry: percent of pairs, or an error, with the standard error of its mean over seeds (None for one seed)."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    mean: float
    standard_error: float | None = None


class Entry(BaseModel):
    """What one method came to by one recipe on one system, and what each seed had to learn with."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    system: str
    method: str
    recipe: Literal["paper", "ours"]
    figures: tuple[Figure, ...] = Field((), description="Edge accuracy in percent; or the error 1, 10 and 20 frames ahead")
    encoder_alone: Figure | None = Field(None, description="Edge accuracy by the encoder alone, where that is not the way of reading")
    inference: str = ""
    objective: str = ""
    features: tuple[str, ...] = ()
    seeds: tuple[int, ...] = ()
    seconds: tuple[float, ...] = ()
    draws: tuple[int, ...] = ()
    train_sims: tuple[int, ...] = ()
    test_sims: int = 0
    finished: bool = True
    device: str = ""
    failures: tuple[str, ...] = ()


class Table(BaseModel):
    """`table1.json` or `table2.json`; systems and methods without an entry have not run."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    format: Literal[1] = 1
    table: Literal["table1", "table2"]
    command: str
    systems: tuple[str, ...]
    entries: tuple[Entry, ...]

    @model_validator(mode="after")
    def _of_the_paper(self) -> Self:
        named = {*self.systems, *(entry.system for entry in self.entries)}
        lengths = {len(entry.figures) for entry in self.entries} - {0}
        known = named <= set(SYSTEMS) and {entry.method for entry in self.entries} <= set(METHODS)
        if not self.systems or not known or lengths - {1 if self.table == "table1" else len(HORIZONS)}:
            raise ValueError("expected systems, methods and figures of the paper's table")
        return self

    def entry(self, system: str, method: str, recipe: str) -> Entry | None:
        """That one, if it ran."""
        return next((entry for entry in self.entries if (entry.system, entry.method, entry.recipe) == (system, method, recipe)), None)

    def methods(self, system: str) -> list[str]:
        """The rows of a system: what the paper has, and what ran."""
        ran = {entry.method for entry in self.entries if entry.system == system}
        return [method for method in TABLES[self.table] if method in ran or figures(self.table, system, method)]


def assemble(table: str, cells: Iterable[Cell], results: dict[Cell, CellResult], *, command: str) -> Table:
    """Put the seeds of each cell together."""
    cells = list(cells)
    groups: dict[tuple[str, str, str], list[CellResult]] = {}
    for cell in cells:
        if cell in results:
            groups.setdefault((cell.system, cell.method, cell.recipe), []).append(results[cell])
    entries = tuple(_entry(table, *key, group) for key, group in groups.items())
    return Table(table=table, command=command, systems=tuple(dict.fromkeys(cell.system for cell in cells)), entries=entries)


def _entry(table: str, system: str, method: str, recipe: str, group: Sequence[CellResult]) -> Entry:
    worked = [result for result in group if not result.failure]
    known = {"system": system, "method": method, "recipe": recipe, "failures": tuple(result.failure for result in group if result.failure)}
    if not worked:
        return Entry(**known)
    series = (
        [[100 * result.edge_accuracy for result in worked]]
        if table == "table1"
        else [[result.mse[str(h)] for result in worked] for h in HORIZONS]
    )
    by_encoder = [100 * result.edge_accuracy_encoder for result in worked if result.edge_accuracy_encoder is not None]
    first = worked[0]
    apart = table == "table1" and first.inference != "encoder" and by_encoder
    return Entry(
        **known,
        figures=tuple(map(_figure, series)),
        encoder_alone=_figure(by_encoder) if apart else None,
        seeds=tuple(result.seed for result in worked),
        finished=all(result.finished for result in worked),
        **{name: tuple(getattr(result, name) for result in worked) for name in ("seconds", "draws", "train_sims")},
        **{name: getattr(first, name) for name in ("inference", "objective", "features", "test_sims", "device")},
    )


def _figure(values: Sequence[float]) -> Figure:
    mean = sum(values) / len(values)
    if len(values) == 1:
        return Figure(mean=mean)
    variance = sum((value - mean) ** 2 for value in values) / (len(values) - 1)
    return Figure(mean=mean, standard_error=math.sqrt(variance / len(values)))


def write_table(folder: Path, table: Table) -> tuple[Path, Path]:
    """`table1.json` and `table1.md`, each in one step."""
    paths = folder / f"{table.table}.json", folder / f"{table.table}.md"
    write_json(paths[0], table.model_dump(mode="json"))
    write_text(paths[1], markdown(table))
    return paths


def read_table(path: Path) -> Table:
    """Raises DataError for anything but such a file."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise DataError(f"Expected a table of results; {path.name} has more than {MAX_BYTES:,} bytes. Run `reproduce` again.")
        return Table.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(
            f"Expected a table of results at {path.name}; it cannot be read ({error.strerror}). Run `reproduce` again."
        ) from error
    except (ValidationError, UnicodeDecodeError) as error:
        raise DataError(
            f"Expected a table that `reproduce` wrote; {path.name} is damaged or something else. Delete it and run `reproduce` again."
        ) from error


def paper_text(table: str, system: str, method: str) -> str:
    """The paper's figures, or a dash."""
    found = figures(table, system, method)
    return " / ".join(map(_number(table), found)) if found else "–"


def entry_text(table: str, entry: Entry | None) -> str:
    """Ours: the mean, ± the standard error over several seeds; or why there is none."""
    if entry is None:
        return "–"
    if not entry.figures:
        return f"failed: {entry.failures[0]}"
    text = " / ".join(_with_error(table, figure) for figure in entry.figures)
    alone = f" (encoder alone {_with_error(table, entry.encoder_alone)})" if entry.encoder_alone else ""
    lost = f" ({len(entry.failures)} seeds failed: {entry.failures[0]})" if entry.failures else ""
    return text + alone + lost


def budget_text(entry: Entry | None) -> str:
    """What a seed had: seconds, draws, different simulations; and whether that was all its recipe asks for."""
    if entry is None:
        return "not run"
    if not entry.seeds:
        return "–"
    tested = f", measured on {entry.test_sims}" if entry.test_sims < TEST_SIMS else ""
    if not entry.objective:
        return f"nothing is trained{tested}"
    seeds = f"{len(entry.seeds)} seeds, each " if len(entry.seeds) > 1 else ""
    amount = (
        f"{_mean(entry.seconds):,.0f} s ({entry.device}), {_mean(entry.draws):,.0f} draws from {_mean(entry.train_sims):,.0f} simulations"
    )
    return f"{seeds}{amount}{tested}{'' if entry.finished else ', cut short'}"


def _mean(values: Sequence[int | float]) -> float:
    return sum(values) / len(values)


def _number(table: str) -> Callable[[float], str]:
    return (lambda value: f"{value:.1f}") if table == "table1" else (lambda value: f"{value:.2e}".replace("e-0", "e-").replace("e+0", "e+"))


def _with_error(table: str, figure: Figure) -> str:
    number = _number(table)
    return number(figure.mean) if figure.standard_error is None else f"{number(figure.mean)} ± {number(figure.standard_error)}"


def markdown(table: Table) -> str:
    """The table with all that is needed to judge it."""
    lines = [f"# {TITLES[table.table]}", "", *NOTES[table.table], *SHARED_NOTES, "", f"    {table.command}", ""]
    for system in table.systems:
        lines += [
            f"## {title(system)}",
            "",
            "| Method | Paper (quoted) | Paper's recipe, run here | its budget | Our recipe | its budget |",
            "|---|---|---|---|---|---|",
        ]
        for method in table.methods(system):
            paper, ours = (table.entry(system, method, recipe) for recipe in ("paper", "ours"))
            cells = [
                method_title(table.table, method),
                paper_text(table.table, system, method),
                entry_text(table.table, paper),
                budget_text(paper),
            ]
            lines.append(f"| {' | '.join([*cells, entry_text(table.table, ours), budget_text(ours)])} |")
        note = features_note(table, system)
        lines += ["", *((note, "") if note else ())]
    lines += ["## Methods", "", *(f"- **{METHODS[method].title}**: {METHODS[method].meaning}." for method in TABLES[table.table])]
    return "\n".join(lines) + "\n"


def title(system: str) -> str:
    """springs5 → springs, N = 5."""
    law = system.rstrip("0123456789")
    return f"{law}, N = {system[len(law) :]}"


def method_title(table: str, method: str) -> str:
    """What the row is called."""
    return "Corr. (LSTM)" if (table, method) == ("table1", "lstm") else METHODS[method].title


def features_note(table: Table, system: str) -> str:
    """A sentence where our recipe sees other features than the paper's; else nothing."""
    seen = {entry.recipe: entry.features for entry in table.entries if entry.system == system and entry.features}
    if len(set(seen.values())) < 2:
        return ""
    return f"Features that our recipe sees are not the paper's: {', '.join(seen['ours'])}; the paper's are {', '.join(seen['paper'])}."


NOTES = {
    "table1": [
        "Percent of ordered pairs whose edge type is right, on the first 49 frames of test simulations that no training saw, "
        "up to one relabelling of the edge types for the whole test set.",
    ],
    "table2": [
        "Mean squared error 1 / 10 / 20 frames ahead: the graph from the first 49 frames of a test simulation of 99, then a "
        "free run from the true frame 49 (counted from 0). Units: locations and velocities each onto [−1, 1] by the range of "
        "50,000 training simulations; Kuramoto: the paper's features, each oscillator's rate onto [−1, 1] by its own extremes. "
        "The row Static tells how far our units are from the paper's.",
    ],
}
SHARED_NOTES = [
    "",
    "*Paper (quoted)*: what Kipf et al. (2018) print, over 500 epochs of 50,000 simulations and 10,000 test simulations; not "
    "measured here. ± is the standard error over seeds; our test set has 1,000 simulations where no smaller number is named. "
    "*Paper's recipe*: its encoder (springs MLP, charged and Kuramoto CNN), MLP decoder, Gaussian likelihood, Adam 5e-4, batch "
    "128; the first type is silent for springs and Kuramoto. *Our recipe*: the `live` preset, suited to the data; read through "
    "the decoder, and by the encoder alone. A recipe that its budget cut short says little about what it can do. Printed by",
]
