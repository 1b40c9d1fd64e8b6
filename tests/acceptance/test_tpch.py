"""TPC-H: each of its 22 questions as a step of SQL is answered as DuckDB itself answers it on the same data."""

from collections.abc import Iterator
from typing import Any

import pytest
from bench import runs, tpch

from headrace.app import App
from headrace.datasets import names, reading

SCALE = 0.05


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """By question, DuckDB's answer and what the step has found; all steps are of one run."""
    folder = tmp_path_factory.mktemp("tpch")
    files = tpch.generate(folder, SCALE)
    answers = tpch.opened(files)
    with runs.engine(folder / "home") as app:
        tpch.enter(app, files)
        shown = runs.run(app, tpch.write(folder / "steps", at_once=2), "tpch")
        kept = {name: shown.attempts[name][-1].outputs[0] for name in tpch.QUERIES}
        committed = {name: _dataset(app, name) for name in tpch.QUERIES}
    yield {
        name: (answers.execute(query).fetchall(), tpch.rows(folder / "home" / kept[name].path), committed[name])
        for name, query in tpch.QUERIES.items()
    }


def _dataset(app: App, name: str) -> list[tuple[Any, ...]]:
    """The rows of the dataset that the step has written."""
    dataset = app.store.datasets.find(name)
    assert dataset
    (standing,) = app.store.datasets.standing([dataset])
    assert standing.newest
    place = names.absolute(app.settings.home, standing.dataset.location)
    (file,) = reading.files(place, standing.newest.version).paths
    return list(tpch.rows(file))


@pytest.mark.parametrize("name", tpch.QUERIES)
def test_a_question_is_answered_as_duckdb_answers_it(found: dict[str, Any], name: str) -> None:
    answer, kept, committed = found[name]
    assert answer, "a question without an answer shows nothing"
    assert kept == answer
    assert committed == answer


def test_there_are_22_of_them() -> None:
    assert list(tpch.QUERIES) == [f"q{number:02}" for number in range(1, 23)]
