"""A rule on files is looked after by one engine at a time, and what it has seen is kept with what it tells of."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.store.conftest import AT, together

from headrace import store as stores
from headrace.model.rule import Rule, RuleKind
from headrace.model.trigger import TriggerType
from headrace.model.watch import Seen
from headrace.store import Store
from headrace.store.database import Database
from headrace.store.projects import Pinned
from headrace.store.triggers import Standing
from headrace.store.watches import News, Watch

SEEN = {"a": Seen(3, "s", AT, True), "b": Seen(None, "", AT, False)}
NEWS = News("1:a", {"path": "a", "size": 3})


def after(seconds: float) -> datetime:
    return AT + timedelta(seconds=seconds)


@pytest.fixture
def watch_over(pinned: Pinned, trigger: Callable[..., int]) -> Callable[..., int]:
    """Makes an active trigger with rules on those files: its id."""

    def made(*subjects: str, name: str = "files") -> int:
        rules = tuple(Rule(kind=RuleKind.FILE, subject=each) for each in subjects)
        return trigger(pinned, name, type=TriggerType.EVENT, rules=rules)

    return made


@pytest.fixture
def second(place: tuple[Path, str | None]) -> Iterator[Store]:
    """The same database, opened once more."""
    with closing(stores.open(*place)) as opened:
        yield opened


def switch(store: Store, trigger_id: int, at: datetime, *, active: bool) -> None:
    seen = store.triggers.get(trigger_id)
    assert store.triggers.change(seen, seen.definition, Standing(None, None), at, active=active)


def take(store: Store, at: datetime = AT) -> Watch:
    """The one rule that is due, taken for a minute."""
    (found,) = store.watches.due(at, 10)
    (taken,) = store.watches.take([found], at + timedelta(seconds=60))
    return taken


def marks(store: Store) -> list[str]:
    with store._database.read() as connection:
        return list(connection.scalars(sa.text("SELECT mark FROM occurrences ORDER BY id")))


def test_a_new_rule_is_due_at_once_and_has_seen_nothing(store: Store, watch_over: Callable[..., int]) -> None:
    trigger_id = watch_over("in/*.csv")
    (found,) = store.watches.due(AT, 10)
    assert (found.trigger_id, found.rule.subject, found.folder) == (trigger_id, "in/*.csv", Path("/projects/demo"))
    assert (found.look_at, found.enabled_at, found.seen) == (AT, AT, None)
    assert store.watches.next_due() == AT
    assert store.watches.due(AT - timedelta(microseconds=1), 10) == []


def test_the_longest_due_comes_first_and_no_more_than_asked_for(store: Store, watch_over: Callable[..., int]) -> None:
    watch_over("a", "b", "c")
    first = store.watches.due(AT, 1)
    (taken,) = store.watches.take(first, after(60))
    store.watches.saw(taken, {}, [], after(10), AT)
    assert [each.rule.subject for each in store.watches.due(after(10), 2)] == ["b", "c"]
    assert [each.rule.subject for each in store.watches.due(after(10), 9)] == ["b", "c", "a"]


def test_one_engine_takes_a_rule(store: Store, second: Store, watch_over: Callable[..., int]) -> None:
    watch_over("a", "b", "c")
    due = store.watches.due(AT, 10)
    taken = together(*[lambda each=each: each.watches.take(due, after(60)) for each in (store, second) * 2])
    assert sorted(watch.rule.subject for each in taken for watch in each) == ["a", "b", "c"]
    assert store.watches.due(after(59), 10) == []
    assert store.watches.next_due() == after(60)


def test_what_was_seen_is_remembered_and_the_news_are_there(store: Store, watch_over: Callable[..., int]) -> None:
    watch_over("a")
    assert store.watches.saw(take(store), SEEN, [NEWS], after(10), after(1))
    (again,) = store.watches.due(after(10), 10)
    assert again.seen == SEEN
    (found,) = store.occurrences.open(10)
    assert (found.kind, found.subject, found.payload) == (RuleKind.FILE, "a", {"path": "a", "size": 3})
    assert (found.rule_id, found.at) == (again.rule_id, after(1))


def test_news_under_the_same_mark_are_told_once(store: Store, watch_over: Callable[..., int]) -> None:
    watch_over("a")
    store.watches.saw(take(store), SEEN, [NEWS], after(10), AT)
    store.watches.saw(take(store, after(10)), {}, [NEWS, News("2:b", {})], after(20), AT)
    assert marks(store) == ["1:a", "2:b"]


def test_a_look_that_was_given_up_says_nothing_any_more(
    store: Store, second: Store, watch_over: Callable[..., int]
) -> None:
    watch_over("a")
    slow = take(store)
    other = take(second, after(60))
    assert not store.watches.saw(slow, SEEN, [NEWS], after(70), after(61))
    store.watches.fail(slow, "too slow", after(70))
    assert store.triggers.get(slow.trigger_id).fault is None
    assert second.watches.saw(other, {}, [], after(70), after(62))
    assert marks(store) == []


def test_what_comes_while_the_trigger_is_paused_is_not_told(store: Store, watch_over: Callable[..., int]) -> None:
    trigger_id = watch_over("a")
    looking = take(store)
    switch(store, trigger_id, after(1), active=False)
    assert not store.watches.saw(looking, SEEN, [NEWS], after(10), after(2))
    assert store.watches.due(after(100), 10) == []
    assert store.watches.next_due() is None
    switch(store, trigger_id, after(3), active=True)
    assert not store.watches.saw(looking, SEEN, [NEWS], after(10), after(4)), "it looked before the pause"
    assert take(store, after(100)).seen is None


def test_what_was_seen_before_a_pause_is_not_what_it_goes_on_from(store: Store, watch_over: Callable[..., int]) -> None:
    trigger_id = watch_over("a")
    store.watches.saw(take(store), SEEN, [], after(10), after(1))
    switch(store, trigger_id, after(2), active=False)
    switch(store, trigger_id, after(3), active=True)
    assert take(store, after(10)).seen is None


def test_what_cannot_be_looked_at_is_the_triggers_fault_until_it_can(
    store: Store, watch_over: Callable[..., int]
) -> None:
    trigger_id = watch_over("a", "b")
    first, second = store.watches.take(store.watches.due(AT, 10), after(60))
    store.watches.saw(first, SEEN, [], after(10), AT)
    store.watches.fail(second, "no such bucket", after(10))
    assert store.triggers.get(trigger_id).fault == "the files b: no such bucket"
    first, second = store.watches.take(store.watches.due(after(10), 10), after(70))
    assert first.seen == SEEN
    store.watches.saw(first, SEEN, [], after(20), AT)
    assert store.triggers.get(trigger_id).fault == "the files b: no such bucket", "which is not about the others"
    store.watches.saw(second, {}, [], after(20), AT)
    assert store.triggers.get(trigger_id).fault is None


def _break(database: Database, rule_id: int, **columns: str) -> None:
    sets = ", ".join(f"{name} = :{name}" for name in columns)
    with database.write() as connection:
        connection.execute(sa.text(f"UPDATE rules SET {sets} WHERE id = {rule_id}"), columns)


def test_a_rule_that_cannot_be_decoded_is_laid_aside_until_it_is_changed(
    store: Store, database: Database, watch_over: Callable[..., int]
) -> None:
    trigger_id = watch_over("a", "b")
    broken, _ = store.watches.due(AT, 10)
    seen = store.triggers.get(trigger_id)
    _break(database, broken.rule_id, statuses="[")
    assert [each.rule.subject for each in store.watches.due(AT, 10)] == ["b"]
    assert [each.rule.subject for each in store.watches.due(AT, 1)] == ["b"]
    fault = store.triggers.get(trigger_id, bare=True).fault
    assert fault and "its statuses" in fault
    mended = replace(seen.definition, rules=seen.definition.rules[:1])
    assert store.triggers.change(seen, mended, Standing(None, None), after(1), active=True)
    assert [each.rule.subject for each in store.watches.due(after(1), 10)] == ["a"]


@pytest.mark.parametrize("memory", ["[", "{}", '{"enabled_at": 3, "files": {}}', "[1]"])
def test_a_rule_whose_memory_cannot_be_decoded_starts_anew_and_says_so(
    store: Store, database: Database, watch_over: Callable[..., int], memory: str
) -> None:
    trigger_id = watch_over("a")
    store.watches.saw(take(store), SEEN, [], after(10), AT)
    (found,) = store.watches.due(after(10), 10)
    _break(database, found.rule_id, seen=memory)
    (anew,) = store.watches.due(after(10), 10)
    assert anew.seen is None
    (gap,) = store.triggers.gaps(trigger_id)
    assert gap.reason.startswith(f"fault: The memory of rule {found.rule_id} cannot be read")
    store.watches.due(after(10), 10)
    assert len(store.triggers.gaps(trigger_id)) == 1
