"""`headrace secrets`: a value goes in by a file, by stdin or by hand, and comes out nowhere."""

import io
import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from headrace import cli, project, store
from headrace.cli import exits
from headrace.vault import Vault

PRIVATE = "zebra-crossing"


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Command = Callable[..., Said]


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that was made once, to be copied: making one takes longer than most tests."""
    home = tmp_path_factory.mktemp("migrated") / "home"
    store.open(home).close()
    return home


@pytest.fixture
def headrace(
    migrated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """The command line, in this process, in a folder with a project `mill`."""
    shutil.copytree(migrated, tmp_path / "home")
    monkeypatch.setenv("HEADRACE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("HEADRACE_KEY", raising=False)
    monkeypatch.chdir(tmp_path)
    project.create(tmp_path / "mill")

    def call(*words: str, stdin: bytes = b"", code: int = 0) -> Said:
        monkeypatch.setattr(sys, "argv", ["headrace", "secrets", *words])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        left = exits.outcome(cli.headrace)
        said = Said(left, *capsys.readouterr())
        assert left == code, said
        assert PRIVATE not in said.out + said.err
        return said

    return call


def _names(said: Said) -> list[tuple[str, str | None]]:
    return [(each["name"], each["project"]) for each in said.json]


def test_secrets_are_set_listed_and_deleted(headrace: Command) -> None:
    assert headrace("list").out == "There are no secrets yet.\n"
    assert headrace("set", "K", stdin=PRIVATE.encode()).out == "Set the secret K of all projects.\n"
    assert headrace("set", "K", stdin=PRIVATE.encode()).out == "Set the secret K of all projects.\n"
    assert (
        headrace("set", "K", "--project", "mill", stdin=PRIVATE.encode()).out
        == "Set the secret K of the project mill.\n"
    )
    told = headrace("list", "-o", "json")
    assert _names(told) == [("K", None), ("K", "mill")]
    assert set(told.json[0]) == {"id", "name", "project", "created_at", "updated_at", "key", "opens"}
    assert _names(headrace("list", "--project", "./mill", "-o", "json")) == [("K", "mill")]
    shown = headrace("list").out.splitlines()
    assert shown[0].split() == ["name", "project", "set", "created", "key"]
    assert shown[1].startswith("K     all ")
    assert headrace("delete", "K").out == "Deleted the secret K of all projects.\n"
    assert headrace("delete", "K", code=2).err == "error: There is no secret K of all projects.\n"
    assert headrace("delete", "K", "--project", "mill").out == "Deleted the secret K of the project mill.\n"
    assert headrace("list", "--project", "mill").out == "There are no such secrets.\n"


@pytest.mark.parametrize(
    ("given", "value"),
    [
        (b"one\n", "one"),
        (b"one\r\n", "one"),
        (b"one\n\n", "one\n"),
        (b" o n e ", " o n e "),
        ("\ufeffone".encode(), "one"),
        ("wört 🔑".encode(), "wört 🔑"),
        (b"x" * 65536 + b"\n", "x" * 65536),
    ],
)
@pytest.mark.parametrize("way", ["stdin", "file", "-"])
def test_a_value_is_what_was_given_less_a_line_end(
    headrace: Command, tmp_path: Path, given: bytes, value: str, way: str
) -> None:
    (tmp_path / "value").write_bytes(given)
    file = {"stdin": (), "file": ("--value-file", "value"), "-": ("--value-file", "-")}[way]
    headrace("set", "K", *file, stdin=given if way != "file" else b"")
    assert _value(tmp_path / "home") == value


def _value(home: Path) -> str:
    opened = store.open(home)
    try:
        (row,) = opened.secrets.all()
        return Vault(home).open(row.sealed, row.purpose)
    finally:
        opened.close()


@pytest.mark.parametrize(
    "words", [("K", PRIVATE), (f"K={PRIVATE}",), ("K", "--value", PRIVATE), ("K", f"--value={PRIVATE}")]
)
def test_a_value_on_the_command_line_is_refused_and_the_way_is_told(headrace: Command, words: tuple[str, ...]) -> None:
    said = headrace("set", *words, stdin=b"x", code=2)
    assert "A value is not given on the command line" in said.err
    assert "--value-file" in said.err
    assert headrace("list", "-o", "json").json == []


@pytest.mark.parametrize(
    ("name", "given", "why"),
    [
        ("K", b"", "The value of a secret is of 0 bytes; it must be of 1 to 65536 bytes."),
        ("K", b"x" * 65537, "The value of a secret is of 65537 bytes;"),
        ("K", b"x" * 100_000, "bytes; it must be of 1 to 65536 bytes."),
        ("K", b"\xff\xfe", "The value of a secret is no UTF-8; it must be text in UTF-8."),
        ("K", b"a\0b", "The value of a secret is with a NUL in it;"),
        ("a b", b"x", "The name of a secret is 'a b'; it must be 1 to 255 letters, digits, _ or -."),
        ("ä", b"x", "The name of a secret is 'ä';"),
        ("K\n", b"x", "The name of a secret is 'K\\n';"),
        ("x" * 256, b"x", "it must be 1 to 255 letters"),
        ("", b"x", "The name of a secret is '';"),
    ],
)
def test_what_is_no_secret_is_refused(headrace: Command, name: str, given: bytes, why: str) -> None:
    assert why in headrace("set", name, stdin=given, code=2).err


def test_a_project_that_is_not_there_is_named(headrace: Command) -> None:
    said = headrace("set", "K", "--project", "nowhere", stdin=b"x", code=2)
    assert said.err == "error: There is no project nowhere; there are none.\n"


def test_one_too_short_to_be_masked_is_said_to_be(headrace: Command) -> None:
    assert headrace("set", "K", stdin=b"abc").err == (
        "It has fewer than 4 characters, and is therefore not masked in logs.\n"
    )
    assert headrace("set", "K", stdin=b"abcd").err == ""


def test_a_key_is_rotated_and_what_is_lost_is_told(headrace: Command, tmp_path: Path) -> None:
    headrace("set", "K", stdin=PRIVATE.encode())
    before = headrace("list", "-o", "json").json[0]["key"]
    said = headrace("rotate-key")
    after = headrace("list", "-o", "json").json[0]["key"]
    assert said.out == (
        f"The key {after} seals from now on; 1 row sealed with it anew.\n"
        f"The key {before} opened what was sealed before, and went.\n"
    )
    assert _value(tmp_path / "home") == PRIVATE
    (tmp_path / "home" / "key").write_text("0a" * 32)
    assert headrace("rotate-key", code=1).err == "Not opened, and left as it is: the secret K.\n"
    assert "cannot be opened: set it again" in headrace("list").out


def test_with_a_key_of_the_environment_it_is_said_what_may_go(
    headrace: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADRACE_KEY", "0a" * 32)
    headrace("set", "K", stdin=PRIVATE.encode())
    assert headrace("rotate-key").out.endswith("seals from now on; 0 rows sealed with it anew.\n")
    monkeypatch.setenv("HEADRACE_KEY", f"{'0b' * 32} {'0a' * 32}")
    assert "nothing needs it any more, and HEADRACE_KEY may do without" in headrace("rotate-key").out
