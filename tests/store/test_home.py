"""A home is made, found again, and refused in plain words when it cannot be used."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.newest import newest

from headrace import errors, store
from headrace.store import migrations

OPEN = """
import sys
from pathlib import Path
from headrace import store
from headrace.model.query import Query
sys.stdin.readline()
opened = store.open(Path(sys.argv[1]))
print(len(opened.runs.page(Query(), 5).runs))
opened.close()
"""


def execute(home: Path, statement: str) -> None:
    engine = sa.create_engine(f"sqlite:///{home / 'headrace.db'}")
    with engine.begin() as connection:
        connection.execute(sa.text(statement))
    engine.dispose()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home that has been opened once."""
    store.open(tmp_path / "home").close()
    return tmp_path / "home"


def test_a_home_may_have_any_name(tmp_path: Path) -> None:
    home = tmp_path / "a ?b#c%20d" / "é"
    store.open(home).close()
    assert (home / "headrace.db").exists()
    assert home.stat().st_mode & 0o077 == 0


def test_a_home_opens_again(home: Path) -> None:
    opened = store.open(home)
    assert newest(opened, 1) == []
    opened.close()


def test_processes_that_open_a_fresh_home_at_once_all_have_it(tmp_path: Path) -> None:
    home = str(tmp_path / "home")
    command = [sys.executable, "-c", OPEN, home]
    opening = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    for each in opening:
        assert each.stdin
        each.stdin.write("go\n")
        each.stdin.flush()
    answers = [each.communicate() for each in opening]
    assert answers == [("0\n", "")] * 3


def test_a_commit_waits_for_the_disk(home: Path) -> None:
    opened = store.open(home)
    with opened.runs._database.write() as connection:  # what the promise rests on
        assert connection.scalar(sa.text("PRAGMA synchronous")) == 2
        assert connection.scalar(sa.text("PRAGMA journal_mode")) == "wal"
        assert connection.scalar(sa.text("PRAGMA foreign_keys")) == 1
    opened.close()


def test_a_home_of_a_newer_headrace_is_refused(home: Path) -> None:
    execute(home, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(errors.StoreTooNew, match=r"headrace\.db .* \(revision 9999\)"):
        store.open(home)


def test_the_newest_revision_is_the_one_that_is_asked_for() -> None:
    written = sorted(path.stem.split("_")[0] for path in Path(migrations.__file__).parent.glob("versions/[0-9]*.py"))
    assert written[-1] == migrations.HEAD


def test_a_file_that_is_no_database_is_refused(home: Path) -> None:
    (home / "headrace.db").write_bytes(b"this is no database, but it is long enough to be looked at" * 20)
    with pytest.raises(errors.StoreUnreadable, match=r"headrace\.db cannot be read: file is not a database"):
        store.open(home)


def test_a_database_that_was_damaged_is_refused_when_that_is_seen(home: Path) -> None:
    file = home / "headrace.db"
    whole = file.read_bytes()
    file.write_bytes(whole[:4096] + os.urandom(len(whole) - 4096))
    with pytest.raises(errors.StoreUnreadable, match="malformed"):
        newest(store.open(home), 1)


def test_a_home_below_a_file_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(errors.HomeUnwritable, match="Not a directory"):
        store.open(tmp_path / "file" / "home")


def test_a_home_that_is_a_file_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(errors.HomeUnwritable, match="File exists"):
        store.open(tmp_path / "file")


def test_a_database_that_is_a_folder_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "headrace.db").mkdir()
    with pytest.raises(errors.HomeUnwritable, match="unable to open database file"):
        store.open(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_home_without_the_right_to_write_cannot_be_written(home: Path) -> None:
    home.chmod(0o500)
    with pytest.raises(errors.HomeUnwritable, match="Permission denied"):
        store.open(home)


def test_a_full_disk_is_said_in_words_and_leaves_what_was(home: Path) -> None:
    opened = store.open(home)
    database = opened.runs._database  # the size is bounded as a full disk would bound it
    with pytest.raises(errors.HomeUnwritable, match="database or disk is full"), database.write() as connection:
        connection.execute(sa.text("PRAGMA max_page_count = 1"))
        for n in range(200):
            connection.execute(
                sa.text("INSERT INTO projects (uid, name, path, created_at) VALUES (:n, :n, :path, '')"),
                {"n": n, "path": "x" * 4096},
            )
    with database.read() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM projects")) == 0
    opened.close()


def test_a_home_that_is_asked_too_much_at_once_is_unavailable(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with contextlib.closing(store.open(home)) as opened, contextlib.ExitStack() as asking:
        database = opened.runs._database
        monkeypatch.setattr(database._engine.pool, "_timeout", 0.01)
        with pytest.raises(errors.StoreUnavailable):
            for _ in range(99):
                asking.enter_context(database.read())
