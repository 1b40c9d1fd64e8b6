"""Secrets in an engine: what is known of them is current, costs little, and is masked in whatever an attempt says."""

import base64
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.engine.parts import AT, Engine, Shelf, pin, project

from headrace import errors
from headrace.engine.secrets import Secrets
from headrace.store.secrets import purpose
from headrace.store.tables import secrets as table
from headrace.vault import Vault
from headrace.worker import wire

LATER = AT + timedelta(seconds=1)


class Mill:
    """A project, and another, whose secrets are set as people set them."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.vault = Vault(engine.home)
        of = [pin(engine.real, project(engine.home.parent / name), {"a": ()}).project for name in ("p", "q")]
        self.ids: dict[str | None, tuple[int | None, str | None]] = {each.name: (each.id, each.uid) for each in of}
        self.ids[None] = (None, None)
        self.secrets = Secrets(engine.store, self.vault)

    def set(self, name: str, value: str, of: str | None = "p", at: object = AT, seal_as: str | None = None) -> None:
        project_id, uid = self.ids[of]
        sealed = self.vault.seal(value, seal_as or purpose(uid, name))
        self.engine.real.secrets.set(project_id, name, sealed, at)  # type: ignore[arg-type]

    def value(self, name: str, of: str = "p") -> str | None:
        return self.secrets.answer(self.id(of), name).value

    def masks(self, of: str = "p") -> tuple[str, ...]:
        return self.secrets.masks(self.id(of))

    def id(self, of: str = "p") -> int:
        return self.ids[of][0] or 0


@pytest.fixture
def mill(engine: Engine) -> Mill:
    return Mill(engine)


def test_a_project_reads_its_own_before_those_of_all_and_no_others(mill: Mill) -> None:
    mill.set("K", "of all", None)
    mill.set("K", "of p")
    mill.set("L", "of p alone")
    mill.set("M", "of all alone", None)
    assert [mill.value(name) for name in "KLM"] == ["of p", "of p alone", "of all alone"]
    assert [mill.value(name, "q") for name in "KLM"] == ["of all", None, "of all alone"]
    assert set(mill.masks()) >= {"of p", "of p alone", "of all", "of all alone"}
    assert "of p alone" not in mill.masks("q")


def test_what_was_seen_is_not_opened_again_until_it_changes(mill: Mill, monkeypatch: pytest.MonkeyPatch) -> None:
    mill.set("K", "one-1")
    assert mill.value("K") == "one-1"
    mill.engine.trouble.calls.clear()
    for _ in range(3):
        assert mill.value("K") == "one-1"
    assert mill.engine.trouble.calls == ["secrets.marks"] * 3
    mill.set("K", "two-2", at=LATER)
    assert mill.masks() == ("one-1",)  # there is no look without being asked
    assert mill.value("K") == "two-2"
    assert mill.masks() == ("two-2",)
    mill.engine.real.secrets.delete(mill.id(), "K")
    assert mill.value("K") is None
    assert mill.masks() == ()


def test_one_that_cannot_be_opened_is_named_and_stops_no_other(mill: Mill) -> None:
    mill.set("GOOD", "goodness")
    mill.set("BAD", "badness", seal_as=purpose(mill.ids["q"][1], "BAD"))  # a row of q's, moved here
    assert mill.value("GOOD") == "goodness"
    with pytest.raises(errors.CannotUnseal, match=r"sealed for secret \S+/BAD cannot be opened: it is not as it was"):
        mill.value("BAD")
    assert mill.masks() == ("goodness",)


def test_a_row_that_somebody_has_changed_does_not_open(mill: Mill) -> None:
    mill.set("K", "value-1")
    (row,) = mill.engine.real.secrets.all()
    head, _, content = row.sealed.rpartition(".")
    raw = bytearray(base64.urlsafe_b64decode(content))
    raw[14] ^= 1
    with mill.engine.real._database.write() as connection:
        connection.execute(sa.update(table).values(sealed=f"{head}.{base64.urlsafe_b64encode(raw).decode()}"))
    with pytest.raises(errors.CannotUnseal, match="/K cannot be opened"):
        mill.value("K")


def test_a_secret_whose_key_comes_back_opens_again(mill: Mill) -> None:
    mill.set("K", "value-1")
    key = mill.engine.home / "key"
    before = key.read_text()
    key.unlink()
    with pytest.raises(errors.CannotUnseal, match="its key is not among those"):
        mill.value("K")
    key.write_text("no key at all\n")
    with pytest.raises(errors.CannotUnseal, match=r"/K cannot be opened: the keys cannot be read \(The setting key"):
        mill.value("K")
    key.write_text(before)
    assert mill.value("K") == "value-1"


def test_an_engine_sees_that_its_key_was_rotated(mill: Mill) -> None:
    mill.set("K", "value-1")
    assert mill.value("K") == "value-1"
    other = Vault(mill.engine.home)
    other.add_key()
    other.drop_keys()
    (row,) = mill.engine.real.secrets.all()
    mill.engine.real.secrets.set(mill.id(), "K", other.seal("value-2", row.purpose), LATER)
    assert mill.value("K") == "value-2"


def test_an_attempt_is_masked_with_all_secrets_its_project_has_when_it_begins(
    mill: Mill, engine: Engine, shelf: Shelf
) -> None:
    mill.set("K", "first-one")
    mill.set("L", "of all", None)
    run, _ = engine.begin({"a": (), "b": ("a",)})
    engine.turn()
    assert set(shelf.tasks["a"].masks) == {"first-one", "of all", "of%20all", "of+all"}
    assert (shelf.tasks["a"].workplace.masks, "first-one" in repr(shelf.tasks["a"].workplace)) == ((), False)
    mill.set("K", "second-one", at=LATER)
    engine.secrets.answer(mill.id(), "K")  # its block reads it, and may hand it down
    shelf.finish("a", "completed")
    engine.turn()
    assert "second-one" in shelf.tasks["b"].masks
    assert run.variables == {}


def test_a_run_without_secrets_asks_one_question_about_everything(engine: Engine) -> None:
    run = engine.make({"a": ()})
    engine.trouble.calls.clear()
    engine.take(run)
    asked = [call for call in engine.trouble.calls if call.startswith(("runs", "secrets", "limits"))]
    assert asked == ["runs.brief"]
    assert not (engine.home / "key").exists()


def test_a_question_for_a_secret_costs_its_attempt_no_place(engine: Engine, shelf: Shelf) -> None:
    run, _ = engine.begin({"a": (), "b": (), "c": ()})
    engine.turn()
    attempt = shelf.tasks["a"].attempt
    asked = wire.Asked(attempt=attempt, number=1, request=wire.ReadSecret("K"))
    engine.loop.tell(asked)
    engine.turn()
    (question,) = engine.asked
    assert (question.asked, question.folder, question.project) == (asked, Path(engine.home.parent / "p"), 1)
    assert engine.statuses(run) == {"a": "running", "b": "running", "c": "queued"}
    answered = question.answer(wire.Secret("x", ("x",)))
    engine.loop.tell(answered)
    engine.turn()
    assert shelf.answered == [answered]
    assert "Secret(***)" in repr(answered)
