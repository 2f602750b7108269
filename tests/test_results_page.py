"""Results without a browser: the tables at hand, the command that runs them again, and what it says of a file that is none."""

import subprocess
import sys
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from nri_core.reproduction.results import FOLDER, Cell, CellResult
from nri_core.reproduction.tables import assemble, write_table
from tests import pages
from ui import tables

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder of results, and nothing shipped."""
    monkeypatch.setenv("NRI_RUNS_DIR", str(tmp_path))
    monkeypatch.setattr(tables, "SHIPPED_RESULTS", tmp_path / "shipped")
    return tmp_path / FOLDER


def opened(**address: str) -> AppTest:
    app = pages.opened("results", **address)
    assert not app.exception
    return app


def write(folder: Path, table: str = "table1", **changes: object) -> None:
    cells = [Cell(system, method, "ours", 0) for system in ("springs5", "charged5") for method in ("nri", "marginal")]
    known = {
        "protocol": 1,
        "edge_accuracy": 0.987,
        "edge_accuracy_encoder": 0.951,
        "inference": "exact",
        "objective": "elbo",
        "seconds": 61.0,
        "test_sims": 1000,
    }
    errors = {"mse": {"1": 1.5e-6, "10": 2.5e-4, "20": 3.5e-3}}
    results = {cell: CellResult(**cell._asdict() | known | errors | changes) for cell in cells}
    write_table(folder, assemble(table, cells, results, command="the command"))


def words(app: AppTest) -> str:
    return "\n".join(str(part.value) for kind in ("caption", "markdown", "info", "error", "code") for part in app.get(kind))


def test_without_results_there_is_the_command() -> None:
    app = opened()
    assert [code.value for code in app.get("code")] == ["python -m nri_core reproduce table1 --budget 60 --systems springs5"]
    assert "Nothing has been run yet" in words(app) and not app.dataframe


def test_the_table_stands_beside_the_papers(own: Path) -> None:
    write(own)
    app = opened(system_of="Charges, 5 particles")
    rows = app.dataframe[0].value.set_index("Method")
    assert rows.loc["NRI (learned)", ["Paper (quoted)", "Our recipe", "Paper's recipe, here"]].tolist() == [
        "82.1",
        "98.7 (encoder alone 95.1)",
        "–",
    ]
    assert rows.loc["Supervised", "Budget of ours"] == "not run"
    assert "quoted from Kipf et al. (2018)" in words(app) and "is not NRI" in words(app)
    assert app.get("code")[0].value.endswith("--systems charged5")


def test_forecasts_have_a_horizon(own: Path) -> None:
    write(own, "table2")
    app = opened(table="Forecast error", ahead="20")
    assert "20 frames after the last true frame" in words(app)
    assert app.dataframe[0].value.set_index("Method").loc["NRI (learned)", "Our recipe"] == "1.50e-6 / 2.50e-4 / 3.50e-3"


def test_own_results_come_before_the_shipped(own: Path) -> None:
    write(own)
    write(tables.SHIPPED_RESULTS, edge_accuracy=0.5)
    assert opened().dataframe[0].value.set_index("Method").loc["NRI (learned)", "Our recipe"].startswith("98.7")
    assert opened(run_by="Shipped").dataframe[0].value.set_index("Method").loc["NRI (learned)", "Our recipe"].startswith("50.0")


@pytest.mark.parametrize("text", ["", "{}", '{"format": 1, "table": "table1", "command": "", "systems": [], "entries": []}', "\xff\xfe"])
def test_a_file_that_is_no_table_is_a_sentence(own: Path, text: str) -> None:
    own.mkdir()
    (own / "table1.json").write_text(text, encoding="latin-1")
    write(tables.SHIPPED_RESULTS)
    app = opened()
    assert "table1.json is damaged or something else" in words(app) and len(app.dataframe) == 1


def test_an_address_that_asks_for_nothing_known_is_a_sentence(own: Path) -> None:
    write(own)
    app = opened(table="Table 9", system_of="moon")
    assert "Table 9" in words(app) and "moon" in words(app) and len(app.dataframe) == 1


def test_the_figures_need_no_torch() -> None:
    code = "import sys, ui.tables; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=300).returncode == 0
