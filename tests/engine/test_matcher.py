"""What happens begins one run of each trigger that asks for it, whatever is wrong with some of them."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.newest import newest

from headrace import errors
from headrace.engine import portions
from headrace.engine.maker import Maker
from headrace.engine.matcher import PASSED_OVER, Matcher
from headrace.model.rule import Rule, RuleKind
from headrace.model.run import Run, RunStatus
from headrace.model.trigger import Definition, TriggerType
from headrace.settings import Settings
from headrace.store import Store
from headrace.store.occurrences import Handling
from headrace.store.triggers import Sealed, Standing

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
ANY = Rule(kind=RuleKind.PAYLOAD)


def after(seconds: float) -> datetime:
    return AT + timedelta(seconds=seconds)


class Mill:
    """A project with pipelines, and event triggers of them, whose occurrences are dealt with by hand."""

    def __init__(self, store: Store, home: Path) -> None:
        self.store = store
        self.folder = home.parent / "mill"
        self.maker = Maker(store, Settings(home=home))
        self.matcher = Matcher(store, self.maker)
        self._written = 0

    def pipeline(self, name: str) -> None:
        (self.folder / "custom").mkdir(parents=True, exist_ok=True)
        (self.folder / "custom" / "a.py").write_text("@custom\ndef a(*args, **kwargs):\n    return 1\n")
        blocks = [{"uuid": "a", "type": "custom", "upstream_blocks": []}]
        metadata = self.folder / "pipelines" / name / "metadata.yaml"
        metadata.parent.mkdir(parents=True, exist_ok=True)
        metadata.write_text(json.dumps({"blocks": blocks}))

    def spoil(self, name: str) -> None:
        (self.folder / "pipelines" / name / "metadata.yaml").write_text("blocks: [")

    def trigger(self, *rules: Rule, pipeline: str = "grind", at: datetime = AT, **given: Any) -> int:
        """An active event trigger: its id."""
        self.pipeline(pipeline)
        self._written += 1
        pin = self.maker.pin(self.maker.keep(self.folder), pipeline, AT)
        definition = Definition(name=f"t{self._written}", type=TriggerType.EVENT, rules=rules or (ANY,), **given)
        made = self.store.triggers.create(
            pin.pinned.pipeline_id, definition, Sealed("s", "h"), Standing(None, None), at, active=True
        )
        return made.id

    def post(self, at: datetime | None = None, **payload: Any) -> int:
        """Its id."""
        uid = self.store.occurrences.add(RuleKind.PAYLOAD, "", None, payload, at or after(1))
        (found,) = [each.id for each in self.store.occurrences.open(1000) if each.uid == uid]
        return found

    def runs(self, trigger_id: int) -> list[Run]:
        """The oldest first."""
        return [each.run for each in reversed(newest(self.store, 1000)) if each.run.trigger_id == trigger_id]

    def begun(self, occurrence_id: int) -> int | None:
        (found,) = [each for each in self.store.occurrences.latest(1000) if each.id == occurrence_id]
        return found.runs

    def fault(self, trigger_id: int) -> str | None:
        return self.store.triggers.get(trigger_id, bare=True).fault

    def gaps(self, trigger_id: int) -> list[str]:
        return [each.reason for each in self.store.triggers.gaps(trigger_id)]

    def say(self, statement: str) -> None:
        """To the database, behind the store's back."""
        with self.store._database.write() as connection:
            connection.execute(sa.text(statement))


@pytest.fixture
def mill(store: Store, home: Path) -> Mill:
    return Mill(store, home)


def test_an_event_begins_one_run_of_each_trigger_that_asks_for_it(mill: Mill) -> None:
    orders = Rule(kind=RuleKind.PAYLOAD, pattern={"kind": ["order"]})
    both = mill.trigger(orders, ANY, variables={"region": "eu", "event": "none"}, sla=60)
    other = mill.trigger(Rule(kind=RuleKind.PAYLOAD, pattern={"kind": ["refund"]}))
    event = mill.post(kind="order", lines=[1, 2])
    assert mill.matcher.run_once(after(2)) is None
    (run,) = mill.runs(both)
    assert run.variables == {"region": "eu", "event": {"kind": "order", "lines": [1, 2]}}
    assert (run.execution_date, run.created_at, run.reason) == (after(2), after(2), "by an event")
    assert (run.occasion.trigger, run.occasion.interval, run.fire_time) == ("t1", None, None)
    assert [each.block for each in mill.store.runs.block_runs(run.id)] == ["a"]
    assert mill.runs(other) == []
    assert mill.begun(event) == 1


def test_an_event_is_dealt_with_once(mill: Mill) -> None:
    trigger = mill.trigger()
    event = mill.post()
    for seconds in (2, 3):
        mill.matcher.run_once(after(seconds))
    assert len(mill.runs(trigger)) == 1
    assert mill.begun(event) == 1


def test_an_event_that_nobody_asks_for_is_dealt_with_too(mill: Mill) -> None:
    mill.trigger(Rule(kind=RuleKind.PAYLOAD, pattern={"kind": ["refund"]}))
    event = mill.post(kind="order")
    mill.matcher.run_once(after(2))
    assert mill.begun(event) == 0


def test_many_events_are_dealt_with_in_their_order(mill: Mill) -> None:
    trigger = mill.trigger()
    for n in range(450):
        mill.post(n=n)
    assert mill.matcher.run_once(after(2)) is None
    assert [run.variables["event"]["n"] for run in mill.runs(trigger)] == list(range(450))


def test_what_happened_before_a_trigger_was_active_begins_no_run_of_it(mill: Mill) -> None:
    mill.post(at=after(1))
    mill.post(at=after(5))
    late, early = mill.trigger(at=after(3)), mill.trigger(at=after(1))
    mill.matcher.run_once(after(6))
    assert (len(mill.runs(late)), len(mill.runs(early))) == (1, 2)


def test_the_end_of_a_pipeline_begins_a_run_that_is_told_of_it(mill: Mill) -> None:
    trigger = mill.trigger(Rule(kind=RuleKind.PIPELINE, subject="grind"), pipeline="bake")
    before = mill.trigger()
    mill.post()
    mill.matcher.run_once(after(2))
    (run,) = mill.runs(before)
    mill.store.runs.close(run.id, None, RunStatus.COMPLETED, "closed", after(3))
    mill.matcher.run_once(after(4))
    (followed,) = mill.runs(trigger)
    told = followed.variables["event"]
    assert (told["project"], told["pipeline"], told["run_uid"]) == ("mill", "grind", run.uid)
    assert told["status"] == "completed"


def test_a_new_version_of_a_dataset_begins_a_run(mill: Mill) -> None:
    trigger = mill.trigger(Rule(kind=RuleKind.DATASET, subject="flour"))
    mill.store.occurrences.add(RuleKind.DATASET, "flour", "version 3", {"version": 3}, after(1))
    mill.store.occurrences.add(RuleKind.DATASET, "bread", "version 3", {"version": 3}, after(1))
    mill.matcher.run_once(after(2))
    assert [run.variables["event"] for run in mill.runs(trigger)] == [{"version": 3}]


def test_a_file_begins_a_run_of_the_trigger_that_watched_for_it(mill: Mill) -> None:
    rule = Rule(kind=RuleKind.FILE, subject="in/*")
    mine, others = mill.trigger(rule), mill.trigger(rule)
    mill.store.occurrences.add(RuleKind.FILE, "in/*", "1:x", {"path": "in/a"}, after(1))
    mill.say(f"UPDATE occurrences SET rule_id = (SELECT id FROM rules WHERE trigger_id = {mine})")
    mill.matcher.run_once(after(2))
    assert (len(mill.runs(mine)), len(mill.runs(others))) == (1, 0)


# What is wrong with some of them


def test_a_project_that_cannot_be_read_misses_its_run_and_no_other_does(mill: Mill) -> None:
    broken, sound = mill.trigger(pipeline="bake"), mill.trigger()
    mill.spoil("bake")
    event = mill.post()
    mill.matcher.run_once(after(2))
    assert (mill.runs(broken), len(mill.runs(sound)), mill.begun(event)) == ([], 1, 1)
    fault, (gap,) = mill.fault(broken), mill.gaps(broken)
    assert fault and fault.startswith("a run could not begin: ")
    assert "bake" in fault and gap == f"fault: {fault.removeprefix('a run could not begin: ')}"
    mill.pipeline("bake")
    mill.post(at=after(3))
    mill.matcher.run_once(after(4))
    assert (len(mill.runs(broken)), mill.fault(broken)) == (1, None)


def test_an_event_that_cannot_be_read_is_a_gap_of_those_that_may_have_asked_for_it(mill: Mill) -> None:
    trigger, other = mill.trigger(), mill.trigger(Rule(kind=RuleKind.DATASET, subject="flour"))
    event, next_one = mill.post(), mill.post()
    mill.say(f"UPDATE occurrences SET payload = '[' WHERE id = {event}")
    mill.matcher.run_once(after(2))
    assert (mill.begun(event), mill.begun(next_one)) == (0, 1)
    (gap,) = mill.gaps(trigger)
    assert gap.startswith(f"fault: event {event}: its payload cannot be read")
    assert mill.gaps(other) == []


@pytest.mark.parametrize("what", ["rules SET pattern = '[' WHERE trigger_id", "triggers SET settings = '[' WHERE id"])
def test_a_trigger_that_cannot_be_read_misses_what_concerns_it_and_no_other_does(mill: Mill, what: str) -> None:
    broken, sound = mill.trigger(), mill.trigger()
    mill.say(f"UPDATE {what} = {broken}")
    event = mill.post()
    mill.store.occurrences.add(RuleKind.DATASET, "flour", "version 3", {}, after(1))
    mill.matcher.run_once(after(2))
    assert (mill.runs(broken), len(mill.runs(sound)), mill.begun(event)) == ([], 1, 1)
    assert len(mill.gaps(broken)) == 1
    (gap,) = mill.store.triggers.gaps(broken)
    assert gap.count == 1, "the dataset does not concern it"


class Spoilt(Matcher):
    """Whose transactions go wrong at the runs of some triggers, or before they are committed, from the `begin`th on."""

    def __init__(self, mill: Mill, triggers: Sequence[int] = (), crashes: int = 0, begin: int = 0) -> None:
        super().__init__(mill.store, mill.maker)
        facet = mill.store.occurrences

        class Gate:
            def __getattr__(self, name: str) -> Any:
                return getattr(facet, name)

            @contextmanager
            def handling(self) -> Iterator[Handling]:
                nonlocal crashes, begin
                with facet.handling() as handling:
                    create = handling.create

                    def spoilt(new: Any, at: datetime) -> Any:
                        made = create(new, at)
                        if new.trigger_id in triggers:
                            raise ZeroDivisionError("drawn")
                        return made

                    handling.create = spoilt
                    yield handling
                    begin -= 1
                    crashes -= begin < 0
                    if begin < 0 <= crashes:
                        raise errors.StoreUnavailable(path="the test's", why="it was told to")

        class Gated:
            occurrences = Gate()

        self._store = Gated()  # pyright: ignore


def test_a_run_that_cannot_be_made_is_missed_and_the_others_of_its_event_are_made(mill: Mill) -> None:
    first, bad, worse, last = (mill.trigger() for _ in range(4))
    events = [mill.post(), mill.post(at=after(1.5))]
    Spoilt(mill, [bad, worse]).run_once(after(2))
    assert [len(mill.runs(each)) for each in (first, bad, worse, last)] == [2, 0, 0, 2]
    assert [mill.begun(each) for each in events] == [2, 2]
    assert mill.fault(bad) == mill.fault(worse) == "a run could not begin: drawn"
    (gap,) = mill.store.triggers.gaps(bad)
    assert gap.count == 2


def test_a_crash_before_the_commit_leaves_the_event_to_be_dealt_with(mill: Mill) -> None:
    trigger = mill.trigger()
    event = mill.post()
    crashing = Spoilt(mill, crashes=2)
    for seconds in (2, 3):
        with pytest.raises(errors.StoreUnavailable):
            crashing.run_once(after(seconds))
        assert (mill.runs(trigger), mill.begun(event)) == ([], None)
    crashing.run_once(after(4))
    assert (len(mill.runs(trigger)), mill.begun(event)) == (1, 1)
    assert mill.fault(trigger) is None


def test_no_transaction_makes_many_runs(mill: Mill, monkeypatch: pytest.MonkeyPatch) -> None:
    """What others wait for is soon over; an event whose own runs are more is dealt with alone."""
    monkeypatch.setattr(portions, "RUNS", 5)
    triggers = [mill.trigger(Rule(kind=RuleKind.PAYLOAD, pattern={"of": [name]})) for name in "aabbbbbb"]
    events = [mill.post(of=name) for name in ("a", "a", "b", "a")]
    for committed in (2, 3):
        with pytest.raises(errors.StoreUnavailable):
            Spoilt(mill, crashes=1, begin=1).run_once(after(2))
        assert [mill.begun(each) for each in events] == [*(2, 2, 6)[:committed], *[None] * (4 - committed)]
    mill.matcher.run_once(after(3))
    assert [mill.begun(each) for each in events] == [2, 2, 6, 2]
    assert [len(mill.runs(each)) for each in triggers] == [3, 3, 1, 1, 1, 1, 1, 1]


def test_an_event_that_cannot_be_dealt_with_at_all_is_laid_aside(mill: Mill, monkeypatch: pytest.MonkeyPatch) -> None:
    trigger = mill.trigger(pipeline="bake")
    mill.spoil("bake")
    event, next_one = mill.post(), mill.post()
    miss = Handling.miss

    def refused(self: Handling, trigger_id: int, occurrence: Any, why: str, at: datetime) -> None:
        if occurrence.id == event:
            raise ZeroDivisionError("drawn")
        miss(self, trigger_id, occurrence, why, at)

    monkeypatch.setattr(Handling, "miss", refused)
    mill.matcher.run_once(after(2))
    assert (mill.begun(event), mill.begun(next_one)) == (0, 0)
    assert len(mill.gaps(trigger)) == 1


def test_a_trigger_that_is_deleted_meanwhile_gets_no_run(mill: Mill) -> None:
    gone, there = mill.trigger(), mill.trigger()
    event = mill.post()

    class Late(Matcher):
        def _carry_out(self, plans: Any, now: datetime, trail: list[int]) -> int:
            mill.store.triggers.delete(gone, after(2))
            return super()._carry_out(plans, now, trail)

    Late(mill.store, mill.maker).run_once(after(3))
    assert (mill.runs(gone), len(mill.runs(there)), mill.begun(event)) == ([], 1, 1)


def test_what_another_engine_has_locked_is_looked_at_again_soon(mill: Mill, monkeypatch: pytest.MonkeyPatch) -> None:
    trigger = mill.trigger()
    event = mill.post()
    with monkeypatch.context() as patched:
        patched.setattr(Handling, "lock", lambda self, those: set())
        assert mill.matcher.run_once(after(2)) == after(2) + PASSED_OVER
    assert mill.begun(event) is None
    mill.matcher.run_once(after(3))
    assert (len(mill.runs(trigger)), mill.begun(event)) == (1, 1)
