"""What has happened is written down once and dealt with once; and the end of a run is such a thing where one listens."""

import queue
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.newest import newest
from tests.store.conftest import AT, Begin, together
from tests.store.test_bells import PATIENCE
from tests.store.test_moves import LATER

from headrace import errors
from headrace import store as stores
from headrace.model import transitions
from headrace.model.occurrence import Occurrence
from headrace.model.pipeline import Block, BlockType, Pipeline
from headrace.model.rule import Rule, RuleKind
from headrace.model.run import Reopening, Run, RunStatus
from headrace.model.trigger import TriggerType
from headrace.store import Store
from headrace.store.changes import RunMoved
from headrace.store.database import About, Database
from headrace.store.projects import Pinned
from headrace.store.runs import NewRun
from headrace.store.triggers import Standing

AFTER = AT + timedelta(seconds=1)

Listen = Callable[..., int]


@pytest.fixture
def follower(store: Store) -> Pinned:
    """A second pipeline of the project."""
    other = Pipeline("weekly", blocks=(Block("a", BlockType.CUSTOM),))
    return store.projects.pin(Path("/projects/demo"), "demo", other, "version-2", "snapshot-1", 3, AT)


@pytest.fixture
def listen(follower: Pinned, trigger: Callable[..., int]) -> Listen:
    """Makes an active event trigger of the second pipeline with those rules: its id."""

    def made(*rules: Rule, pins: Pinned | None = None, name: str = "listens") -> int:
        return trigger(pins or follower, name, type=TriggerType.EVENT, rules=rules)

    return made


@pytest.fixture
def second(place: tuple[Path, str | None]) -> Iterator[Store]:
    """The same database, opened once more."""
    opened = stores.open(*place)
    yield opened
    opened.close()


def on(subject: str, *statuses: str) -> Rule:
    return Rule(kind=RuleKind.PIPELINE, subject=subject, statuses=statuses or ("completed",))


def new_run(pins: Pinned, trigger_id: int) -> NewRun:
    return NewRun(
        pipeline_id=pins.pipeline_id,
        version_id=pins.version_id,
        snapshot_id=pins.snapshot_id,
        blocks={"a": None},
        variables={},
        selection={},
        execution_date=AT,
        reason="by an event",
        trigger_id=trigger_id,
    )


def post(store: Store, mark: str | None = None, at: datetime = AFTER, **payload: Any) -> str:
    return store.occurrences.add(RuleKind.PAYLOAD, "", mark, payload, at)


def end(store: Store, run: Run, status: RunStatus = RunStatus.COMPLETED, at: datetime = LATER) -> None:
    seen = store.runs.get(run.id)
    moved = RunMoved(seen, transitions.end_run(status, at, reason="blocks_completed"))
    store.runs.write({run.id: seen.epoch}, [moved])


def open_ones(store: Store) -> list[Occurrence]:
    return store.occurrences.open(100)


# Written down


def test_what_is_posted_is_there_until_somebody_deals_with_it(store: Store) -> None:
    uid = post(store, a=[1, None, "x"])
    (found,) = open_ones(store)
    assert (found.uid, found.kind, found.payload, found.at) == (uid, RuleKind.PAYLOAD, {"a": [1, None, "x"]}, AFTER)
    assert (found.handled_at, found.runs, found.fault) == (None, None, None)
    with store.occurrences.handling() as handling:
        assert handling.lock([found]) == {found.id}
        handling.close({found.id: 2}, LATER)
    assert open_ones(store) == []
    (dealt,) = store.occurrences.latest(10)
    assert (dealt.uid, dealt.handled_at, dealt.runs) == (uid, LATER, 2)


def test_the_same_mark_is_the_same_occurrence(store: Store) -> None:
    first = post(store, "key-1", a=1)
    assert post(store, "key-1", at=LATER, a=1) == first
    assert post(store, "key-2", a=1) != first
    assert post(store, a=1) != post(store, a=1)
    with pytest.raises(errors.KeyReused, match="key-1"):
        post(store, "key-1", a=2)
    assert len(open_ones(store)) == 4


def test_the_same_mark_at_the_same_time_is_one_occurrence(store: Store, second: Store) -> None:
    uids = together(*[lambda each=each: post(each, "key-1", a=1) for each in (store, second) * 3])
    assert len(set(uids)) == 1
    assert [each.uid for each in open_ones(store)] == uids[:1]


def test_what_has_happened_is_listed_page_by_page(store: Store) -> None:
    uids = [post(store, n=n) for n in range(5)]
    page = store.occurrences.latest(2)
    assert [each.uid for each in page] == uids[:2:-1]
    assert [each.uid for each in store.occurrences.latest(2, before=page[-1].id)] == uids[2:0:-1]


def test_what_cannot_be_decoded_is_told_without_it(store: Store, database: Database) -> None:
    post(store, a=1)
    post(store, a=2)
    with database.write() as connection:
        broken = sa.text("UPDATE occurrences SET payload = '{\"a\":' WHERE id = (SELECT min(id) FROM occurrences)")
        connection.execute(broken)
    first, other = open_ones(store)
    assert first.payload == {}
    assert first.fault and first.fault.startswith(f"event {first.id}: its payload cannot be read: ")
    assert (other.payload, other.fault) == ({"a": 2}, None)


# Dealt with


def test_what_another_has_locked_is_passed_over(store: Store, second: Store, place: tuple[Path, str | None]) -> None:
    post(store)
    found = open_ones(store)
    with store.occurrences.handling() as handling:
        assert handling.lock(found) == {found[0].id}
        handling.close({found[0].id: 0}, LATER)
        if place[1] is not None:  # SQLite has one transaction that writes at a time
            with second.occurrences.handling() as theirs:
                assert theirs.lock(found) == set()
    with second.occurrences.handling() as theirs:
        assert theirs.lock(found) == set(), "it was dealt with"


def test_an_occurrence_begins_one_run_however_many_deal_with_it(
    store: Store, second: Store, follower: Pinned, listen: Listen
) -> None:
    trigger_id = listen(Rule(kind=RuleKind.PAYLOAD))
    for _ in range(20):
        post(store)
    found = open_ones(store)

    def deal_with(all_of_them: Store) -> int:
        begun = 0
        for each in found:
            with all_of_them.occurrences.handling() as handling:
                if handling.lock([each]):
                    handling.create(new_run(follower, trigger_id), AFTER)
                    handling.close({each.id: 1}, AFTER)
                    begun += 1
        return begun

    assert sum(together(*[lambda each=each: deal_with(each) for each in (store, second) * 2])) == 20
    assert open_ones(store) == []
    assert len(newest(store, 100)) == 20


def test_whoever_dies_in_the_middle_leaves_all_of_it_to_be_done(store: Store, follower: Pinned, listen: Listen) -> None:
    trigger_id = listen(Rule(kind=RuleKind.PAYLOAD))
    post(store)
    found = open_ones(store)
    with pytest.raises(ZeroDivisionError), store.occurrences.handling() as handling:
        handling.lock(found)
        handling.create(new_run(follower, trigger_id), AFTER)
        handling.close({found[0].id: 1}, AFTER)
        1 / 0  # noqa: B018
    assert open_ones(store) == found
    assert newest(store, 100) == []


def test_a_run_that_is_missed_is_a_gap_of_its_trigger(store: Store, listen: Listen) -> None:
    trigger_id = listen(Rule(kind=RuleKind.PAYLOAD))
    post(store)
    (found,) = open_ones(store)
    with store.occurrences.handling() as handling:
        handling.miss(trigger_id, found, "no such project", LATER)
    (gap,) = store.triggers.gaps(trigger_id)
    assert (gap.reason, gap.first, gap.last, gap.count) == ("fault: no such project", AFTER, AFTER, 1)


def test_a_fault_stays_until_what_it_is_about_goes_well(store: Store, listen: Listen) -> None:
    trigger_id = listen(Rule(kind=RuleKind.PAYLOAD))
    store.occurrences.note_fault(trigger_id, "100% wrong")
    assert store.triggers.get(trigger_id).fault == "a run could not begin: 100% wrong"
    store.occurrences.clear_fault(trigger_id)
    assert store.triggers.get(trigger_id).fault is None
    store.triggers.lay_aside(trigger_id, "something else")
    store.occurrences.clear_fault(trigger_id)
    assert store.triggers.get(trigger_id).fault == "something else"


# Who listens


def test_those_listen_that_have_a_rule_on_it(store: Store, pinned: Pinned, listen: Listen) -> None:
    """The text of a dataset's name is not that of a payload's rule, which is for people."""
    payload = listen(Rule(kind=RuleKind.PAYLOAD, subject="orders"), name="payload")
    dataset = listen(Rule(kind=RuleKind.DATASET, subject="flour"), name="dataset")
    both = listen(Rule(kind=RuleKind.DATASET, subject="flour"), Rule(kind=RuleKind.PAYLOAD), name="both")
    listen(Rule(kind=RuleKind.DATASET, subject="bread"), on("daily"), name="other")

    def listening() -> dict[int, list[RuleKind]]:
        found = store.occurrences.listeners(open_ones(store))
        return {each.id: [rule.kind for rule in each.rules.values()] for each in found}

    store.occurrences.add(RuleKind.DATASET, "flour", "version 1", {"version": 1}, AFTER)
    assert listening() == {dataset: [RuleKind.DATASET], both: [RuleKind.DATASET]}
    post(store)
    assert listening() == {
        payload: [RuleKind.PAYLOAD],
        dataset: [RuleKind.DATASET],
        both: [RuleKind.DATASET, RuleKind.PAYLOAD],
    }


def test_a_trigger_that_is_paused_or_deleted_does_not_listen(store: Store, listen: Listen) -> None:
    paused, deleted = listen(Rule(kind=RuleKind.PAYLOAD), name="p"), listen(Rule(kind=RuleKind.PAYLOAD), name="d")
    post(store)
    assert [each.id for each in store.occurrences.listeners(open_ones(store))] == [paused, deleted]
    seen = store.triggers.get(paused)
    store.triggers.change(seen, seen.definition, Standing(None, None), LATER, active=False)
    store.triggers.delete(deleted, LATER)
    assert store.occurrences.listeners(open_ones(store)) == []


@pytest.mark.parametrize("column", ["rules.pattern", "triggers.variables"])
def test_one_that_cannot_be_decoded_says_so_and_hides_no_other(
    store: Store, database: Database, listen: Listen, column: str
) -> None:
    broken, sound = listen(Rule(kind=RuleKind.PAYLOAD), name="b"), listen(Rule(kind=RuleKind.PAYLOAD), name="s")
    post(store)
    table, name = column.split(".")
    key = "trigger_id" if table == "rules" else "id"
    with database.write() as connection:
        connection.execute(sa.text(f"UPDATE {table} SET {name} = '[' WHERE {key} = {broken}"))
    first, other = store.occurrences.listeners(open_ones(store))
    assert (first.id, first.trigger, first.rules) == (broken, None, {})
    assert first.fault and f"its {name}" in first.fault
    assert first.concerned(open_ones(store)[0])
    assert other.id == sound and other.trigger and other.fault is None


def test_a_listener_is_concerned_by_what_its_rules_are_about(store: Store, listen: Listen) -> None:
    listen(on("daily"), Rule(kind=RuleKind.FILE, subject="in/*"))
    uid = store.occurrences.add(RuleKind.PIPELINE, "demo/daily", "1", {}, AFTER)
    post(store)
    store.occurrences.add(RuleKind.PIPELINE, "demo/yearly", "1", {}, AFTER)
    store.occurrences.add(RuleKind.FILE, "in/*", "1", {}, AFTER)
    (listener,) = store.occurrences.listeners(open_ones(store))
    assert [each.uid for each in open_ones(store) if listener.concerned(each)] == [uid]


# The end of a run


def test_the_end_of_a_run_is_an_occurrence_where_somebody_listens(store: Store, begin: Begin, listen: Listen) -> None:
    listen(on("daily"))
    run, _ = begin()
    end(store, run)
    (found,) = open_ones(store)
    assert (found.kind, found.subject, found.at) == (RuleKind.PIPELINE, "demo/daily", LATER)
    assert found.payload == {
        "project": "demo",
        "pipeline": "daily",
        "run_id": run.id,
        "run_uid": run.uid,
        "status": "completed",
        "reason": "blocks_completed",
        "execution_date": run.execution_date.isoformat().replace("+00:00", "Z"),
        "ended_at": LATER.isoformat().replace("+00:00", "Z"),
    }


@pytest.mark.parametrize(
    "rules",
    [
        (),
        (on("weekly-not"),),
        (on("other/daily"),),
        (on("daily", "failed", "cancelled"),),
        (Rule(kind=RuleKind.DATASET, subject="demo/daily"),),
        (Rule(kind=RuleKind.PAYLOAD),),
    ],
)
def test_the_end_of_a_run_is_nothing_where_nobody_listens(
    store: Store, begin: Begin, listen: Listen, rules: tuple[Rule, ...]
) -> None:
    listen(*rules)
    run, _ = begin()
    end(store, run)
    assert open_ones(store) == []


def test_the_end_of_a_run_is_nothing_to_a_trigger_that_is_paused(store: Store, begin: Begin, listen: Listen) -> None:
    seen = store.triggers.get(listen(on("daily")))
    store.triggers.change(seen, seen.definition, Standing(None, None), LATER, active=False)
    run, _ = begin()
    end(store, run)
    assert open_ones(store) == []


def test_each_end_of_a_run_that_is_reopened_is_another_occurrence(store: Store, begin: Begin, listen: Listen) -> None:
    listen(on("daily", "completed", "failed"))
    run, _ = begin()
    end(store, run, RunStatus.FAILED)
    assert store.runs.request_retry(run.id, Reopening((), (), run.version_id, run.snapshot_id, "asked"))
    assert store.runs.reopen("engine-1", LATER, own=False) == [run.id]
    assert store.runs.claim_one(run.id, "engine-1", store.runs.get(run.id).epoch, LATER)
    end(store, run, at=LATER + timedelta(seconds=1))
    assert [each.payload["status"] for each in open_ones(store)] == ["failed", "completed"]


def test_a_turn_that_comes_to_nothing_leaves_no_occurrence(store: Store, begin: Begin, listen: Listen) -> None:
    listen(on("daily"))
    run, _ = begin()
    moved = RunMoved(run, transitions.end_run(RunStatus.COMPLETED, LATER, reason="x"))
    with pytest.raises(errors.MoveRefused):
        store.runs.write({run.id: run.epoch + 1}, [moved])
    assert open_ones(store) == []


def test_many_ends_of_one_turn_are_an_occurrence_each(store: Store, begin: Begin, listen: Listen) -> None:
    listen(on("daily"))
    begun = [begin()[0] for _ in range(3)]
    moves = [RunMoved(run, transitions.end_run(RunStatus.COMPLETED, LATER, reason="x")) for run in begun]
    store.runs.write({run.id: run.epoch for run in begun}, moves)
    assert [each.payload["run_id"] for each in open_ones(store)] == [run.id for run in begun]


def test_a_run_that_is_closed_unread_has_ended_too(
    store: Store, database: Database, begin: Begin, listen: Listen
) -> None:
    listen(on("daily", "failed"))
    run, _ = begin()
    with database.write() as connection:
        connection.execute(sa.text("UPDATE runs SET variables = '['"))
    assert store.runs.close(run.id, None, RunStatus.FAILED, "let go", LATER)
    (found,) = open_ones(store)
    assert (found.payload["run_id"], found.payload["status"], found.payload["reason"]) == (run.id, "failed", "let go")


@pytest.fixture
def rung(place: tuple[Path, str | None]) -> "Iterator[queue.SimpleQueue[About]]":
    """What an engine hears about triggers that opened the same database for itself; it listens already."""
    heard: queue.SimpleQueue[About] = queue.SimpleQueue()

    def wake(about: About) -> None:
        if about is About.TRIGGERS:
            heard.put(about)

    with closing(stores.open(*place)) as other, closing(other.listen("listener", wake)):
        if place[1] is not None:
            heard.get(timeout=PATIENCE)  # what rang before it listened is looked for
        yield heard


def test_what_is_posted_rings(store: Store, rung: "queue.SimpleQueue[About]") -> None:
    post(store)
    rung.get(timeout=PATIENCE)


@pytest.mark.parametrize("how", ["turn", "close"])
def test_an_end_that_somebody_listens_for_rings(
    store: Store, begin: Begin, listen: Listen, rung: "queue.SimpleQueue[About]", how: str
) -> None:
    listen(on("daily"))
    rung.get(timeout=PATIENCE)
    run, _ = begin()
    if how == "turn":
        end(store, run)
    else:
        store.runs.close(run.id, None, RunStatus.COMPLETED, "closed", LATER)
    rung.get(timeout=PATIENCE)


def test_an_end_that_nobody_listens_for_does_not_ring(
    store: Store, begin: Begin, rung: "queue.SimpleQueue[About]"
) -> None:
    run, _ = begin()
    end(store, run)
    post(store)
    rung.get(timeout=PATIENCE)
    assert rung.empty(), "rings come in order, so there was one alone"
