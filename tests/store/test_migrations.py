"""What an older headrace wrote is brought forward, and reads as it was."""

import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy import exc
from tests.store.conftest import limits_of, together

from headrace import errors
from headrace import store as stores
from headrace.model.run import Occasion, RunSettings, RunStatus
from headrace.store import databases, migrations
from headrace.store.database import Database
from headrace.store.limits import Limit
from headrace.store.runs import Claims
from headrace.store.tables import pipelines

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
Place = tuple[Path, str | None]

WRITTEN = """
INSERT INTO projects (uid, name, path, created_at) VALUES ('p1', 'demo', '/projects/demo', :at);
INSERT INTO pipelines (uid, project_id, name, created_at) VALUES ('pl1', 1, 'daily', :at);
INSERT INTO snapshots (project_id, hash, files, created_at) VALUES (1, 's', 3, :at);
INSERT INTO versions (uid, pipeline_id, hash, content, created_at) VALUES
    ('v1', 1, 'v', '{"name": "daily", "concurrency": {"block_run_limit": 2}}', :at);
INSERT INTO runs (uid, pipeline_id, version_id, snapshot_id, status, reason, ended_at, variables, selection,
    execution_date, created_at, started_at, owner, epoch) VALUES
    ('r1', 1, 1, 1, 'initial', 'by hand', NULL, '{}', '{}', :at, :at, NULL, NULL, 0),
    ('r2', 1, 1, 1, 'running', 'claimed', NULL, '{"n": 1}', '{}', :at, :at, :at, 'gone', 1),
    ('r3', 1, 1, 1, 'completed', 'all blocks settled', :at, '{}', '{"only": ["a"]}', :at, :at, :at, 'gone', 1);
INSERT INTO block_runs (uid, run_id, block, status, reason, ended_at, attempt, failures, started_at) VALUES
    ('b1', 2, 'a', 'running', 'submitted', NULL, 1, 0, :at),
    ('b2', 3, 'a', 'completed', 'returned', :at, 1, 0, :at);
INSERT INTO attempts (uid, block_run_id, number, epoch, status, reason, ended_at, started_at, single, log_lines)
    VALUES ('a1', 1, 1, 1, 'running', 'submitted', NULL, :at, :yes, 0),
    ('a2', 2, 1, 1, 'completed', 'returned', :at, :at, :yes, 4);
INSERT INTO outputs (attempt_id, place, name, kind, codec, path, bytes, extra)
    VALUES (2, 0, 'output_0', 'dict', 'json', 'outputs/a2/0', 2, '{}');
INSERT INTO events (run_id, at, kind, status, reason) VALUES (3, :at, 'run.create', 'initial', 'by hand')
"""


def _upgrade(database: Database, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", "headrace.store:migrations")
    config.set_main_option("path_separator", "os")
    with database.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


@pytest.fixture
def written(empty: Database, empty_place: Place) -> Place:
    """A database of the first revision, with what it may have in it."""
    _upgrade(empty, "0001")
    _write(empty, WRITTEN)
    return empty_place


def _write(database: Database, script: str) -> None:
    values = {":at": "'2026-03-01 12:00:00.000000+00:00'", ":yes": "true", ":no": "false", '": ': '"\\: '}
    for name, value in values.items():
        script = script.replace(name, value)
    with database.write() as connection:
        for statement in script.split(";\n"):
            connection.execute(sa.text(statement))


def test_what_was_written_reads_as_it_was(written: Place) -> None:
    assert stores.upgrade(*written) == ("0001", migrations.HEAD)
    with closing(stores.open(*written)) as store:
        initial, running, completed = (store.runs.get(number) for number in (1, 2, 3))
        assert [run.status for run in (initial, running, completed)] == ["initial", "running", "completed"]
        assert [run.admitted_at for run in (initial, running, completed)] == [None, AT, None], "it runs, so it counts"
        assert (running.variables, completed.selection) == ({"n": 1}, {"only": ["a"]})
        assert [run.settings for run in (initial, running, completed)] == [RunSettings()] * 3
        assert store.projects.version(1).name == "daily"
        (attempt,) = store.runs.completed_attempts([2]).values()
        assert (attempt.uid, attempt.log_lines, attempt.outputs[0].path) == ("a2", 4, "outputs/a2/0")
        assert [event.kind for event in store.runs.events(3)] == ["run.create"]
        store.engines.register("one", home="h", machine="m", pid=1, lease=None, at=AT)
        assert store.runs.claim("one", 9, AT, own=False) == Claims(taken=[2, 1]), "what had begun comes first"
        assert store.runs.close(2, None, RunStatus.FAILED, "x", AT)


LIMITED = """
INSERT INTO limits (kind, project_id, pipeline_id, block, cap, skip) VALUES
    ('project_blocks', 1, NULL, '', 9, :no),
    ('pipeline_runs', 1, 1, '', 4, :yes),
    ('trigger_runs', 1, 1, '', 1, :yes),
    ('block_runs', 1, 1, 'a', 2, :no);
UPDATE runs SET fire_time = :at, admitted_at = :at WHERE id = 2;
UPDATE runs SET settings = '{"timeout": 1.5}' WHERE id = 1
"""


@pytest.fixture
def limited(written: Place, empty: Database) -> Place:
    """It at the second revision, with limits, and with runs as that one has them."""
    _upgrade(empty, "0002")
    _write(empty, LIMITED)
    return written


def test_limits_and_runs_read_as_they_were(limited: Place) -> None:
    assert stores.upgrade(*limited) == ("0002", migrations.HEAD)
    with closing(stores.open(*limited)) as store:
        found = limits_of(store, 1, None)
        assert found == limits_of(store, 1, 1), "no trigger has a limit of its own"
        assert (found.project, found.pipeline, found.trigger) == (Limit(1, 9), Limit(2, 4, True), Limit(3, 1, True))
        assert found.blocks == {"a": Limit(4, 2)}
        first, second = store.runs.get(1), store.runs.get(2)
        assert (first.settings, first.trigger_id, first.fire_time) == (RunSettings(timeout=1.5), None, None)
        assert (second.fire_time, second.admitted_at) == (AT, AT)
        assert (first.occasion, first.held, first.sla_at, first.passed_sla) == (Occasion(), False, None, False)
        assert (first.event_variables, first.backfill_id) == (None, None)
        store.engines.register("one", home="h", machine="m", pid=1, lease=None, at=AT)
        claims = store.runs.claim("one", 9, AT, own=False)
        assert (claims.taken, claims.refused) == ([2, 1], [1]), "the limits hold as they did"


def test_opening_brings_a_home_forward_and_refuses_a_server_s(written: Place) -> None:
    assert stores.status(*written).revision == "0001"
    assert not stores.status(*written).current
    if written[1] is None:
        stores.open(*written).close()
        assert stores.status(*written).current
    else:
        with pytest.raises(errors.StoreBehind, match=r"\(revision 0001\); run `headrace db upgrade`"):
            stores.open(*written)
        assert stores.status(*written).revision == "0001"


TAGGED = """
UPDATE versions SET content = '{"name": "daily", "tags": ["old"]}';
INSERT INTO pipelines (uid, project_id, name, created_at) VALUES ('pl2', 1, 'broken', :at), ('pl3', 1, 'odd', :at);
INSERT INTO versions (uid, pipeline_id, hash, content, created_at) VALUES
    ('v2', 1, 'w', '{"name": "daily", "tags": ["finance", "finance", "x", 3]}', :at),
    ('v3', 2, 'v', 'no JSON', :at),
    ('v4', 3, 'v', '{"name": "odd", "tags": "finance"}', :at)
"""


def test_the_tags_of_pipelines_are_those_of_their_latest_versions(written: Place, empty: Database) -> None:
    _write(empty, TAGGED)
    stores.upgrade(*written)
    with closing(stores.open(*written)) as store, empty.read() as connection:
        found = connection.execute(sa.text("SELECT pipeline_id, tag FROM pipeline_tags ORDER BY tag"))
        assert list(map(tuple, found)) == [(1, "finance"), (1, "x")]
        assert store.projects.pipeline_ids() == {1, 2, 3}


def _where(index: Any) -> list[str]:
    """Of which rows the index is, where it is one of some."""
    return [str(words) for words in index.get("dialect_options", {}).values()]


def _schema(database: Database) -> dict[str, object]:
    """What there is besides the CHECKs: columns, keys and indexes of the tables, and triggers."""
    with database.read() as connection:
        seen = sa.inspect(connection)
        found: dict[str, object] = {
            table: [
                [(each["name"], str(each["type"]), each["nullable"]) for each in seen.get_columns(table)],
                sorted(map(str, seen.get_foreign_keys(table))),
                sorted(
                    (each["name"], each["column_names"], each["unique"], _where(each))
                    for each in seen.get_indexes(table)
                ),
                sorted(map(str, seen.get_unique_constraints(table))),
            ]
            for table in seen.get_table_names()
        }
        triggers = "SELECT name FROM sqlite_schema WHERE type = 'trigger' ORDER BY name"
        if connection.dialect.name == "postgresql":
            triggers = "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal ORDER BY tgname"
        return {**found, "triggers": list(map(tuple, connection.execute(sa.text(triggers))))}


@pytest.mark.usefixtures("written")
def test_a_word_more_for_statuses_leaves_all_else_as_it_was(empty: Database) -> None:
    _upgrade(empty, "0007")
    before = _schema(empty)
    assert before["triggers"]
    _upgrade(empty, "0008")
    assert _schema(empty) == before
    _write(empty, "UPDATE block_runs SET status = 'committing' WHERE id = 1")
    _write(empty, "UPDATE attempts SET status = 'committing' WHERE id = 1")
    for table in ("block_runs", "attempts"):
        with pytest.raises(exc.IntegrityError):
            _write(empty, f"UPDATE {table} SET status = 'paused' WHERE id = 1")
    with empty.read() as connection:
        if connection.dialect.name == "sqlite":
            assert connection.scalar(sa.text("PRAGMA integrity_check")) == "ok"
            assert connection.execute(sa.text("PRAGMA foreign_key_check")).all() == []
        assert connection.scalar(sa.text("SELECT count(*) FROM outputs WHERE attempt_id = 2")) == 1


VERSIONED = """
INSERT INTO datasets (uid, name, name_key, description, location, created_at, updated_at)
    VALUES ('d1', 'sales', 'sales', '', 'datasets/sales', :at, :at);
INSERT INTO dataset_versions (dataset_id, version, operation, rows, bytes, schema, created_at)
    VALUES (1, 1, 'append', 3, 9, '[]', :at)
"""


@pytest.mark.usefixtures("written")
def test_versions_of_datasets_may_be_made_by_one_operation_more(empty: Database) -> None:
    _upgrade(empty, "0009")
    _write(empty, VERSIONED)
    _upgrade(empty, "0010")
    _write(empty, "UPDATE dataset_versions SET operation = 'compact'")
    with pytest.raises(exc.IntegrityError):
        _write(empty, "UPDATE dataset_versions SET operation = 'merge'")
    with empty.read() as connection:
        if connection.dialect.name == "sqlite":
            assert connection.scalar(sa.text("PRAGMA integrity_check")) == "ok"
        assert connection.execute(sa.text("SELECT version, rows, lost_at FROM dataset_versions")).all() == [
            (1, 3, None)
        ]


@pytest.mark.usefixtures("written")
def test_a_pipeline_that_is_paused_was_switched_then(empty: Database) -> None:
    _upgrade(empty, "0010")
    _write(
        empty, "INSERT INTO pipelines (uid, project_id, name, created_at, paused_at) VALUES ('pl2', 1, 'two', :at, :at)"
    )
    _upgrade(empty, "0011")
    with empty.read() as connection:
        found = connection.execute(sa.select(pipelines.c.paused_at, pipelines.c.switched_at).order_by(pipelines.c.id))
        assert found.all() == [(None, None), (AT, AT)]


def test_an_upgrade_of_what_is_up_to_date_does_nothing(place: Place) -> None:
    assert stores.upgrade(*place) == (migrations.HEAD, migrations.HEAD)


def test_what_a_newer_headrace_wrote_is_left_alone(place: Place, database: Database) -> None:
    with database.write() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    for deed in (stores.open, stores.upgrade, stores.status):
        with pytest.raises(errors.StoreTooNew, match="revision 9999"):
            deed(*place)


def test_a_new_database_is_made_by_whoever_opens_it_first(empty_place: Place) -> None:
    assert stores.status(*empty_place).revision is None
    opened = together(*[lambda: databases.open(*empty_place)] * 4)
    assert {each.revision() for each in opened} == {migrations.HEAD}
    for each in opened:
        each.close()


UPGRADE = """
import sys
from pathlib import Path
from headrace import store
sys.stdin.readline()
print(store.upgrade(Path(sys.argv[1]), sys.argv[2] or None)[1])
"""


def test_processes_that_upgrade_at_once_do_so_one_after_the_other(written: Place) -> None:
    home, url = written
    running = [
        subprocess.Popen(
            [sys.executable, "-c", UPGRADE, str(home), url or ""],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for each in running:
        assert each.stdin
        each.stdin.write("go\n")
        each.stdin.flush()
    assert [each.communicate() for each in running] == [(f"{migrations.HEAD}\n", "")] * 3


def test_the_status_of_a_home_that_is_not_there_makes_none(tmp_path: Path) -> None:
    status = stores.status(tmp_path / "home")
    assert (status.place, status.revision, status.current) == (str(tmp_path / "home" / "headrace.db"), None, False)
    assert not (tmp_path / "home").exists()
