"""The rules of a trigger are kept as they were written, keep what they have seen, and lead round in no circle."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.store.conftest import AT
from tests.store.test_moves import LATER

from headrace import errors
from headrace.model.pipeline import Pipeline
from headrace.model.rule import Rule, RuleKind
from headrace.model.trigger import Trigger, TriggerType
from headrace.store import Store
from headrace.store.database import Database
from headrace.store.projects import Pinned
from headrace.store.triggers import Standing

Make = Callable[..., Trigger]


@pytest.fixture
def pin(store: Store) -> Callable[[str], Pinned]:
    """Makes a pipeline known, named as PROJECT/PIPELINE."""

    def pinned(place: str) -> Pinned:
        project, name = place.split("/")
        return store.projects.pin(Path("/projects") / project, project, Pipeline(name), f"v-{name}", "s", 1, AT)

    return pinned


@pytest.fixture
def make(store: Store, pin: Callable[[str], Pinned], trigger: Callable[..., int]) -> Make:
    """Makes an event trigger of that pipeline, with those rules."""

    def made(place: str, *rules: Rule, name: str = "t") -> Trigger:
        return store.triggers.get(trigger(pin(place), name, type=TriggerType.EVENT, rules=rules))

    return made


def on(subject: str) -> Rule:
    return Rule(kind=RuleKind.PIPELINE, subject=subject)


def files(subject: str, **more: float) -> Rule:
    return Rule(kind=RuleKind.FILE, subject=subject, **more)


def kept(database: Database) -> list[tuple[int, str]]:
    with database.read() as connection:
        return [tuple(row) for row in connection.execute(sa.text("SELECT id, subject FROM rules ORDER BY place"))]


def change(store: Store, seen: Trigger, *rules: Rule) -> Trigger:
    definition = replace(seen.definition, rules=rules)
    changed = store.triggers.change(seen, definition, Standing(None, None), LATER, active=True)
    assert changed
    return changed


def test_a_pipeline_is_kept_with_its_project_and_read_as_it_was_written(database: Database, make: Make) -> None:
    found = make("mill/bake", on("grind"), on("farm/reap"), on("millet/grind"))
    assert [subject for _, subject in kept(database)] == ["mill/grind", "farm/reap", "millet/grind"]
    assert [rule.subject for rule in found.definition.rules] == ["grind", "farm/reap", "millet/grind"]


def test_a_rule_that_stays_is_the_same_row_with_what_it_has_seen(store: Store, database: Database, make: Make) -> None:
    seen = make("mill/bake", files("a"), on("grind"), files("b"), files("b"))
    before = {subject: rule_id for rule_id, subject in reversed(kept(database))}
    with database.write() as connection:
        connection.execute(sa.text("UPDATE rules SET seen = '{}' WHERE subject = 'b'"))
    wanted = (files("b", every=60, settle=1), files("c"), on("grind"))
    assert change(store, seen, *wanted).definition.rules == wanted
    after = {subject: rule_id for rule_id, subject in kept(database)}
    assert after["b"] == before["b"]
    assert after["mill/grind"] == before["mill/grind"]
    assert list(after) == ["b", "c", "mill/grind"]
    with database.read() as connection:
        remembered = connection.execute(sa.text("SELECT subject, seen FROM rules WHERE seen IS NOT NULL")).all()
    assert [tuple(each) for each in remembered] == [("b", "{}")]


def test_rules_may_change_places_and_go(store: Store, database: Database, make: Make) -> None:
    seen = make("mill/bake", files("a"), files("b"), files("c"))
    seen = change(store, seen, files("c"), files("a"), files("b"))
    assert [subject for _, subject in kept(database)] == ["c", "a", "b"]
    assert change(store, seen).definition.rules == ()
    assert kept(database) == []


def test_only_rules_on_files_are_looked_after(database: Database, make: Make) -> None:
    make("mill/bake", *(Rule(kind=kind, subject="x/y") for kind in RuleKind))
    with database.read() as connection:
        watched = connection.execute(sa.text("SELECT kind FROM rules WHERE look_at IS NOT NULL")).all()
    assert [tuple(each) for each in watched] == [("file",)]


@pytest.mark.parametrize("subject", ["bake", "mill/bake"])
def test_a_trigger_cannot_listen_to_its_own_pipeline(store: Store, make: Make, subject: str) -> None:
    with pytest.raises(
        errors.BadTrigger, match=r"rules\[1\].*'mill/bake'.*not themselves begun by the end of mill/bake"
    ):
        make("mill/bake", on("grind"), on(subject))
    assert store.triggers.list() == []


def test_triggers_cannot_lead_round_in_a_circle(store: Store, make: Make) -> None:
    make("mill/bake", on("grind"))
    make("farm/sell", on("mill/bake"))
    with pytest.raises(errors.BadTrigger, match=r"farm/sell"):
        make("mill/grind", on("farm/sell"))
    first = make("mill/grind", on("farm/reap"))
    with pytest.raises(errors.BadTrigger, match=r"mill/bake"):
        change(store, first, on("bake"))
    assert store.triggers.get(first.id) == first


def test_a_trigger_that_changes_may_listen_to_what_it_no_longer_begins(store: Store, make: Make, pin) -> None:
    first = make("mill/bake", on("grind"))
    change(store, first, on("mix"))
    make("mill/grind", on("bake"))
    again = change(store, store.triggers.get(first.id), on("mix"), on("knead"))
    assert [rule.subject for rule in again.definition.rules] == ["mix", "knead"]


def test_a_trigger_that_was_deleted_closes_no_circle(store: Store, make: Make) -> None:
    store.triggers.delete(make("mill/bake", on("grind")).id, LATER)
    assert make("mill/grind", on("bake")).definition.rules == (on("bake"),)
