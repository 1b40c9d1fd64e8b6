"""`headrace db`, and the same commands on either database."""

import pytest
import sqlalchemy as sa
from tests.acceptance.conftest import Command, Folder
from tests.postgres import Server

from headrace import identity


@pytest.fixture
def empty(headrace: Command, postgres_server: Server) -> Command:
    """The command with a PostgreSQL database that has nothing in it."""
    url = postgres_server.create(f"empty_{identity.new()}")
    return Command(headrace.home, headrace.folder, {"HEADRACE_DATABASE": url})


def test_a_home_is_made_by_what_uses_it(headrace: Command, mill: Folder) -> None:
    said = headrace("db", "status", code=1)
    assert said.out == f"{headrace.home / 'headrace.db'}\nThere is nothing in it yet; the first run makes it.\n"
    assert not headrace.home.exists(), "looking makes nothing"
    headrace("run", "mill", "grind")
    assert "It is up to date: revision 00" in headrace("db", "status").out
    assert headrace("db", "upgrade").out.startswith("The database is up to date: revision 00")


def test_a_new_database_is_made_on_request_or_by_what_uses_it(empty: Command, mill: Folder) -> None:
    assert "There is nothing in it yet" in empty("db", "status", code=1).out
    assert empty("db", "upgrade").out.startswith("The database was new, and is at revision 00")
    found = empty("db", "status", "-o", "json").json
    assert found["current"] is True
    assert found["revision"] == found["newest"]
    empty("run", "mill", "grind")


def test_a_database_that_is_behind_is_refused_until_it_is_brought_up_to_date(empty: Command, mill: Folder) -> None:
    _leave_at_first_revision(empty.settings["HEADRACE_DATABASE"])
    refused = empty("run", "mill", "grind", code=2)
    assert "headrace db upgrade" in refused.err
    assert "behind" in empty("db", "status", code=1).out
    assert "was at revision 0001, and is at" in empty("db", "upgrade").out
    assert "Run 1 of grind completed" in empty("run", "mill", "grind").out


def _leave_at_first_revision(url: str) -> None:
    """A database as the first revision has it."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "headrace.store:migrations")
    config.set_main_option("path_separator", "os")
    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    engine.dispose()


def test_a_server_that_is_not_there_is_told_without_its_password(headrace: Command, mill: Folder) -> None:
    url = "postgresql://somebody:opensesame@127.0.0.1:1/headrace"
    for words in (["run", "mill", "grind"], ["runs", "list"], ["engine"], ["db", "status"], ["db", "upgrade"]):
        said = headrace(*words, code=2, HEADRACE_DATABASE=url)
        assert said.err.startswith("error: ")
        assert "127.0.0.1" in said.err
        assert "opensesame" not in said.out + said.err


def test_what_is_no_url_is_refused_and_not_repeated(headrace: Command) -> None:
    said = headrace("runs", "list", code=2, HEADRACE_DATABASE="mysql://somebody:opensesame@db/headrace")
    assert said.err.startswith("error: The setting database from HEADRACE_DATABASE is ")
    assert "opensesame" not in said.err


def test_runs_are_shown_from_postgresql(postgres: Command, mill: Folder) -> None:
    postgres("run", "mill", "grind", "--timeout", "60")
    assert not (postgres.home / "headrace.db").exists()
    assert postgres("runs", "list", "--pipeline", "grind").out.splitlines()[1].split()[:3] == ["1", "grind", "mill"]
    assert "timeout     1 min 00 s after its start it ends as failed" in postgres("runs", "show", 1).out
    assert "sowing" in postgres("runs", "logs", 1, "sow").out
    assert "loaves" in postgres("runs", "output", 1, "bake").out
