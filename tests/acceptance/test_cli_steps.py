"""Steps of SQL by the installed command: what they find, and what is said of one that fails."""

from pathlib import Path

from tests.acceptance.conftest import Command

METADATA = """
blocks:
- {uuid: numbers, type: transformer, language: sql, configuration: {output_datasets: [numbers]}}
- {uuid: broken, type: transformer, language: sql, configuration: {output_datasets: [broken]}}
"""
NUMBERS = "select range as n, 'n' || range as name from range(3) -- a few"
BROKEN = "select n,\n  cast(name as int) as number\nfrom numbers\n"


def test_steps_are_run_and_one_that_fails_shows_its_line(headrace: Command, tmp_path: Path) -> None:
    project = tmp_path / "counting"
    files = {"pipelines/count/metadata.yaml": METADATA, "transformers/numbers.sql": NUMBERS}
    for file, text in {**files, "transformers/broken.sql": BROKEN}.items():
        (project / file).parent.mkdir(parents=True, exist_ok=True)
        (project / file).write_text(text)
    said = headrace("run", project, "count", code=1).out
    assert "transformers/broken.sql:2\n      cast(name as int) as number\n" in said
    assert "Conversion error in line 2, column 3: Could not convert string 'n0' to INT32" in said
    shown = headrace("runs", "output", 1, "numbers").out
    assert "numbers: dataset, 3 rows, 2 columns" in shown
    assert "hash" not in shown
    assert headrace("datasets", "head", "numbers", "-o", "json").json["rows"] == [[0, "n0"], [1, "n1"], [2, "n2"]]
