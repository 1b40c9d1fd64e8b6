"""Keys are rotated under whoever seals and opens; killed at whatever instant, everything opens, and the next finishes it."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import default
from tests.store.conftest import AT, PIPELINE

from headrace import vault
from headrace.app import App
from headrace.model.trigger import Definition, TriggerType
from headrace.operations import keys, secrets
from headrace.operations.keys import Rotated
from headrace.settings import Settings
from headrace.store.projects import ProjectRow
from headrace.vault import Vault

OLD, NEW = "0a" * 32, "0b" * 32
SECRETS = {"A": "one", "B": "two", "C": "three", "D": "four", "E": "five"}
TOKENS = 3


class Killed(BaseException):
    """The process is no more."""


class Death:
    """Comes before and after each commit and each change of the file, at the so many-th of these moments."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.left = 0
        patch.setattr(default.DefaultDialect, "do_commit", self._deadly(default.DefaultDialect.do_commit))
        patch.setattr(os, "replace", self._deadly(os.replace))

    def _deadly(self, deed: Callable[..., Any]) -> Callable[..., Any]:
        def do(*args: Any) -> None:
            self._pass()
            deed(*args)
            self._pass()

        return do

    def _pass(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise Killed


class House:
    """A home with secrets of all projects and of one, and with triggers that have tokens."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.home = app.settings.home
        pinned = app.store.projects.pin(Path("/p/demo"), "demo", PIPELINE, "v", "s", 1, AT)
        self.project: ProjectRow = pinned.project
        for name, value in SECRETS.items():
            secrets.set(app, name, value, self.project if name in "AB" else None)
        for n in range(TOKENS):
            definition = Definition(name=str(n), type=TriggerType.API)
            app.registry.create(pinned.pipeline_id, definition, AT, active=True, token=f"token {n}")

    def opened(self) -> dict[str, str]:
        """All that is sealed, opened by somebody who has just come."""
        known = Vault(self.home)
        found = {row.name: known.open(row.sealed, row.purpose) for row in self.app.store.secrets.all()}
        return found | {str(n): self.app.registry.token(n + 1) for n in range(TOKENS)}

    def sealed_by(self) -> set[str]:
        tokens = [self.app.store.triggers.token(n + 1).sealed for n in range(TOKENS)]
        return {vault.key_of(each) for each in [*(row.sealed for row in self.app.store.secrets.all()), *tokens]}


ALL = SECRETS | {str(n): f"token {n}" for n in range(TOKENS)}


@pytest.fixture
def house(
    place: tuple[Path, str | None], monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[House]:
    monkeypatch.delenv("HEADRACE_KEY", raising=False)
    monkeypatch.setattr(keys, "BATCH", 3)
    if getattr(request, "param", None):
        monkeypatch.setenv("HEADRACE_KEY", request.param)
    with App(Settings(home=place[0], database=place[1])) as app:
        yield House(app)


def test_a_new_key_takes_over(house: House) -> None:
    before = Vault(house.home).names
    done = keys.rotate(house.app)
    assert done == Rotated(done.key, before, True, len(ALL), ())
    assert house.sealed_by() == {done.key} == set(Vault(house.home).names)
    assert done.key not in before
    assert house.opened() == ALL


def test_killed_at_any_instant_everything_opens_and_the_next_finishes_it(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        death = Death(patch)
        moments, seen = 0, set[int]()
        while _dies(house, death, moments + 1):
            moments += 1
            seen.add(len(Vault(house.home).names))
            assert house.opened() == ALL
            done = keys.rotate(house.app)
            assert len(done.former) == 1  # it goes on with the key that was made, if one was
            assert (house.opened(), house.sealed_by(), Vault(house.home).names) == (ALL, {done.key}, (done.key,))
    assert moments >= 10  # two of each change of the file, and of each batch
    assert seen == {1, 2}
    assert {path.name for path in house.home.glob("key*")} == {"key", "key.lock"}


def _dies(house: House, death: Death, moment: int) -> bool:
    death.left = moment
    try:
        keys.rotate(house.app)
    except Killed:
        return True
    return False


def test_what_is_sealed_with_the_old_key_while_it_goes_is_sealed_anew(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = Vault(house.home).seal("late", "secret all/LATE")
    drop = Vault.drop_keys

    def drop_late(self: Vault) -> None:
        house.app.store.secrets.set(None, "LATE", late, AT)
        drop(self)

    monkeypatch.setattr(Vault, "drop_keys", drop_late)
    done = keys.rotate(house.app)
    assert house.opened() == {**ALL, "LATE": "late"}
    assert house.sealed_by() == {done.key}


def test_who_writes_after_the_last_look_sees_that_his_key_went(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    write, app = house.app.store.secrets.set, house.app

    def write_late(*given: Any) -> bool:
        monkeypatch.undo()
        keys.rotate(app)
        return write(*given)

    monkeypatch.setattr(app.store.secrets, "set", write_late)
    assert not secrets.set(app, "C", "changed")
    assert house.opened() == {**ALL, "C": "changed"}


def test_what_cannot_be_opened_is_left_and_named(house: House) -> None:
    house.app.store.secrets.set(None, "C", "v1.nokey.xx", AT)
    moved = house.app.store.secrets.all()[0].sealed
    house.app.store.secrets.set(None, "D", moved, AT)
    done = keys.rotate(house.app)
    assert done.lost == ("the secret C", "the secret D")
    assert done.resealed == len(ALL) - 2
    left = {row.name: row.sealed for row in house.app.store.secrets.all() if row.name in "CD"}
    assert left == {"C": "v1.nokey.xx", "D": moved}
    assert [each.name for each in secrets.listed(house.app) if not each.opens] == ["C", "D"]


@pytest.mark.parametrize("house", [OLD], indirect=True)
def test_with_keys_of_the_environment_everything_is_sealed_with_its_first(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    (old,) = Vault(house.home).names
    monkeypatch.setenv("HEADRACE_KEY", f"{NEW} {OLD}")
    done = keys.rotate(house.app)
    assert done == Rotated(done.key, (old,), False, len(ALL), ())
    assert house.sealed_by() == {done.key}
    assert not (house.home / "key").exists()
    monkeypatch.setenv("HEADRACE_KEY", NEW)
    assert house.opened() == ALL
