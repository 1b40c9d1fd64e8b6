"""Secrets are found by whose they are and what they are called; what is in them changes under those who look, or not at all."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from tests.store.conftest import AT, PIPELINE, together

from headrace.store import Store
from headrace.store.projects import Pinned
from headrace.store.seals import Resealed
from headrace.store.secrets import purpose

LATER = AT + timedelta(seconds=1)


@pytest.fixture
def other(store: Store) -> Pinned:
    return store.projects.pin(Path("/projects/other"), "other", PIPELINE, "version-1", "snapshot-1", 3, AT)


def _seen(store: Store, project_id: int) -> dict[str, str]:
    return {row.name: row.sealed for row in store.secrets.of(project_id)}


def test_a_secret_is_set_changed_and_deleted(store: Store, pinned: Pinned) -> None:
    mine = pinned.project.id
    assert store.secrets.set(mine, "K", "one", AT)
    assert not store.secrets.set(mine, "K", "two", LATER)
    (row,) = store.secrets.all()
    assert (row.project, row.project_uid, row.name, row.sealed) == ("demo", pinned.project.uid, "K", "two")
    assert (row.created_at, row.updated_at) == (AT, LATER)
    assert row.purpose == purpose(pinned.project.uid, "K") == f"secret {pinned.project.uid}/K"
    assert "two" not in repr(row)
    assert store.secrets.delete(mine, "K")
    assert not store.secrets.delete(mine, "K")
    assert store.secrets.all() == []


def test_names_are_told_apart_by_case_and_by_whose_they_are(store: Store, pinned: Pinned, other: Pinned) -> None:
    mine, theirs = pinned.project.id, other.project.id
    for project_id, name, sealed in (
        (None, "K", "all"),
        (mine, "K", "mine"),
        (theirs, "K", "theirs"),
        (None, "k", "x"),
    ):
        assert store.secrets.set(project_id, name, sealed, AT)
    assert [(row.name, row.project) for row in store.secrets.all() if row.name == "K"] == [
        ("K", None),
        ("K", "demo"),
        ("K", "other"),
    ]
    assert [row.sealed for row in store.secrets.all(theirs)] == ["theirs"]
    assert _seen(store, mine) == {"K": "mine", "k": "x"}  # its own comes last, and wins
    assert _seen(store, theirs) == {"K": "theirs", "k": "x"}
    assert store.secrets.delete(None, "K")
    assert _seen(store, mine) == {"K": "mine", "k": "x"}


def test_what_was_changed_shows_in_the_marks_of_those_who_see_it(store: Store, pinned: Pinned, other: Pinned) -> None:
    mine, theirs = pinned.project.id, other.project.id
    assert store.secrets.marks(mine) == ()
    seen = [(store.secrets.marks(mine), store.secrets.marks(theirs))]
    deeds: list[Callable[[], bool]] = [
        lambda: store.secrets.set(None, "A", "1", AT),
        lambda: store.secrets.set(None, "A", "2", LATER),
        lambda: store.secrets.set(mine, "B", "1", AT),
        lambda: store.secrets.set(theirs, "B", "1", AT),
        lambda: store.secrets.delete(None, "A"),
    ]
    for deed in deeds:
        deed()
        seen.append((store.secrets.marks(mine), store.secrets.marks(theirs)))
    changed = [(a != c, b != d) for (a, b), (c, d) in pairwise(seen)]
    assert changed == [(True, True), (True, True), (True, False), (False, True), (True, True)]


@pytest.mark.parametrize("owned", [True, False])
def test_those_who_set_a_secret_at_once_make_one(store: Store, pinned: Pinned, owned: bool) -> None:
    project_id = pinned.project.id if owned else None
    made = together(*(lambda n=n: store.secrets.set(project_id, "K", str(n), AT) for n in range(6)))
    assert made.count(True) == 1
    (row,) = store.secrets.all()
    assert row.sealed in set("012345")


def test_those_that_are_sealed_otherwise_come_in_order_of_id(store: Store) -> None:
    for n, sealed in enumerate(("v1.a.x", "v1.b.x", "v1.a.y", "v1_a.x", "v1.ab.x")):
        store.secrets.set(None, str(n), sealed, AT)
    first = store.secrets.sealed_otherwise("v1.a.", 0, 2)
    assert [row.name for row in first] == ["1", "3"]
    assert [row.name for row in store.secrets.sealed_otherwise("v1.a.", first[-1].id, 2)] == ["4"]


def test_a_row_is_sealed_anew_unless_somebody_has_changed_it(store: Store, pinned: Pinned) -> None:
    for name in "ab":
        store.secrets.set(pinned.project.id, name, f"old {name}", AT)
    a, b = store.secrets.all()
    store.secrets.set(pinned.project.id, "b", "set meanwhile", LATER)
    marks = store.secrets.marks(pinned.project.id)
    assert store.secrets.reseal([Resealed(row.id, row.sealed, f"new {row.name}") for row in (a, b)]) == 1
    assert _seen(store, pinned.project.id) == {"a": "new a", "b": "set meanwhile"}
    assert store.secrets.marks(pinned.project.id) == marks  # the values are what they were
    assert store.secrets.all()[0] == replace(a, sealed="new a")


def test_tokens_of_triggers_are_sealed_anew_and_stay_what_they_are(
    store: Store, pinned: Pinned, trigger: Callable[..., int]
) -> None:
    first, gone = trigger(pinned, "one"), trigger(pinned, "two")
    store.triggers.delete(gone, AT)
    found = store.triggers.sealed_otherwise("new", 0, 9)
    assert found == [(first, "sealed"), (gone, "sealed")]
    assert store.triggers.reseal([Resealed(first, "sealed", "new 1"), Resealed(gone, "other", "new 2")]) == 1
    assert store.triggers.token(first).sealed == "new 1"
    assert store.triggers.token(first).hash == "hash"
    assert store.triggers.sealed_otherwise("new", 0, 9) == [(gone, "sealed")]
