"""`headrace users` and `headrace audit`, in a home of the test's own."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from headrace import errors
from headrace.app import App
from headrace.cli import headrace
from headrace.operations import users
from headrace.settings import Settings

PASSWORD = "correct horse battery"
Command = Callable[..., Result]


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.setenv("HEADRACE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("HEADRACE_URL", raising=False)

    def run(*words: str, said: str | None = None) -> Result:
        return CliRunner().invoke(headrace, words, input=said)

    return run


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    with App(Settings(home=tmp_path / "home")) as opened:
        yield opened


def test_a_user_is_made_changed_and_deleted(command: Command, app: App) -> None:
    made = command("users", "create", "ada", "--role", "viewer", "--role", "editor:finance", said=f"{PASSWORD}\nmore\n")
    assert made.exit_code == 0, made.output
    assert PASSWORD not in made.output
    user = users.get(app, "ada")
    assert users.has_password(app, user.id, PASSWORD)
    assert json.loads(command("users", "list", "-o", "json").output)[0]["roles"] == [
        {"role": "viewer", "tag": None},
        {"role": "editor", "tag": "finance"},
    ]
    assert "viewer, editor:finance" in command("users", "list").output
    assert command("users", "edit", "ADA", "--inactive", "--email", "ada@mill.example").exit_code == 0
    assert command("users", "password", "ada@mill.example", said="another password\n").exit_code == 0
    changed = users.get(app, user.id)
    assert (changed.active, changed.email, changed.grants) == (False, "ada@mill.example", user.grants)
    assert users.has_password(app, user.id, "another password")
    assert command("users", "delete", str(user.id)).exit_code == 0
    assert users.all_of(app) == []
    deeds = [each["deed"] for each in json.loads(command("audit", "list", "-o", "json").output)]
    assert deeds == ["users.delete", "users.password", "users.edit", "users.create"]
    assert "users.delete" in command("audit", "list", "--deed", "users.delete").output
    assert "no such entries" in command("audit", "list", "--who", "nobody").output


@pytest.mark.parametrize(
    ("words", "said", "error"),
    [
        (("create", "ada"), "short\n", errors.BadUser),
        (("create", "ada"), "", errors.BadUser),
        (("create", "ada", "--role", "king"), f"{PASSWORD}\n", errors.BadUser),
        (("edit", "nobody", "--inactive"), None, errors.UserNotFound),
        (("delete", "7"), None, errors.UserNotFound),
    ],
)
def test_what_cannot_be_is_refused(command: Command, words: tuple[str, ...], said: str | None, error: type) -> None:
    refused = command("users", *words, said=said)
    assert isinstance(refused.exception, error)


def test_a_user_is_a_viewer_unless_more_is_said(command: Command, app: App) -> None:
    assert "There are no users yet" in command("users", "list").output
    assert command("users", "create", "ada", said=f"{PASSWORD}\n").exit_code == 0
    assert [grant.role.value for grant in users.get(app, "ada").grants] == ["viewer"]


def test_what_a_command_changes_is_told_and_what_it_looks_at_is_not(command: Command) -> None:
    assert command("token", "create", "ci").exit_code == 0
    assert command("token", "list").exit_code == 0
    assert command("secrets", "set", "KEY", said="a secret value").exit_code == 0
    assert command("secrets", "delete", "NONE").exit_code != 0
    assert command("clean", "--dry-run").exit_code == 0
    assert command("clean").exit_code == 0
    told = json.loads(command("audit", "list", "-o", "json").output)
    assert [(each["deed"], each["object"], each["via"]) for each in told] == [
        ("runs.clean", None, "cli"),
        ("secrets.set", "KEY", "cli"),
        ("tokens.create", "ci", "cli"),
    ]
    assert "a secret value" not in str(told)
