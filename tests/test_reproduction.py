"""The paper's tables run again: the protocol, how a budget is spent, what is resumed, and what a table says."""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from nri_core.checkpoint import Checkpoint, CheckpointConfig
from nri_core.command_line import main
from nri_core.dataset import Normalizer
from nri_core.errors import ConfigError, DataError
from nri_core.models import NRI
from nri_core.reproduction import budget, protocol, run
from nri_core.reproduction.budget import spend
from nri_core.reproduction.cells import RECIPES, cells_of, described, is_current, law_of, settings_of
from nri_core.reproduction.paper import ERRORS, SYSTEMS, TABLES
from nri_core.reproduction.protocol import START, TEST_FRAMES, Bench, forecast_true_graph, read_and_forecast, static, units
from nri_core.reproduction.results import Cell, CellResult, path_of, read_result, write_result
from nri_core.reproduction.run import stored
from nri_core.reproduction.tables import assemble, markdown, read_table, write_table
from nri_core.settings import ModelSettings
from nri_core.systems import Kuramoto, Simulation, Springs, simulate
from nri_core.training import check
from nri_core.trajectories import Trajectories

CELLS = [
    Cell("springs5", method, recipe, 0) for method, recipe in (("static", "paper"), ("marginal", "ours"), ("nri", "ours"), ("nri", "paper"))
]


def result(cell: Cell, **changes: object) -> CellResult:
    known = {
        "edge_accuracy": 0.9,
        "inference": "encoder",
        "mse": {"1": 1e-6, "10": 1e-4, "20": 1e-3},
        "seconds": 10.0,
        "objective": "elbo",
        "device": "cpu",
        "test_sims": 1000,
    }
    return CellResult(**described(cell) | known | changes)


class Clock:
    """Time that passes only while something works."""

    def __init__(self) -> None:
        self.now, self.shares = 0.0, {}

    def working(self, *, takes: float = 1.0, beside: float = 0.0, finished: bool = True) -> Callable[[Cell, float], CellResult]:
        """Work that trains for this part of its share, and measures for so long."""

        def work(cell: Cell, share: float) -> CellResult:
            self.shares[cell] = share
            self.now += takes * share + beside
            return result(cell, seconds=takes * share, finished=finished)

        return work


def spent(
    folder: Path, work: Callable[[Cell, float], CellResult], clock: Clock, *, seconds: float, cells: list[Cell] = CELLS
) -> dict[Cell, CellResult]:
    return spend(cells, stored(folder, cells), seconds=seconds, folder=folder, work=work, report=lambda line: None, clock=lambda: clock.now)


def test_every_cell_has_settings_that_fit_its_data() -> None:
    cells = {cell for table in TABLES for cell in cells_of(table, ("springs5", "charged5", "kuramoto5"), 1)}
    assert {(cell.method, cell.recipe) for cell in cells} == set(RECIPES)
    made = cache(lambda law: simulate(law, Simulation(num_sims=2, num_nodes=5, num_steps=49)))
    for cell in cells:
        if settings := settings_of(cell):
            check(made(law_of(cell)), settings)
        assert cell.method in protocol.MEASURES


def test_the_papers_recipe_is_the_references() -> None:
    for cell in cells_of("table1", ("springs5",), 1):
        if (cell.method, cell.recipe) == ("nri", "paper"):
            settings = settings_of(cell)
    found = settings.model_dump(include={"encoder", "decoder", "objective", "learning_rate", "batch_size", "encoder_hidden", "likelihood"})
    expected = {"encoder": "mlp", "decoder": "mlp", "objective": "elbo", "learning_rate": 5e-4, "batch_size": 128, "encoder_hidden": 256}
    assert found == expected | {"likelihood": "gaussian"}


def test_forecasts_start_from_true_frame_49_under_the_true_graph() -> None:
    """The law itself as decoder makes no error; a frame or an edge elsewhere makes one."""
    data = simulate(Springs(), Simulation(num_sims=4, num_nodes=5, num_steps=TEST_FRAMES, seed=9))
    known = forecast_true_graph(lawful(data), data)["mse"]
    assert all(error < 1e-9 for error in known.values())
    reversed_graph = replace(data, edge_types=np.where(np.eye(5, dtype=bool), 0, 1 - data.edge_types))
    assert forecast_true_graph(lawful(data), reversed_graph)["mse"]["10"] > 1e-5
    values = data.values.copy()
    values[:, START + 1 :] += 1.0  # what comes after must not be looked at
    later = forecast_true_graph(lawful(data), replace(data, values=values))["mse"]
    scale, _ = units(data)
    assert later["1"] == pytest.approx(np.square(1 / scale).mean(), rel=1e-3)


def lawful(data: Trajectories) -> Checkpoint:
    """The law of springs as a model."""
    settings = ModelSettings(encoder="edgewise", decoder="simulated", law="springs", law_steps=100, likelihood="gaussian")
    normalizer = Normalizer.fit(data, "unit")
    model = NRI(settings, feature_names=data.feature_names, num_nodes=data.num_nodes, window=49)
    model.decoder.use_units(normalizer)
    config = CheckpointConfig(
        settings=settings,
        inference="encoder",
        feature_names=data.feature_names,
        window=49,
        num_nodes=5,
        dt=data.dt,
        normalizer=normalizer,
        unit=normalizer,
    )
    return Checkpoint(model, config)


def test_a_hand_made_path_has_the_error_of_a_hand() -> None:
    time = np.arange(TEST_FRAMES, dtype=float)[None, :, None, None]
    values = np.zeros((1, TEST_FRAMES, 5, 4)) + time * np.array([1.0, 0.0, 0.0, 0.0])
    data = Trajectories(values, ("x", "y", "vx", "vy"), metadata={"system": "springs"})
    location = units(data)[0][0]
    assert static(None, data)["mse"] == pytest.approx({str(ahead): (ahead / location) ** 2 / 4 for ahead in (1, 10, 20)})


def test_the_graph_is_read_from_the_first_49_frames() -> None:
    checkpoint = Checkpoint.load(Path(__file__).parents[1] / "sample_data" / "models" / "springs5")
    data = simulate(Springs(), Simulation(num_sims=6, num_nodes=5, num_steps=TEST_FRAMES, seed=9))
    values = data.values.copy()
    values[:, 49:] = values[:, 48:49]
    figures, frozen = read_and_forecast(checkpoint, data), read_and_forecast(checkpoint, replace(data, values=values))
    assert figures["edge_accuracy"] == frozen["edge_accuracy"] > 0.95
    assert figures["edge_accuracy_encoder"] == frozen["edge_accuracy_encoder"] > 0.8
    assert figures["mse"]["10"] < 1e-5 < frozen["mse"]["10"]


def test_kuramoto_errors_are_the_papers_whatever_the_model_sees() -> None:
    physical, paper = (
        simulate(Kuramoto(features=kind), Simulation(num_sims=5, num_steps=TEST_FRAMES, seed=3)) for kind in ("physical", "paper")
    )
    assert static(None, physical)["mse"] == pytest.approx(static(None, paper)["mse"])


def test_units_are_the_range_of_training_simulations() -> None:
    for (system, nodes), ranges in protocol.HALF_RANGES.items():
        values = simulate(law_of(Cell(f"{system}{nodes}", "nri", "paper", 0)), Simulation(num_sims=50, num_nodes=nodes)).values
        for dims, half in zip((slice(0, 2), slice(2, 4)), ranges, strict=True):
            assert 0.5 * half < np.ptp(values[..., dims]) / 2 <= half


def test_a_budget_is_shared_equally_and_kept(tmp_path: Path) -> None:
    clock = Clock()
    results = spent(tmp_path, clock.working(), clock, seconds=1000.0)
    assert set(results) == set(CELLS)
    assert clock.now <= 1000 and min(clock.shares.values()) > 0.15 * 1000


@pytest.mark.parametrize("seconds", [40.0, 100.0, 300.0])
def test_time_for_measuring_is_kept_back(tmp_path: Path, seconds: float) -> None:
    clock = Clock()
    spent(tmp_path, clock.working(beside=12.0), clock, seconds=seconds)
    assert clock.now <= seconds + 1e-9 and len(clock.shares) == (2 if seconds == 40 else 4)


def test_what_a_cell_leaves_goes_to_the_others(tmp_path: Path) -> None:
    clock = Clock()
    spent(tmp_path, clock.working(takes=0.01), clock, seconds=1000.0)
    shares = list(clock.shares.values())
    assert shares == sorted(shares) and shares[-1] > 3 * shares[0]


def test_a_small_budget_leaves_cells_for_later(tmp_path: Path) -> None:
    clock = Clock()
    assert len(spent(tmp_path, clock.working(), clock, seconds=12.0)) == 2
    assert clock.now <= 12
    assert len(spent(tmp_path, clock.working(), clock, seconds=100.0)) == 4


def test_a_stop_costs_one_cell(tmp_path: Path) -> None:
    clock = Clock()

    def stopped(cell: Cell, share: float) -> CellResult:
        if cell == CELLS[2]:
            raise KeyboardInterrupt
        return clock.working()(cell, share)

    with pytest.raises(KeyboardInterrupt):
        spent(tmp_path, stopped, clock, seconds=100.0)
    assert set(clock.shares) == set(CELLS[:2])
    clock.shares.clear()
    spent(tmp_path, clock.working(), clock, seconds=100.0)
    assert set(clock.shares) == set(CELLS[2:])


@pytest.mark.parametrize("text", ["", "{", '{"format": 1}', "null", "\x00\xff"])
def test_a_damaged_result_runs_again(tmp_path: Path, text: str) -> None:
    cell = CELLS[1]
    write_result(tmp_path, result(cell))
    assert read_result(tmp_path, cell, is_current=is_current) == result(cell)
    path_of(tmp_path, cell).write_text(text, encoding="latin-1")
    assert read_result(tmp_path, cell, is_current=is_current) is None


def test_a_result_of_other_settings_runs_again(tmp_path: Path) -> None:
    kept = result(CELLS[3])
    for other in ({"batch_size": 64}, {"no_longer_there": 1}, {}):
        recipe = kept.recipe_settings | other if other else {}
        assert not is_current(kept.model_copy(update={"recipe_settings": recipe}))
    assert not is_current(kept.model_copy(update={"protocol": 0})) and not is_current(
        kept.model_copy(update={"law_settings": {"noise": 0.1}})
    )
    newer = {name: value for name, value in kept.recipe_settings.items() if name != "burn_in"}  # as if it were added since
    assert is_current(kept.model_copy(update={"recipe_settings": newer | {"max_seconds": 9.0, "precision": "tf32"}}))
    write_result(tmp_path, result(CELLS[1], protocol=0))
    assert stored(tmp_path, CELLS) == {}


def test_only_what_was_cut_short_runs_again_and_only_for_twice_as_long(tmp_path: Path) -> None:
    clock = Clock()
    spent(tmp_path, clock.working(finished=False), clock, seconds=100.0, cells=CELLS[:2])
    spent(tmp_path, clock.working(), clock, seconds=100.0, cells=CELLS[2:])
    clock.shares.clear()
    spent(tmp_path, clock.working(), clock, seconds=60.0)
    assert clock.shares == {}
    spent(tmp_path, clock.working(), clock, seconds=400.0)
    assert set(clock.shares) == set(CELLS[:2])


def test_a_failure_is_shown_with_its_reason_and_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, bench = Clock(), Bench(seconds_for_data=0.1, test_sims=5, device="cpu", threads=1)
    monkeypatch.setitem(protocol.MEASURES, "static", refused)
    results = spent(tmp_path, bench.run, clock, seconds=100.0, cells=CELLS[:1])
    text = markdown(assemble("table2", CELLS[:1], results, command="the command"))
    assert "failed: Expected a finite loss; found NaN." in text and not results[CELLS[0]].finished
    spent(tmp_path, clock.working(), clock, seconds=100.0)
    assert set(clock.shares) == set(CELLS)


def refused(checkpoint: Checkpoint | None, test: Trajectories) -> dict:
    raise DataError("Expected a finite loss; found NaN.")


def test_the_table_tells_the_papers_figures_from_ours(tmp_path: Path) -> None:
    seeds = [Cell("springs5", "nri", "ours", seed) for seed in range(3)]
    results = {
        cell: result(cell, edge_accuracy=0.9 + 0.01 * cell.seed, seconds=30.0, draws=1000, train_sims=500, finished=False) for cell in seeds
    }
    table = assemble("table1", seeds, results, command="python -m nri_core reproduce table1")
    (figure,) = table.entry("springs5", "nri", "ours").figures
    assert figure.mean == pytest.approx(91.0) and figure.standard_error == pytest.approx(1 / np.sqrt(3))
    text = markdown(table)
    head, row = text.splitlines()[9], next(line for line in text.splitlines() if line.startswith("| NRI (learned)"))
    assert "Paper (quoted)" in text and "not measured here" in text
    assert (
        row == "| NRI (learned) | 99.9 | – | not run | 91.0 ± 0.6 | 3 seeds, each 30 s (cpu), 1,000 draws from 500 simulations, cut short |"
    ), head
    paths = write_table(tmp_path, table)
    assert read_table(paths[0]) == table and paths[1].read_text(encoding="utf-8") == text


@pytest.mark.parametrize("text", ["", "[]", '{"format": 2}', '{"table": "table1"', "\xff\xfe"])
def test_a_foreign_table_is_refused_in_a_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "table1.json"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(DataError, match="table1.json is damaged or something else"):
        read_table(path)


def test_the_papers_tables_are_whole() -> None:
    assert set(ERRORS) <= set(SYSTEMS)
    for rows in ERRORS.values():
        assert len(rows) == 6
        for one, ten, twenty in rows.values():
            assert 0 < one < ten and one < twenty


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["table1", "--budget", "0"], "found 0"),
        (["table1", "--budget", "nan"], "found nan"),
        (["table1", "--budget", "1", "--seeds", "0"], "found 0"),
        (["table2", "--budget", "1", "--systems", "moon3"], "found 'moon3'"),
        (["table3", "--budget", "1"], "table3"),
        (["table1"], "--budget"),
    ],
)
def test_bad_input_is_one_line(arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        code = main(["reproduce", *arguments])
    except SystemExit as stop:
        code = stop.code
    error = capsys.readouterr().err
    assert code == 2 and error.count("\n") == 1 and sentence in error


def test_an_unknown_system_is_named() -> None:
    with pytest.raises(ConfigError, match="found 'springs6'"):
        cells_of("table1", ["springs5", "springs6"], 1)


@pytest.mark.slow
def test_a_real_run_resumes_and_prints(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "FEW_TEST_SIMS", 40)
    monkeypatch.setattr(budget, "FEWEST_SECONDS", 0.2)
    call = ["reproduce", "table1", "--systems", "springs5", "--out", str(tmp_path), "--json", "--budget", "0.5"]
    assert main(call) == 0
    told = json.loads(capsys.readouterr().out)
    first, last = sorted(tmp_path.glob("cells/*.json"), key=lambda path: path.stat().st_mtime_ns)[:2]
    assert first.name == "springs5-correlation-paper-seed0.json"
    first.write_text(first.read_text(encoding="utf-8")[:100], encoding="utf-8")
    last.unlink()
    assert main(call) == 0
    cells = cells_of("table1", ("springs5",), 1)
    assert {"springs5-correlation-paper-seed0", last.stem} <= {cell.name for cell in stored(tmp_path, cells)}
    table = read_table(Path(told["json"]))
    assert table.entry("springs5", "correlation", "paper").figures[0].mean < 65
    assert table.command == "python -m nri_core reproduce table1 --budget 0.5 --systems springs5"
    assert "measured on 40" in Path(told["markdown"]).read_text(encoding="utf-8")
