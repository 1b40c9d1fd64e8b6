"""Jobs in a worker as it is in life: it asks for what it needs to know, and is as it was when the job is done."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from tests.conftest import Forking, Outcome, Site, Worker

from headrace.model.pipeline import Block, BlockType, Language
from headrace.project import steps
from headrace.worker import wire

ROOM = ("headrace.project.pipelines", "headrace.project.layout", "yaml", "cronsim", "jinja2")
CONFIGURATION = {"job_type": "transfer", "job_id": "p_0"}


@pytest.fixture
def mill(tmp_path: Path, make_forking: Callable[..., Forking]) -> Iterator[Site]:
    """Workers that have imported what a pipeline of jobs says that it imports, and a table of two rows."""
    block = Block("job_0", BlockType.CUSTOM, Language.YAML, configuration=CONFIGURATION)
    site = Site(tmp_path, make_forking(*steps.imports([block])))
    with closing(sqlite3.connect(site.live.parent / "mill.db")) as connection, connection:
        connection.execute("CREATE TABLE grain (id INTEGER)")
        connection.execute("INSERT INTO grain VALUES (1), (2)")
    yield site
    site.retire()


def _task(site: Site, output: dict[str, Any], writes: Sequence[str] = (), **how: Any) -> wire.Task:
    source = {"connector": "jdbc", "plugin": "sqlite", "table_name": "grain", **how}
    site.write("custom/job.yaml", yaml.safe_dump({"input": source, "output": output, "state": "s1"}))
    told = {"language": "yaml", "configuration": CONFIGURATION, "memory_limit": 2**30, "block": "job_0"}
    return site.task(None, file="custom/job.yaml", writes=tuple(writes), **told)


def test_one_worker_does_job_after_job(mill: Site) -> None:
    worker = mill.fork()
    for plugin in ("sqlite", "duckdb", "parquet", "sqlite"):
        place = {"plugin": plugin, "path": f"kept.{plugin}", "table_name": "kept"}
        outcome = worker.run(_task(mill, place, path="mill.db"))
        assert (outcome.finished.status, outcome.ready.retire) == ("completed", None), outcome
        assert mill.value(outcome)["rows"] == 2
        assert outcome.out == f"grain → {plugin} kept: 2 rows (replace)\n"


def test_it_asks_how_its_ends_are_reached_and_how_far_it_has_got(mill: Site) -> None:
    worker = mill.fork()
    how = {"load_type": "incremental", "incremental_column_name": "id", "auth_parameters": {"config_id": "mill"}}
    worker.begin(_task(mill, {"plugin": "dataset", "table_name": "kept"}, ["kept"], **how))
    place = str(mill.live.parent / "mill.db")
    assert _answer(worker, wire.Secret(f"sqlite:///{place}")) == wire.ReadSecret("mill")
    assert _answer(worker, wire.Marked({"state": "s1", "value": 1, "attempt": "a0"})) == wire.ReadBookmark()
    (output,) = _completed(worker.finish())
    assert (output.rows, output.extra["mode"], output.extra["bookmark"]["value"]) == (1, "append", 2)


def test_a_dataset_gets_nothing_of_a_block_that_is_not_known_to_write_it(mill: Site) -> None:
    task = _task(mill, {"plugin": "dataset", "table_name": "kept"}, ["other"], path="mill.db")
    failure = mill.fork().run(task).finished.failure
    assert failure is not None
    assert failure.message == "The table grain cannot be moved: the block does not write kept."


def test_what_is_not_installed_is_named(mill: Site) -> None:
    task = _task(mill, {"plugin": "parquet", "path": "kept.parquet"}, path="mill.db")
    code = "import sys, msgspec; sys.modules['pyarrow'] = None; from headrace.worker import wire; "
    code += "from headrace.worker.kinds import transfer; transfer.run(msgspec.json.decode(sys.argv[1], type=wire.Task))"
    asked = [sys.executable, "-c", code, msgspec.json.encode(task).decode()]
    said = subprocess.run(asked, capture_output=True, text=True, check=False).stderr.splitlines()[-1]
    assert said.endswith("the library pyarrow, which is not installed here: pip install 'headrace[datasets]'")


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("state: [", "BadBlockFile"),
        ("state: .nan", "BadBlockFile"),
        ("state: 1", "BadField"),
        ("state: 2026-01-01", None),  # a date is its text
    ],
)
def test_a_file_is_read_as_all_that_is_written_of_pipelines(mill: Site, line: str, fault: str | None) -> None:
    task = _task(mill, {"plugin": "sqlite", "path": "kept.db", "table_name": "kept"}, path="mill.db")
    written = mill.snapshot / task.file
    written.write_text(written.read_text().replace("state: s1", line))
    failure = mill.fork().run(task).finished.failure
    assert (failure and failure.type) == fault


@pytest.mark.parametrize("kind", ["sql", "transfer"])
def test_of_the_projects_room_a_worker_imports_what_it_needs(kind: str) -> None:
    """The rest of it takes longer to import than most blocks take."""
    code = f"import sys, headrace.worker.kinds.{kind}; print([each for each in {ROOM} if each in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"


def _answer(worker: Worker, answer: wire.Answer) -> wire.Request:
    """Answers the next question; what it was."""
    asked = worker.asked()
    worker.answer(wire.Answered(attempt=asked.attempt, number=asked.number, answer=answer))
    return asked.request


def _completed(outcome: Outcome) -> Any:
    assert outcome.finished.status == "completed", outcome
    return outcome.finished.outputs
