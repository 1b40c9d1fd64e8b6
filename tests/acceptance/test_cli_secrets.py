"""Secrets of an existing project: its blocks read them as they always did, and what they say of them is kept nowhere."""

import hashlib
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.acceptance.conftest import HEADRACE, PATIENCE, Command, Folder
from tests.acceptance.test_cli_serve import TOKEN, served
from tests.crash import dying

from headrace import store
from headrace.app import App
from headrace.operations import secrets
from headrace.settings import Settings
from headrace.store.tables import metadata

API, WAREHOUSE = "zebra crossing/77", "quagga-stripes"
READS = """
import hashlib, json, logging, os, subprocess, sys
from mage_ai.data_preparation.shared.secrets import get_secret_value
from mage_ai.io.config import ConfigFileLoader

KEY = get_secret_value('API_KEY')

@custom
def sow(*args, **kwargs):
    config = ConfigFileLoader(os.path.join(kwargs['repo_path'], 'io_config.yaml'), 'default')
    password = config['POSTGRES_PASSWORD']
    assert hashlib.md5((KEY + password).encode()).hexdigest() == {digest!r}
    assert get_secret_value('NOPE') is None
    assert not [text for text in os.environ.values() if KEY in text or password in text]
    print('printed', KEY, json.dumps(password))
    kwargs['logger'].info(f'logged {{KEY}}', password=password)
    logging.warning('warned of %s', password)
    subprocess.run([sys.executable, '-c', f'print({{KEY!r}})'], check=True)
    return [len(KEY)]

@test
def tells(output, *args):
    assert output == len(KEY), KEY
"""
CONFIG = "default:\n  POSTGRES_PASSWORD: \"{{ mage_secret_var('WAREHOUSE') }}\"\n"


@pytest.fixture
def telling(mill: Folder) -> Folder:
    """The project, whose first block reads and tells secrets, and whose second fails with one."""
    mill.write("io_config.yaml", CONFIG)
    mill.write("custom/sow.py", READS.format(digest=hashlib.md5((API + WAREHOUSE).encode()).hexdigest()))
    mill.write(
        "custom/reap.py",
        "from mage_ai.data_preparation.shared.secrets import get_secret_value\n\n@custom\n"
        "def reap(*args):\n    raise ValueError(get_secret_value('API_KEY'))\n",
    )
    return mill


def _set(headrace: Command, name: str, value: str, folder: Path | None = None) -> None:
    """As `headrace secrets set` does, without a process of its own."""
    with App(Settings(home=headrace.home, database=headrace.settings.get("HEADRACE_DATABASE"))) as app:
        secrets.set(app, name, value, secrets.scope(app, str(folder) if folder else None))


def _rows(home: Path, database: str | None) -> str:
    """All that is in the database, as text."""
    opened = store.open(home, database)
    try:
        with opened._database.read() as connection:
            return "\n".join(repr(connection.execute(table.select()).all()) for table in metadata.sorted_tables)
    finally:
        opened.close()


def test_what_blocks_say_of_secrets_is_kept_nowhere(anywhere: Command, telling: Folder) -> None:
    _set(anywhere, "API_KEY", API)
    _set(anywhere, "WAREHOUSE", "of all")
    _set(anywhere, "WAREHOUSE", WAREHOUSE, telling.path)
    run = anywhere("run", "mill", "grind", code=1)
    logs = anywhere("runs", "logs", 1).out
    shown = anywhere("runs", "show", 1, "-o", "json")
    said = [run.out, run.err, logs, shown.out]
    said.append(_rows(anywhere.home, anywhere.settings.get("HEADRACE_DATABASE")))
    files = [path.read_bytes() for path in anywhere.home.rglob("*") if path.is_file()]
    for each in ('printed *** "***"', "logged ***", "warned of ***", "ValueError: ***"):
        assert each in logs
    for secret in (API, "zebra", WAREHOUSE, "quagga"):
        assert not [text for text in said if secret in text]
        assert not [content for content in files if secret.encode() in content]
    assert {each["block"]: each["status"] for each in shown.json["blocks"]}["sow"] == "completed"


def test_a_rotation_that_was_killed_is_finished_by_the_next(headrace: Command) -> None:
    _set(headrace, "K", WAREHOUSE)
    command = [sys.executable, dying.__file__, "rename", "after", "1", "secrets", "rotate-key"]
    killed = subprocess.run(command, cwd=headrace.folder, env=headrace.environment(), timeout=PATIENCE)
    assert killed.returncode == -signal.SIGKILL
    new, old = (headrace.home / "key").read_text().split()
    assert headrace("secrets", "rotate-key").out.count("1 row sealed with it anew") == 1
    assert (headrace.home / "key").read_text().split() == [new]
    assert [each["opens"] for each in headrace("secrets", "list", "-o", "json").json] == [True]
    assert old != new


def test_a_value_is_typed_without_being_shown(headrace: Command) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [HEADRACE, "secrets", "set", "K"],
        cwd=headrace.folder,
        env=headrace.environment(),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    seen = b""
    while b"not shown): " not in seen:
        seen += os.read(ours, 4096)
    os.write(ours, f"{WAREHOUSE}\n".encode())
    try:
        while piece := os.read(ours, 4096):
            seen += piece
    except OSError:  # what Linux says when nobody holds the other end
        pass
    os.close(ours)
    assert process.wait(PATIENCE) == 0, seen.decode()
    assert b"Set the secret K of all projects." in seen
    assert WAREHOUSE.encode() not in seen


def test_secrets_of_a_server_are_set_listed_and_deleted_from_elsewhere(headrace: Command, mill: Folder) -> None:
    with served(headrace, "mill") as server:
        there = {"HEADRACE_URL": server.url, "HEADRACE_TOKEN": TOKEN, "HEADRACE_HOME": str(headrace.folder / "nowhere")}
        (headrace.folder / "value").write_text(WAREHOUSE)
        said = headrace("secrets", "set", "K", "--project", "mill", "--value-file", "value", **there)
        assert said.out == "Set the secret K of the project mill.\n"
        listed = headrace("secrets", "list", "-o", "json", **there)
        assert [(each["name"], each["project"], each["opens"]) for each in listed.json] == [("K", "mill", True)]
        with server.client() as client:
            assert WAREHOUSE not in client.get("/v1/secrets").text
            assert client.get("/v1/secrets/K").status_code in (404, 405)
        headrace("secrets", "delete", "K", code=2, **there)
        headrace("secrets", "delete", "K", "--project", "mill", **there)
        refused = headrace("secrets", "rotate-key", code=2, **there)
        assert "rotate-key" in refused.err
    assert not (headrace.folder / "nowhere").exists()
