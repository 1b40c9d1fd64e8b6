"""An engine is killed while a commit is on its way to an object store, and another goes on: the table has it once."""

import json
import signal
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from deltalake import DeltaTable
from tests.crash import fields
from tests.crash.conftest import MakeWorks
from tests.crash.fields import Fields
from tests.crash.test_committing import ANEW, LEASE
from tests.crash.works import COMMAND, PATIENCE, Works
from tests.s3 import Server

TRIED = "SELECT a.number FROM attempts a JOIN block_runs b ON b.id = a.block_run_id WHERE b.block = 'stock'"
FIRST = "stock/_delta_log/00000000000000000001.json"  # what makes the first version of that dataset


@pytest.fixture
def works(make_works: MakeWorks, bucket: str) -> Works:
    return make_works(Fields())


@pytest.fixture
def place(bucket: str) -> str:
    return f"{bucket}/tables"


def test_whoever_goes_on_finds_what_was_committed(works: Works, place: str, s3_server: Server) -> None:
    kill_with_a_commit_kept_back(works, place, s3_server, done=True)
    works.start(HEADRACE_DATASETS=place)
    works.wait_until_final()
    works.begin("fields")
    works.wait_until_final()
    works.kill_engines()
    each_is_recorded_once(works, place)
    assert [(row["version"], row["run_id"]) for row in told(works, place, "history", "stock")] == [(2, 2), (1, 1)]
    assert told(works, place, "head", "stock", "-n", "2")["rows"] == [[2, 0], [2, 1]]
    assert sorted(told(works, place, "head", "tally")["rows"]) == [[1, 1, 1000], [2, 2, 1000]], "a step has read them"


def test_what_comes_late_of_one_that_was_killed_is_there_no_second_time(
    works: Works, place: str, s3_server: Server
) -> None:
    kill_with_a_commit_kept_back(works, place, s3_server, done=False)
    works.start(HEADRACE_DATASETS=place)
    works.wait_until_final()
    s3_server.let_go()
    works.begin("fields")
    works.wait_until_final()
    works.kill_engines()
    each_is_recorded_once(works, place)


def test_an_engine_that_was_taken_for_dead_commits_no_more(
    make_works: MakeWorks, postgres_url: str, place: str, s3_server: Server
) -> None:
    works = make_works(Fields(), postgres_url)
    environ = {"HEADRACE_DATASETS": place, "HEADRACE_LEASE": str(LEASE)}
    s3_server.keep_back(FIRST, done=False)
    stopped = works.start(**environ)
    works.begin("fields")
    s3_server.wait_until_kept()
    stopped.process.send_signal(signal.SIGSTOP)
    works.start(**environ)
    works.wait_until_final()
    s3_server.let_go()
    stopped.process.send_signal(signal.SIGCONT)
    works.wait(lambda: works.ask(ANEW.format(stopped.pid)), "it is told that it was late, or begins anew")
    works.begin("fields")
    works.wait_until_final()
    works.kill_engines()
    each_is_recorded_once(works, place)


def kill_with_a_commit_kept_back(works: Works, place: str, server: Server, *, done: bool) -> None:
    """The engine is killed that has begun the first version of `stock`, before it hears what has become of it."""
    server.keep_back(FIRST, done=done)
    engine = works.start(HEADRACE_DATASETS=place)
    works.begin("fields")
    server.wait_until_kept()
    engine.kill()


def each_is_recorded_once(works: Works, place: str) -> None:
    assert [row["status"] for row in works.ask("SELECT status FROM runs")] == ["completed"] * 2
    assert recorded(works) == sorted(logged(place))
    assert [version for name, version, _ in recorded(works) if name == "stock"] == [1, 2]
    assert [row["number"] for row in works.ask(TRIED)] == [1, 1], "nothing was done again"


def recorded(works: Works) -> list[tuple[str, int, str]]:
    """The versions that the rows tell of."""
    versions = "SELECT d.name, v.version, v.attempt FROM dataset_versions v JOIN datasets d ON d.id = v.dataset_id"
    return sorted((str(row["name"]), int(str(row["version"])), str(row["attempt"])) for row in works.ask(versions))


def logged(place: str) -> Iterator[tuple[str, int, str]]:
    """Those that the tables have."""
    for name in fields.STEPS:
        for each in DeltaTable(f"{place}/{name}").history():
            if "headrace.attempt" in each:
                yield name, each["version"], each["headrace.attempt"]


def told(works: Works, place: str, *words: str) -> Any:
    """What `headrace datasets` tells of them."""
    asked = [*COMMAND, "datasets", *words, "-o", "json"]
    environment = works.environment(HEADRACE_DATASETS=place)
    done = subprocess.run(asked, env=environment, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
