"""Datasets, as a client and the command line see them: in a home here, and behind a server."""

import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from tests.api.conftest import Served
from tests.api.sockets import Site

from headrace import Client, errors
from headrace.cli import garbage, headrace
from headrace.model.dataset import WriteMode
from headrace.operations import datasets as operations

Say = Callable[..., str]


@pytest.fixture
def name(here: Served) -> str:
    return here.name("sales").replace("-", "_")


def words(*said: str, home: Path, token: str = "") -> str:
    environ = {"HEADRACE_HOME": str(home), "HEADRACE_TOKEN": token}
    done = CliRunner().invoke(headrace, said, env=environ, standalone_mode=False)
    if done.exception:
        raise done.exception
    return done.output


@pytest.fixture(params=["here", "there"])
def say(request: pytest.FixtureRequest, here: Served, site: Site, monkeypatch: pytest.MonkeyPatch) -> Say:
    """What `headrace` says to these words; what this process has imported is not kept for good, as a command's is."""
    monkeypatch.setattr(garbage, "begin", lambda: None)
    where = ["--url", site.url] if request.param == "there" else []
    return partial(words, *where, home=here.app.settings.home, token=site.token)


def test_rows_are_given_and_read(client: Client, name: str) -> None:
    first = client.datasets.upsert(name, "id", [{"id": 1, "v": "a"}], types={"id": "integer", "v": "string"})
    second = client.datasets.upsert(name, "id", [{"id": 1, "v": "b"}, {"id": 2, "v": None}])
    assert (first.newest and first.newest.version, second.newest and second.newest.version) == (1, 2)
    assert client.datasets.get(name.upper()) == second
    assert second in list(client.datasets.list())
    assert [each.operation for each in client.datasets.versions(name)] == [WriteMode.UPSERT] * 2
    assert [each.version for each in client.datasets.versions(name, cursor=2)] == [1]
    found = client.datasets.rows(name, version=1)
    assert (found.columns, found.rows, found.total) == (("id", "v"), ((1, "a"),), 1)
    assert sorted(client.datasets.rows(name).rows) == [(1, "b"), (2, None)]


def test_what_is_wrong_is_told_as_what_it_is(client: Client, name: str) -> None:
    with pytest.raises(errors.DatasetNotFound, match=name):
        client.datasets.get(name)
    with pytest.raises(errors.BadDatasetName, match="a letter and then"):
        client.datasets.get("a.b")
    with pytest.raises(errors.BadRows, match=r"rows\[1\]\.id"):
        client.datasets.upsert(name, "id", [{"id": 1}, {"id": None}])
    client.datasets.upsert(name, "id", [{"id": 1}])
    with pytest.raises(errors.DatasetVersionNotFound, match="version 9"):
        client.datasets.rows(name, version=9)


def test_the_command_line_says_the_same_here_and_there(client: Client, name: str, say: Say) -> None:
    client.datasets.upsert(name, "id", [{"id": 1, "v": "a"}], description="what was sold")
    client.datasets.upsert(name, "id", [{"id": 1, "v": "b"}])
    (listed,) = (line for line in say("datasets", "list").splitlines() if line.startswith(f"{name} "))
    assert listed.split()[1:3] == ["2", "1"]
    assert listed.endswith("what was sold")
    history = say("datasets", "history", name).splitlines()
    assert [line.split()[0] for line in history[1:]] == ["2", "1"]
    assert "rows that were sent" in history[1]
    assert "Older ones" in say("datasets", "history", name, "-n", "1")
    shown = say("datasets", "show", name)
    assert "Version 2: 1 row" in shown
    assert "Its rows are told apart by id." in shown
    assert "string" in shown
    assert say("datasets", "head", name).split() == ["id", "v", "1", "b"]
    assert say("datasets", "head", name, "--version", "1").split() == ["id", "v", "1", "a"]


def test_the_command_line_answers_in_json(client: Client, name: str, say: Say) -> None:
    client.datasets.upsert(name, "id", [{"id": 1, "v": "a"}])
    shown = json.loads(say("datasets", "show", name, "-o", "json"))
    assert (shown["name"], shown["newest"]["rows"]) == (name, 1)
    assert shown in json.loads(say("datasets", "list", "-o", "json"))
    assert json.loads(say("datasets", "history", name, "-o", "json")) == [shown["newest"]]
    assert json.loads(say("datasets", "head", name, "-o", "json")) == {"columns": ["id", "v"], "rows": [[1, "a"]]}


def test_the_command_line_says_what_is_not_there(name: str, say: Say) -> None:
    with pytest.raises(errors.DatasetNotFound):
        say("datasets", "show", name)
    with pytest.raises(errors.BadDatasetName):
        say("datasets", "head", "a.b")
    assert say("datasets", "list", "--after", "zzzz") == "There are no such datasets.\n"


def test_files_are_written_in_one_version(
    client: Client, name: str, here: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(garbage, "begin", lambda: None)
    files = [str(tmp_path / f"{n}.parquet") for n in range(2)]
    for number, file in enumerate(files):
        pq.write_table(pa.table({"id": [number, 2], "v": ["a", "b"]}), file)
    write = partial(words, "datasets", "write", name, home=here.app.settings.home)
    assert "Version 1: 4 rows" in write(*files, "--description", "what was sold")
    assert client.datasets.get(name).description == "what was sold"
    assert "Version 2: 2 rows" in write(files[0])
    assert "Version 3: 4 rows" in write(files[1], "--mode", "append")
    with pytest.raises(click.UsageError, match="--key is given with --mode upsert"):
        write(files[0], "--mode", "upsert")
    with pytest.raises(errors.DatasetRefused, match="id = 2"):
        write(*files, "--mode", "upsert", "--key", "id")
    assert "Version 4: 3 rows" in write(files[0], "--mode", "upsert", "--key", "id")
    assert sorted(client.datasets.rows(name).rows) == [(0, "a"), (1, "a"), (2, "b")]


def test_files_that_are_written_again_after_that_was_interrupted_count_once(
    client: Client, name: str, here: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(garbage, "begin", lambda: None)
    files = [tmp_path / f"{n}.parquet" for n in range(2)]
    for number, file in enumerate(files):
        pq.write_table(pa.table({"id": [number]}), file)
    operations.write_files(here.app, name, files, WriteMode.APPEND)  # and nobody was told
    client.datasets.upsert(name, "id", [{"id": 2}])
    write = partial(words, "datasets", "write", name, *map(str, files), "--mode", "append", home=here.app.settings.home)
    said = write()
    assert "Version 1 had these rows: who wrote them was interrupted." in said
    assert "Version 2: 3 rows" in said
    assert "Version 3: 5 rows" in write()


def test_a_dataset_is_begun_anew_here_and_there(client: Client, name: str, here: Served, say: Say) -> None:
    made = client.datasets.upsert(name, "id", [{"id": 1}])
    with pytest.raises(errors.DatasetNotLost, match="its version 1 is there"):
        say("datasets", "restart", name)
    shutil.rmtree(here.app.settings.home / made.location)
    assert "Nothing has been written to it." in say("datasets", "restart", name)
    assert say("datasets", "history", name).splitlines()[1].split()[-1] == "lost"
    again = client.datasets.upsert(name, "id", [{"id": 2}])
    assert again.newest
    assert again.newest.version == 3
