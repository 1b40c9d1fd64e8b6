"""What has become old goes with all that the tables have of it; what something needs stays, whoever comes to need it when."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.archive import Archive, Old
from tests.store.conftest import AT, PIPELINE, together

from headrace.model.retention import Ended
from headrace.model.run import Reopening
from headrace.store import Store, tables
from headrace.store.database import Database
from headrace.store.projects import Pinned
from headrace.store.sqlite import SQLite

DAY = timedelta(days=1)


@pytest.fixture
def archive(database: Database, place: tuple[Path, str | None]) -> Archive:
    return Archive(database, place[0], AT)


@pytest.fixture
def ended(store: Store) -> Callable[..., list[Ended]]:
    """The runs that have ended as they are seen now, those of the given ones."""

    def seen(*those: Old) -> list[Ended]:
        found = store.retention.ended(AT + DAY, 1000).runs
        return [run for run in found if run.id in {each.id for each in those}]

    return seen


# Found


def test_runs_are_found_in_the_order_of_their_ends_page_by_page(store: Store, archive: Archive, pinned: Pinned) -> None:
    made = [archive.add(pinned, days).id for days in (5, 9, 7, 7, 1)]
    archive.add(pinned, 0, "running")
    archive.add(pinned, 0, "initial")
    found, after = list[int](), None
    while page := store.retention.ended(AT - 2 * DAY, 2, after):
        found += [run.id for run in page.runs]
        if (after := page.after) is None:
            break
    assert found == [made[1], made[2], made[3], made[0]]


def test_a_run_whose_end_cannot_be_read_has_its_place_and_hinders_none(
    store: Store, database: Database, archive: Archive, pinned: Pinned
) -> None:
    if not isinstance(database, SQLite):
        pytest.skip("PostgreSQL keeps only moments")
    first, second = archive.add(pinned, 3), archive.add(pinned, 2)
    with database.write() as connection:
        connection.execute(sa.text(f"UPDATE runs SET ended_at = '1999-99' WHERE id = {first.id}"))
    page = store.retention.ended(AT, 1)
    assert [(run.id, run.ended_at) for run in page.runs] == [(first.id, None)]
    assert [run.id for run in store.retention.ended(AT, 9, page.after).runs] == [second.id]
    assert store.retention.remove(page.runs).runs == []


def test_the_edge_is_the_newest_so_many_of_those_that_failed_or_of_the_others(
    store: Store, archive: Archive, pinned: Pinned
) -> None:
    statuses = ["failed", "completed", "cancelled", "failed", "completed", "initial"]
    ids = [archive.add(pinned, 1, status).id for status in statuses]
    edges = [store.retention.edge(pinned.pipeline_id, newest, failed=False) for newest in (0, 1, 2, 4, 5)]
    assert edges == [ids[5], ids[5], ids[4], ids[1], 0]
    edges = [store.retention.edge(pinned.pipeline_id, newest, failed=True) for newest in (0, 1, 2, 3)]
    assert edges == [ids[3], ids[3], ids[0], 0]


def test_what_is_needed_is_found(store: Store, archive: Archive, pinned: Pinned, trigger: Callable[..., int]) -> None:
    called = trigger(pinned, "called")
    first = archive.add(pinned, 9, blocks={"a": "completed", "b": "completed"}, trigger_id=called)
    second = archive.add(pinned, 8, "failed", {"a": "completed", "b": "failed"})
    third = archive.add(pinned, 7, blocks={"a": second.blocks["a"], "b": "failed"})
    kept, pipeline = store.retention, pinned.pipeline_id
    assert kept.newest_completed(pipeline) == third.id
    assert [kept.newest_with(pipeline, block) for block in "abc"] == [second.id, first.id, None]
    assert (kept.newest_of(called), kept.newest_of(called + 1)) == (first.id, None)
    assert kept.blocks([first.id, third.id]) == {"a", "b"}
    assert kept.blocks([third.id]) == set(), "what a run reuses is another's"


# Removed


def test_a_run_goes_with_all_its_rows_and_leaves_word_of_its_files(
    store: Store, archive: Archive, pinned: Pinned, ended: Callable[..., list[Ended]]
) -> None:
    kept = archive.add(pinned, 8, blocks={"a": "completed"}, key="one")
    before = archive.counts()
    gone = archive.add(pinned, 9, blocks={"a": "completed", "b": "failed"}, key="two")
    added = {table: count - before[table] for table, count in archive.counts().items()}
    would = store.retention.remove(ended(gone), dry=True)
    removed = store.retention.remove(ended(gone))
    assert would == removed
    assert archive.ids() == {kept.id}
    after = archive.counts()
    assert after.pop("tallies") >= before.pop("tallies")
    assert after.pop("remains") == before.pop("remains") + 2
    assert after == before
    assert {table: count for table, count in removed.rows.items() if count} == {
        table: count for table, count in added.items() if count and table != "tallies"
    }
    left = store.retention.remains(0, 9)
    assert {each.path for each in left} == {f"outputs/{gone.uid}", f"logs/{gone.uid}"}
    store.retention.settle([each.id for each in left])
    assert store.retention.remains(0, 9) == []


def test_the_number_of_a_run_that_has_gone_is_not_given_again(
    store: Store, archive: Archive, pinned: Pinned, ended: Callable[..., list[Ended]]
) -> None:
    gone = archive.add(pinned, 9)
    store.retention.remove(ended(gone))
    assert archive.add(pinned, 9).id > gone.id


def asks_to_reopen(archive: Archive, run: Old) -> None:
    archive.put(tables.runs, run.id, retry_request=Reopening((), (), 1, 1, "x"))


def goes_on(archive: Archive, run: Old) -> None:
    archive.put(tables.runs, run.id, status="initial", ended_at=None)


def ended_again(archive: Archive, run: Old) -> None:
    archive.put(tables.runs, run.id, ended_at=AT)


def failed_instead(archive: Archive, run: Old) -> None:
    archive.put(tables.runs, run.id, status="failed")


@pytest.mark.parametrize("meanwhile", [asks_to_reopen, goes_on, ended_again, failed_instead])
def test_a_run_that_is_not_as_it_was_seen_stays(
    store: Store,
    archive: Archive,
    pinned: Pinned,
    ended: Callable[..., list[Ended]],
    meanwhile: Callable[[Archive, Old], None],
) -> None:
    run, other = archive.add(pinned, 9, blocks={"a": "completed"}), archive.add(pinned, 9)
    seen = ended(run, other)
    meanwhile(archive, run)
    assert [each.id for each in store.retention.remove(seen).runs] == [other.id]
    assert archive.ids() == {run.id}


def test_a_run_whose_outputs_another_uses_goes_after_it(
    store: Store, archive: Archive, pinned: Pinned, ended: Callable[..., list[Ended]]
) -> None:
    source = archive.add(pinned, 9, blocks={"a": "completed"})
    user = archive.add(pinned, 8, blocks={"a": source.blocks["a"], "b": "completed"})
    assert [run.id for run in store.retention.remove(ended(source, user)).runs] == [user.id]
    assert [run.id for run in store.retention.remove(ended(source)).runs] == [source.id]


@pytest.mark.parametrize("status", ["running", "paused", "completed", "failed", "cancelled"])
def test_a_run_of_a_backfill_stays_while_that_goes_on(
    store: Store,
    archive: Archive,
    pinned: Pinned,
    ended: Callable[..., list[Ended]],
    trigger: Callable[..., int],
    status: str,
) -> None:
    final = status in ("completed", "failed", "cancelled")
    row: dict[str, Any] = {
        "uid": "b",
        "pipeline_id": pinned.pipeline_id,
        "trigger_id": trigger(pinned, "x"),
        "name": "b",
    }
    row |= {
        "start_time": AT,
        "end_time": AT,
        "interval_type": "day",
        "interval_units": 1,
        "which": "all",
        "variables": {},
    }
    row |= {"settings": {}, "status": status, "reason": "x", "ended_at": AT if final else None, "dates": [], "total": 1}
    row |= {"made": 1, "created_at": AT, "updated_at": AT}
    with archive.database.write() as connection:
        found = connection.execute(
            sa.insert(tables.backfills).values(row).returning(tables.backfills.c.id)
        ).scalar_one()
    run = archive.add(pinned, 9, backfill_id=found)
    assert bool(store.retention.remove(ended(run)).runs) == final


def test_two_who_clean_at_once_do_it_once(
    store: Store, archive: Archive, pinned: Pinned, ended: Callable[..., list[Ended]]
) -> None:
    made = [archive.add(pinned, 9, blocks={"a": "completed"}) for _ in range(20)]
    seen = ended(*made)
    removed = together(*[lambda: store.retention.remove(seen)] * 3)
    assert sorted(run.id for each in removed for run in each.runs) == [run.id for run in made]
    assert archive.ids() == set()


# Cleared


def test_outputs_go_and_say_so(
    store: Store, archive: Archive, pinned: Pinned, ended: Callable[..., list[Ended]]
) -> None:
    run = archive.add(pinned, 9, blocks={"a": "completed", "b": "failed"})
    would = store.retention.clear_outputs(ended(run), AT, dry=True)
    cleared = store.retention.clear_outputs(ended(run), AT)
    assert would == cleared
    assert cleared.rows == {"outputs": 1}
    assert [each.path for each in store.retention.remains(0, 9)] == [f"outputs/{run.uid}/{run.tries['a']}"]
    (attempt,) = store.runs.completed_attempts([run.blocks["a"]]).values()
    (output,) = attempt.outputs
    assert (output.codec, output.extra, output.bytes) == ("cleaned", {"cleaned_at": AT.isoformat()}, 2)
    (seen,) = ended(run)
    assert (seen.has_outputs, seen.has_logs) == (False, True)
    assert store.retention.clear_outputs([seen], AT).rows == {"outputs": 0}
    archive.put(tables.runs, run.id, ended_at=AT + DAY / 2)
    assert ended(run)[0].has_outputs, "after another end there may be more"


def test_outputs_that_another_run_uses_stay(
    store: Store, archive: Archive, pinned: Pinned, ended: Callable[..., list[Ended]]
) -> None:
    source = archive.add(pinned, 9, blocks={"a": "completed"})
    archive.add(pinned, 8, blocks={"a": source.blocks["a"]})
    assert store.retention.clear_outputs(ended(source), AT).runs == []
    assert ended(source)[0].has_outputs


def test_logs_go_whoever_needs_the_outputs(
    store: Store, archive: Archive, pinned: Pinned, ended: Callable[..., list[Ended]]
) -> None:
    source = archive.add(pinned, 9, blocks={"a": "completed", "b": "failed"})
    archive.add(pinned, 8, blocks={"a": source.blocks["a"]})
    seen = ended(source)
    assert store.retention.clear_logs(seen, AT).runs == seen
    paths = {each.path for each in store.retention.remains(0, 9)}
    assert paths == {f"logs/{source.uid}/{attempt}.jsonl" for attempt in source.tries.values()}
    assert not ended(source)[0].has_logs
    archive.put(tables.runs, source.id, status="initial", ended_at=None)
    assert store.retention.clear_logs(seen, AT).runs == [], "it goes on, and writes more"


def test_attempts_are_named_whose_outputs_are_there(
    store: Store, archive: Archive, pinned: Pinned, ended: Callable[..., list[Ended]]
) -> None:
    run = archive.add(pinned, 9, blocks={"a": "completed", "b": "failed"})
    cleared, going = (
        archive.add(pinned, 9, blocks={"a": "completed"}),
        archive.add(pinned, 0, "running", {"a": "completed"}),
    )
    store.retention.clear_outputs(ended(cleared), AT)
    found = store.retention.named([run.uid, cleared.uid, going.uid, "stranger"])
    assert found == {run.uid: {run.tries["a"]}, cleared.uid: set()}


# Code


def test_code_goes_that_no_run_has_and_nobody_has_pinned_lately(store: Store, pinned: Pinned, archive: Archive) -> None:
    def pin(name: str, days: float) -> Pinned:
        return store.projects.pin(pinned.project.path, "demo", PIPELINE, f"v-{name}", f"s-{name}", 3, AT - days * DAY)

    run, idle, fresh, latest = pin("run", 9), pin("idle", 9), pin("fresh", 7), pin("latest", 1)
    archive.add(run, 100)
    for each in (idle, run):
        store.lineages.keep(each.version_id, {"of": each.version_id})
    before = AT - 8 * DAY
    assert store.retention.drop_snapshots(before, 9, dry=True) == ["s-idle"]
    assert store.retention.drop_snapshots(before, 9) == ["s-idle"]
    assert store.retention.drop_versions(before, 9, dry=True) == 1
    assert store.retention.drop_versions(before, 9) == 1
    kept = {each.snapshot_id for each in (pinned, run, fresh, latest)}
    assert archive.ids(tables.snapshots) == kept
    assert archive.ids(tables.versions) == {each.version_id for each in (pinned, run, fresh, latest)}
    assert store.lineages.find(idle.version_id) is None
    assert store.lineages.find(run.version_id) == {"of": run.version_id}
    assert [each.path for each in store.retention.remains(0, 9)] == ["versions/s-idle"]
    assert store.retention.laid_out(["s-idle", "s-run"]) == {"s-run"}
    again = pin("idle", 0)
    assert again.snapshot_id != idle.snapshot_id


def test_code_that_was_used_last_stays_and_pinning_marks_it(store: Store, pinned: Pinned, archive: Archive) -> None:
    later = store.projects.pin(pinned.project.path, "demo", PIPELINE, "v2", "s2", 3, AT + DAY)
    again = store.projects.pin(pinned.project.path, "demo", PIPELINE, "version-1", "snapshot-1", 3, AT + 2 * DAY)
    assert again == replace(pinned, project=again.project)
    assert store.retention.drop_snapshots(AT + 9 * DAY, 9) == [], (
        "the one has been used last, the other is the last row"
    )
    third = store.projects.pin(pinned.project.path, "demo", PIPELINE, "v3", "s3", 3, AT + 3 * DAY)
    assert store.retention.drop_snapshots(AT + 9 * DAY, 1) == ["snapshot-1"], "no more than so many at once"
    assert archive.ids(tables.snapshots) == {later.snapshot_id, third.snapshot_id}


def test_no_code_goes_while_a_run_waits_to_be_reopened(store: Store, pinned: Pinned, archive: Archive) -> None:
    for day in (1, 2):
        store.projects.pin(pinned.project.path, "demo", PIPELINE, f"v{day}", f"s{day}", 3, AT + day * DAY)
    run = archive.add(pinned, 1, "failed")
    asked = {"retry_request": Reopening((), (), 2, 2, "x")}
    archive.put(tables.runs, run.id, **asked)
    assert store.retention.drop_snapshots(AT + 9 * DAY, 9) == []
    assert store.retention.drop_versions(AT + 9 * DAY, 9) == 0
    archive.put(tables.runs, run.id, retry_request=None)
    assert store.retention.drop_snapshots(AT + 9 * DAY, 9) == ["s1"]


def test_who_pins_while_code_goes_has_it(store: Store, pinned: Pinned, archive: Archive) -> None:
    """Whichever comes first, the row that he was given is there."""
    for turn in range(8):
        at = AT + turn * 20 * DAY
        store.projects.pin(pinned.project.path, "demo", PIPELINE, f"v{turn}", f"s{turn}", 3, at)
        store.projects.pin(pinned.project.path, "demo", PIPELINE, f"w{turn}", f"t{turn}", 3, at + DAY)
        pin = lambda turn=turn, at=at: store.projects.pin(  # noqa: E731
            pinned.project.path, "demo", PIPELINE, f"v{turn}", f"s{turn}", 3, at + 9 * DAY
        )
        found, _ = together(pin, lambda at=at: store.retention.drop_snapshots(at + 8 * DAY, 99))
        assert isinstance(found, Pinned)
        assert found.snapshot_id in archive.ids(tables.snapshots)
        archive.add(found, 0)


# Others


def test_occurrences_go_that_were_handled_but_for_files_of_a_rule_that_is_there(
    store: Store, archive: Archive, pinned: Pinned, trigger: Callable[..., int]
) -> None:
    rule = {
        "trigger_id": trigger(pinned, "x"),
        "place": 0,
        "kind": "file",
        "subject": "/x",
        "pattern": {},
        "statuses": [],
    }
    with archive.database.write() as connection:
        made = sa.insert(tables.rules).values({**rule, "every": 1.0, "settle": 1.0}).returning(tables.rules.c.id)
        rule_id = connection.execute(made).scalar_one()

    def add(mark: str, days: float | None, kind: str = "payload", **more: Any) -> str:
        handled = {} if days is None else {"handled_at": AT - days * DAY, "runs": 1}
        row = {"uid": mark, "kind": kind, "subject": "x", "mark": mark, "payload": {}, "at": AT - 99 * DAY}
        with archive.database.write() as connection:
            connection.execute(sa.insert(tables.occurrences).values({**row, **handled, **more}))
        return mark

    kept = {add("open", None), add("young", 1), add("file", 40, "file", rule_id=rule_id)}
    for mark, kind in (("payload", "payload"), ("ended", "pipeline"), ("orphan", "file")):
        add(mark, 40, kind)
    assert store.retention.drop_occurrences(AT - 30 * DAY, 9, dry=True) == 3
    assert store.retention.drop_occurrences(AT - 30 * DAY, 2) == 2
    assert store.retention.drop_occurrences(AT - 30 * DAY, 9) == 1
    assert {each.uid for each in store.occurrences.latest(9)} == kept


def test_gaps_go_but_for_the_latest_of_a_trigger(
    store: Store, archive: Archive, pinned: Pinned, trigger: Callable[..., int]
) -> None:
    one, two = trigger(pinned, "one"), trigger(pinned, "two")
    with archive.database.write() as connection:
        for of, days in ((one, 99), (two, 99), (one, 98), (one, 1)):
            row = {
                "trigger_id": of,
                "reason": "paused",
                "first": AT,
                "last": AT,
                "count": 1,
                "noticed_at": AT - days * DAY,
            }
            connection.execute(sa.insert(tables.gaps).values(row))
    assert store.retention.drop_gaps(AT - 90 * DAY, 9, dry=True) == 2
    assert store.retention.drop_gaps(AT - 90 * DAY, 9) == 2
    assert [len(store.triggers.gaps(each, limit=9)) for each in (one, two)] == [1, 1]


def test_tokens_go_that_have_let_nobody_in_for_long(store: Store, archive: Archive) -> None:
    given = [
        (None, None),
        (AT + DAY, None),
        (AT - DAY, None),
        (None, AT - DAY),
        (AT - 31 * DAY, None),
        (AT + DAY, AT - 31 * DAY),
        (None, AT - 31 * DAY),  # which may be given again by whoever starts the server, and is still revoked then
    ]
    with archive.database.write() as connection:
        for number, (expires, revoked) in enumerate(given):
            row = {"uid": str(number), "name": "x", "role": "viewer", "hash": str(number), "created_at": AT}
            connection.execute(sa.insert(tables.tokens).values({**row, "expires_at": expires, "revoked_at": revoked}))
    assert store.retention.drop_tokens(AT - 30 * DAY, 9, dry=True) == 2
    assert store.retention.drop_tokens(AT - 30 * DAY, 9) == 2
    assert archive.counts()["tokens"] == 5
    revoked = store.tokens.of("6")
    assert revoked and revoked.revoked_at
