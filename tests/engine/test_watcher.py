"""A file that comes, or changes, and settles begins a run; what lies somewhere already begins none; nobody is held up."""

import os
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import fsspec
import pytest
from tests.engine.test_matcher import AT, Mill, after

from headrace import errors
from headrace.engine.watcher import AT_ONCE, PATIENCE, Watcher
from headrace.model import watch
from headrace.model.rule import Rule, RuleKind
from headrace.store import Store
from headrace.store.triggers import Standing


class Yard(Mill):
    """The project, and a watcher whose looks are made when it is told to."""

    def __init__(self, store: Store, home: Path) -> None:
        super().__init__(store, home)
        self.started: list[Callable[[], None]] = []
        self.woken = 0
        self.watcher = Watcher(store, self._wake, lambda deed: deed())
        self.slow = Watcher(store, self._wake, self.started.append)
        (self.folder / "in").mkdir(parents=True)

    def _wake(self) -> None:
        self.woken += 1

    def watch(self, *subjects: str, every: float = 10, settle: float = 5, **given: Any) -> int:
        """An active trigger with rules on those files: its id."""
        rules = (Rule(kind=RuleKind.FILE, subject=each, every=every, settle=settle) for each in subjects)
        return self.trigger(*rules, **given)

    def put(self, name: str, text: str = "x", at: float = 1_700_000_000) -> str:
        path = self.folder / name
        path.write_text(text)
        os.utime(path, (at, at))
        return str(path)

    def look(self, seconds: float) -> datetime | None:
        """The looks that are due then, and the runs they begin; when the next is due."""
        again = self.watcher.run_once(after(seconds))
        self.matcher.run_once(after(seconds))
        return again

    def events(self, trigger_id: int) -> list[Any]:
        return [run.variables["event"] for run in self.runs(trigger_id)]


@pytest.fixture
def yard(store: Store, home: Path) -> Yard:
    return Yard(store, home)


@pytest.fixture
def memory() -> Iterator[Any]:
    system = fsspec.filesystem("memory")
    yield system
    system.rm("/", recursive=True)


def test_a_file_that_comes_begins_a_run_once_it_has_settled(yard: Yard) -> None:
    yard.put("in/old.csv")
    trigger = yard.watch("in/*.csv")
    assert yard.look(0) == after(10)
    path = yard.put("in/new.csv", "abc")
    assert yard.look(10) == after(15)
    assert yard.events(trigger) == []
    assert yard.look(15) == after(25)
    assert yard.events(trigger) == [{"path": path, "size": 3, "modified": "2023-11-14T22:13:20Z"}]
    for seconds in (25, 35):
        yard.look(seconds)
    assert len(yard.events(trigger)) == 1


def test_a_file_that_is_still_written_begins_nothing(yard: Yard) -> None:
    trigger = yard.watch("in/*.csv")
    yard.look(0)
    for round in range(4):
        yard.put("in/a.csv", "x" * round)
        yard.look(10 + 5 * round)
    assert yard.events(trigger) == []
    yard.look(30)
    assert [each["size"] for each in yard.events(trigger)] == [3]


def test_a_file_that_changes_later_begins_another_run(yard: Yard) -> None:
    trigger = yard.watch("in/a.csv", settle=0)
    yard.put("in/a.csv", "x")
    yard.look(0)
    yard.put("in/a.csv", "xy")
    yard.look(10)
    yard.put("in/a.csv", "xz", at=1_700_000_001)
    yard.look(20)
    assert [each["size"] for each in yard.events(trigger)] == [2, 2]


def test_a_file_that_goes_and_comes_back_as_it_was_is_the_same_file(yard: Yard) -> None:
    trigger = yard.watch("in/*", settle=0)
    yard.look(0)
    path = yard.put("in/a.csv")
    yard.look(10)
    Path(path).unlink()
    yard.look(20)
    yard.put("in/a.csv")
    yard.look(30)
    assert len(yard.events(trigger)) == 1


def test_several_files_begin_a_run_each_and_several_triggers_one_each(yard: Yard) -> None:
    one, two = yard.watch("in/*", settle=0), yard.watch("in/*", "in/a*", settle=0)
    yard.look(0)
    paths = {yard.put("in/a.csv"), yard.put("in/b.csv")}
    yard.look(10)
    assert {each["path"] for each in yard.events(one)} == paths
    assert len(yard.events(one)) == 2
    assert len(yard.events(two)) == 3, "each rule tells of what it has seen"


def test_nothing_is_looked_at_more_often_than_once_in_five_seconds(yard: Yard) -> None:
    yard.watch("in/*", every=1, settle=0)
    assert yard.look(0) == after(5)
    assert yard.look(4.9) == after(5)


def test_what_came_while_no_engine_looked_is_told_afterwards(yard: Yard) -> None:
    trigger = yard.watch("in/*", settle=0)
    yard.look(0)
    yard.put("in/a.csv")
    yard.look(3600)
    assert len(yard.events(trigger)) == 1


def test_what_came_while_the_trigger_was_paused_is_not_told(yard: Yard) -> None:
    trigger = yard.watch("in/*", settle=0)
    yard.look(0)
    for active in (False, True):
        seen = yard.store.triggers.get(trigger)
        yard.store.triggers.change(seen, seen.definition, Standing(None, None), after(5), active=active)
        yard.put("in/a.csv")
    yard.look(10)
    yard.put("in/b.csv")
    yard.look(20)
    assert [Path(each["path"]).name for each in yard.events(trigger)] == ["b.csv"]


def test_objects_are_watched_as_files_are(yard: Yard, memory: Any) -> None:
    trigger = yard.watch("memory://bucket/in/*.csv", settle=0)
    memory.pipe("/bucket/in/old.csv", b"x")
    yard.look(0)
    memory.pipe("/bucket/in/a.csv", b"xyz")
    yard.look(10)
    (event,) = yard.events(trigger)
    assert (event["path"], event["size"]) == ("memory:///bucket/in/a.csv", 3)


# What goes wrong


def test_what_cannot_be_looked_at_is_its_triggers_fault_until_it_can_and_holds_up_no_other(yard: Yard) -> None:
    broken, sound = yard.watch("there/*", settle=0), yard.watch("in/*", settle=0)
    yard.look(0)
    fault = yard.fault(broken)
    assert fault == f"the files there/*: No such file or directory: {yard.folder}/there"
    yard.put("in/a.csv")
    yard.look(10)
    assert len(yard.events(sound)) == 1
    (yard.folder / "there").mkdir()
    yard.look(20)
    assert yard.fault(broken) is None
    yard.put("there/a.csv")
    yard.look(30)
    assert len(yard.events(broken)) == 1


@pytest.mark.parametrize(
    ("url", "told"), [("nowhere://x/*", "Protocol not known"), ("dropbox://x/*", "dropbox")], ids=["unknown", "absent"]
)
def test_a_file_system_that_is_not_there_is_said_in_its_own_words(yard: Yard, url: str, told: str) -> None:
    trigger = yard.watch(url)
    yard.look(0)
    assert told in (yard.fault(trigger) or "")


def test_more_files_than_can_be_looked_after_are_the_triggers_fault(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headrace.engine.watcher.MOST", 2)
    trigger = yard.watch("in/*", settle=0)
    yard.look(0)
    for name in "abc":
        yard.put(f"in/{name}")
    yard.look(10)
    assert yard.fault(trigger) == "the files in/*: 3 files match; at most 2 are looked after"
    assert yard.events(trigger) == []
    (yard.folder / "in/c").unlink()
    yard.look(20)
    assert (len(yard.events(trigger)), yard.fault(trigger)) == (2, None)


def test_a_slow_look_holds_up_no_other(yard: Yard) -> None:
    trigger = yard.watch("in/*", "in/b*")
    yard.slow.run_once(AT)
    _, quick = yard.started
    assert yard.woken == 0
    quick()
    assert yard.woken == 1
    assert yard.slow.run_once(after(1)) == after(10), "the other has been looked at"
    assert yard.fault(trigger) is None


def test_a_look_without_an_answer_is_given_up_in_time_and_what_it_finds_then_is_not_told(yard: Yard) -> None:
    trigger = yard.watch("in/*", settle=0)
    yard.look(0)
    yard.put("in/a")
    yard.slow.run_once(after(10))
    yard.slow.run_once(after(10) + PATIENCE)
    assert yard.fault(trigger) == "the files in/*: there was no answer within 60 seconds"
    yard.started.pop()()
    yard.slow.run_once(after(11) + PATIENCE)
    assert yard.store.occurrences.latest(10) == []
    yard.slow.run_once(after(10) + 2 * PATIENCE)
    yard.started.pop()()
    yard.slow.run_once(after(10) + 2 * PATIENCE)
    assert yard.fault(trigger) is None
    assert len(yard.store.occurrences.latest(10)) == 1


def test_so_many_looks_go_on_at_once_and_those_given_up_make_room(yard: Yard) -> None:
    yard.watch(*(f"in/{n}*" for n in range(AT_ONCE + 2)))
    yard.slow.run_once(AT)
    assert len(yard.started) == AT_ONCE
    yard.slow.run_once(after(59))
    assert len(yard.started) == AT_ONCE
    yard.slow.run_once(AT + PATIENCE)
    yard.slow.run_once(AT + PATIENCE)
    assert len(yard.started) == AT_ONCE + 2


def test_an_engine_that_dies_in_the_middle_of_a_look_is_followed_by_another(yard: Yard) -> None:
    trigger = yard.watch("in/*", settle=0)
    yard.look(0)
    yard.put("in/a.csv")
    yard.slow.run_once(after(10))
    yard.look(69)
    assert yard.events(trigger) == []
    yard.look(70)
    assert len(yard.events(trigger)) == 1


def test_what_cannot_be_written_down_is_told_and_looked_at_again(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    trigger = yard.watch("in/*", settle=0)
    yard.look(0)
    yard.put("in/a.csv")

    def refused(*_: Any) -> None:
        raise ZeroDivisionError("drawn")

    with monkeypatch.context() as patched:
        patched.setattr(watch, "look", refused)
        yard.look(10)
    assert yard.fault(trigger) == "the files in/*: ZeroDivisionError: drawn"
    yard.look(70)
    assert (len(yard.events(trigger)), yard.fault(trigger)) == (1, None)


def test_a_rule_that_nothing_can_be_done_with_holds_up_no_other(yard: Yard) -> None:
    broken, sound = yard.watch("in/*", settle=0), yard.watch("in/*", settle=0)
    yard.say(f"UPDATE rules SET every = 9e999 WHERE trigger_id = {broken}")
    yard.look(0)
    yard.put("in/a.csv")
    yard.look(10)
    assert len(yard.events(sound)) == 1
    assert "Overflow" in (yard.fault(broken) or "")


def test_a_database_that_does_not_answer_loses_nothing(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    trigger = yard.watch("in/*", settle=0)
    yard.look(0)
    yard.put("in/a.csv")

    def unavailable(*_: Any) -> bool:
        raise errors.StoreUnavailable(path="the test's", why="it was told to")

    with monkeypatch.context() as patched:
        patched.setattr(yard.store.watches, "saw", unavailable)
        with pytest.raises(errors.StoreUnavailable):
            yard.watcher.run_once(after(10))
    yard.look(70)
    assert len(yard.events(trigger)) == 1
