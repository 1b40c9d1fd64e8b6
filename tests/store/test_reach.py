"""Whoever has roles for some tags alone asks a store that is as if the other pipelines had never been."""

import inspect
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
import sqlalchemy as sa
from tests.newest import newest
from tests.store.conftest import AT, TOKEN

from headrace import errors
from headrace import store as stores
from headrace.model.access import Grant, Role
from headrace.model.audit import Deed, Outcome
from headrace.model.dataset import WriteMode
from headrace.model.limits import Limits
from headrace.model.occurrence import Occurrence
from headrace.model.pipeline import Block, BlockType, Pipeline
from headrace.model.query import Query
from headrace.model.reach import Reach
from headrace.model.retention import Ended
from headrace.model.rule import Rule, RuleKind
from headrace.model.run import Reopening, RunStatus
from headrace.model.sorting import BlockSorting, Sorting
from headrace.model.trigger import Backfill, Definition, Trigger, TriggerSettings, TriggerType, Which
from headrace.store import Store, bookmarks, reach
from headrace.store.audit import Asked
from headrace.store.backfills import NewBackfill
from headrace.store.bookmarks import Bookmark
from headrace.store.creating import Key, NewRun
from headrace.store.reach import SEEN
from headrace.store.script import Script
from headrace.store.tables import attempts, gaps, metadata, outputs, remains, runs
from headrace.store.triggers import Standing, Wanted
from headrace.store.users import NewUser
from headrace.store.written import Written

Place = tuple[Path, str | None]
FOLDER = Path("/projects/demo")
UID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")


def pipeline(name: str, *tags: str) -> Pipeline:
    limits = Limits(pipeline_runs=3)
    return Pipeline(name, blocks=(Block(f"{name}_block", BlockType.CUSTOM),), tags=tags, limits=limits)


def bookmark(pipeline_id: int, block: str) -> Bookmark:
    return Bookmark(pipeline_id=pipeline_id, block=block, value={"of": block}, attempt=None, updated_at=AT)


def written(name: str, version: int) -> Written:
    return Written(
        dataset=name, version=version, operation=WriteMode.APPEND, rows=1, bytes=1, schema=(), profile={}, at=AT
    )


def fill(store: Store, name: str, *tags: str) -> dict[str, Any]:
    """A pipeline of that name and one of everything that a pipeline may have; what is needed to ask for it."""
    pins = store.projects.pin(FOLDER, "demo", pipeline(name, *tags), f"version-{name}", "snapshot", 3, AT)
    rules = (Rule(kind=RuleKind.PAYLOAD), Rule(kind=RuleKind.FILE, subject=f"/{name}/*.csv"))
    definition = Definition(name=f"{name} trigger", type=TriggerType.EVENT, rules=rules)
    trigger = store.triggers.create(pins.pipeline_id, definition, TOKEN, Standing(None, AT), AT, active=True)
    backfill = store.backfills.create(
        NewBackfill(
            pipeline_id=pins.pipeline_id,
            name=f"{name} backfill",
            start_time=AT,
            end_time=AT + timedelta(days=2),
            interval_type="day",
            interval_units=1,
            which=Which.ALL,
            variables={},
            settings=TriggerSettings(),
        ),
        AT,
    )
    new = NewRun(
        pipeline_id=pins.pipeline_id,
        version_id=pins.version_id,
        snapshot_id=pins.snapshot_id,
        blocks={f"{name}_block": None},
        variables={"of": name},
        selection={},
        execution_date=AT,
        reason=f"for {name}",
        trigger_id=trigger.id,
        backfill_id=backfill.id,
        sla_at=AT,
        key=Key(name, "request"),
    )
    run = store.runs.create(new, AT).run
    (block_run,) = store.runs.block_runs(run.id)
    store.trigger_files.note(pins.project.id, name, f"mark of {name}", [f"fault of {name}"], AT)
    store.lineages.keep(pins.version_id, {"of": name})
    _leave(store, name, pins.pipeline_id, block_run.id, trigger.id)
    return {
        "pins": pins,
        "trigger": trigger,
        "backfill": backfill,
        "run": store.runs.get(run.id),
        "block_run": block_run,
        "name": name,
        "uid": store.pipelines.get(pins.pipeline_id).uid,
        "version": store.pipelines.versions_of([pins.version_id])[pins.version_id],
    }


def _leave(store: Store, name: str, pipeline: int, block_run: int, trigger: int) -> None:
    attempt = {"uid": f"attempt-{name}", "block_run_id": block_run, "number": 1, "epoch": 1, "status": "completed"}
    attempt |= {"reason": name, "started_at": AT, "ended_at": AT, "single": True, "log_lines": 0}
    output = {"place": 0, "name": name, "kind": "int", "codec": "json", "path": f"outputs/{name}", "bytes": 1}
    gap = {"trigger_id": trigger, "reason": name, "first": AT, "last": AT, "count": 1, "noticed_at": AT}
    with store._database.write() as connection:  # pyright: ignore[reportPrivateUsage]
        with Script(connection) as script:
            bookmarks.move(script, [bookmark(pipeline, f"{name}_block")])
        made = connection.execute(sa.insert(attempts).values(attempt).returning(attempts.c.id)).scalar_one()
        connection.execute(sa.insert(outputs).values(output | {"attempt_id": made, "extra": {}}))
        connection.execute(sa.insert(gaps).values(gap))


class Both:
    """One store with what is seen and what is not, and one that never had anything but what is seen."""

    def __init__(self, whole: Store, bare: Store) -> None:
        self.whole, self.bare = whole, bare
        self.seen = fill(whole, "seen", "finance")
        fill(bare, "seen", "finance")
        for each in (whole, bare):
            each.engines.register("engine-1", home="home", machine="machine", pid=1, lease=None, at=AT)
        self.hidden = fill(whole, "hidden", "sales")
        user = whole.users.create(NewUser(username="ada", grants=[Grant(Role.VIEWER, "finance")]), AT)
        whole.tokens.create("hidden", Role.OWNER, "hidden", AT)
        whole.secrets.set(None, "hidden", "sealed", AT)
        whole.occurrences.add(RuleKind.PAYLOAD, "", "hidden", {"of": "hidden"}, AT)
        whole.tags.create("sales", None, AT)
        with whole._database.write() as connection:  # pyright: ignore[reportPrivateUsage]
            connection.execute(sa.insert(remains).values(path="outputs/hidden"))
        whole.datasets.ensure("hidden", "datasets/hidden", AT)
        whole.datasets.written(written("hidden", 1))
        whole.writes.begin(1, "hidden", "hidden", WriteMode.APPEND, (), AT)
        whole.datasets.pin(self.seen["run"].id, ["hidden"])
        whole.audit.add([Deed(at=AT, who="hidden", deed="x.y", noun="x", outcome=Outcome.OK, via="v1")])
        self.reach = Reach(user.id, False, Role.EDITOR, frozenset(user.grants))
        self.restricted = whole.within(self.reach)
        everything = Reach(user.id, True, Role.EDITOR, frozenset(user.grants))
        self.reading = bare.within(everything)  # where nothing can be changed either


@pytest.fixture
def both(store: Store, empty_place: Place) -> Iterator[Both]:
    with closing(stores.open(*empty_place)) as bare:
        yield Both(store, bare)


def arguments(of: dict[str, Any], user: int) -> dict[Any, Any]:
    """What methods are given, by the names of their parameters, to ask for what is `of` a pipeline."""
    run, trigger, backfill, pins = of["run"], of["trigger"], of["backfill"], of["pins"]
    ended = Ended(run.id, run.uid, run.pipeline_id, trigger.id, RunStatus.COMPLETED, AT)
    occurrence = Occurrence(
        id=1, uid="uid", kind=RuleKind.PAYLOAD, subject="", payload={}, rule_id=None, at=AT, handled_at=None, runs=None
    )
    new = NewRun(
        pipeline_id=pins.pipeline_id,
        version_id=pins.version_id,
        snapshot_id=pins.snapshot_id,
        blocks={},
        variables={},
        selection={},
        execution_date=AT,
        reason="more",
    )
    return {
        "active": False,
        "after": 0,
        "asked": Asked(),
        "at": AT,
        "backfill": backfill,
        "backfill_id": backfill.id,
        "before": AT + timedelta(days=1),
        "begins": "",
        "block": f"{of['name']}_block",
        "block_run_id": of["block_run"].id,
        "block_run_ids": [of["block_run"].id],
        "changes": [],
        "dates": [AT],
        "deeds": [Deed(at=AT, who="x", deed="x.y", noun="x", outcome=Outcome.OK, via="v1")],
        "definition": Definition(name="new", type=TriggerType.API),
        "description": None,
        "digest": "hidden",
        "end": AT + timedelta(days=9),
        "epoch": run.epoch,
        "epochs": {run.id: run.epoch},
        "event_id": 0,
        "failed": False,
        "fault": "x",
        "faults": [],
        "files": 3,
        "folder": FOLDER,
        "grace": 0.0,
        "hash": f"version-{of['name']}",
        "hashes": ["snapshot"],
        "home": "home",
        "ids": [run.id, trigger.id, pins.pipeline_id, pins.project.id],
        "kind": RuleKind.PAYLOAD,
        "lease": 1.0,
        "limit": 100,
        "look_at": AT,
        "machine": "machine",
        "mark": "mark",
        "name": "demo",
        "new": new,
        "newest": 1,
        "news": [],
        "now": "x",
        "occurrence_id": 1,
        "own": False,
        "owner": "engine-1",
        "password": "x",
        "path": FOLDER,
        "payload": {},
        "pid": 1,
        "pipeline": of["name"],
        "pipeline_id": pins.pipeline_id,
        "pipeline_ids": [pins.pipeline_id],
        "project_id": pins.project.id,
        "query": Query(),
        "reason": "x",
        "records": [],
        "reopening": Reopening((), (), 1, 1, "x"),
        "role": Role.OWNER,
        "room": 9,
        "run": run.id,
        "run_id": run.id,
        "run_ids": [run.id],
        "runs": {},
        "sealed": "x",
        "secret_id": 1,
        "seen": trigger,
        "since": 0,
        "snapshot": "snapshot",
        "snapshot_id": pins.snapshot_id,
        "sorting": Sorting(query=Query()),
        "offset": 0,
        "standing": Standing(None, None),
        "start": AT - timedelta(days=9),
        "status": RunStatus.CANCELLED,
        "subject": "subject",
        "tags": [],
        "those": [ended],
        "token": TOKEN,
        "token_id": 1,
        "trigger": trigger.id,
        "trigger_id": trigger.id,
        "trigger_ids": [trigger.id],
        "uids": [run.uid, f"attempt-{of['name']}"],
        "until": AT + timedelta(days=1),
        "user_id": user,
        "values": {},
        "version": f"version-{of['name']}",
        "version_id": pins.version_id,
        "was": "x",
        "why": "x",
        ("occurrences", "those"): [occurrence],
        ("watches", "those"): [],
        ("watches", "watch"): None,
        ("watches", "seen"): {},
        ("backfills", "given"): {"name": "other"},
        ("backfills", "seen"): backfill,
        ("triggers", "wanted"): Wanted(project_id=pins.project.id),
        ("runs", "wanted"): BlockSorting(),
        ("backfills", "new"): NewBackfill(
            pipeline_id=pins.pipeline_id,
            name="more",
            start_time=AT,
            end_time=AT,
            interval_type="day",
            interval_units=1,
            which=Which.ALL,
            variables={},
            settings=TriggerSettings(),
        ),
        ("projects", "pipeline"): of["name"],
        ("projects.pin", "pipeline"): pipeline(of["name"], *(("sales",) if of["name"] == "hidden" else ("finance",))),
        ("tokens", "name"): "more",
        ("users", "name"): "ada",
        ("users", "new"): NewUser(username="eve"),
        ("happenings", "spans"): [range(1, 5)],
        "attempt": f"attempt-{of['name']}",
        "version_ids": [pins.version_id],
        ("runs", "key"): Key(of["name"], "request"),
        ("pipelines", "uid"): of["uid"] if of["name"] == "hidden" else "a uid",  # another in each store
        ("pipelines", "project"): "demo",
        ("pipelines.pin", "of"): pins.project,
        ("pipelines.pin", "version"): of["version"],
        "content": {"of": "more"},
        "dataset_id": 1,
        "location": "datasets/hidden",
        "names": ["hidden"],
        "write_id": 1,
        ("writes", "key"): "hidden",
        ("writes", "operation"): WriteMode.APPEND,
        ("writes", "keys"): (),
        ("datasets", "name"): "hidden",
        ("datasets", "uid"): "a uid",
        ("datasets", "those"): [],
        ("datasets", "version"): 1,
        ("datasets", "lost"): "datasets/hidden",
        ("datasets.written", "version"): written("hidden", 2),
        ("retention", "ids"): [1],
    }


ELSEWHERE = {"auditor"}  # which notes deeds, for whoever did them


def methods(store: Store) -> dict[str, Callable[..., Any]]:
    facets = {name: each for name, each in vars(store).items() if not name.startswith("_") and name not in ELSEWHERE}
    return {
        f"{name}.{method}": found
        for name, facet in facets.items()
        for method, found in inspect.getmembers(facet, callable)
        if not method.startswith("_")
    }


def called(name: str, method: Callable[..., Any], given: dict[Any, Any]) -> Any:
    """What comes of it; whatever is refused is `refused`, however it is said."""
    needed = [p.name for p in inspect.signature(method).parameters.values() if p.default is p.empty]
    facet = name.partition(".")[0]
    values = {each: given.get((name, each), given.get((facet, each), given.get(each, KeyError))) for each in needed}
    unknown = [each for each, value in values.items() if value is KeyError]
    assert not unknown, f"say in `arguments` with what {name} is to be called: {unknown}"
    try:
        found = method(**values)
        if isinstance(found, AbstractContextManager):
            with cast("AbstractContextManager[object]", found):
                return "entered"
    except errors.BadInput:
        return "refused"
    except Exception as error:  # of whoever asks for what is not there, without having looked
        return type(error).__name__
    return UID.sub("uid", repr(found))


@pytest.mark.parametrize("which", ["seen", "hidden"])
def test_everything_that_can_be_asked_is_answered_as_if_the_others_had_never_been(both: Both, which: str) -> None:
    before = contents(both.whole)
    given = arguments(getattr(both, which), both.reach.user_id)
    bare = methods(both.reading)
    for name, method in methods(both.restricted).items():
        assert called(name, method, given) == called(name, bare[name], given), name
    assert contents(both.whole) == before, "who may look has changed something"


def contents(store: Store) -> dict[str, list[Any]]:
    with store._database.read() as connection:  # pyright: ignore[reportPrivateUsage]
        tables = metadata.sorted_tables
        return {
            table.name: list(map(tuple, connection.execute(sa.select(table).order_by(table.c[0])))) for table in tables
        }


def test_every_table_has_what_it_would_have_without_the_others(both: Both) -> None:
    found, bare = contents(both.restricted), contents(both.bare)
    whole = contents(both.whole)
    for name in SEEN:
        assert UID.sub("uid", repr(found[name])) == UID.sub("uid", repr(bare[name])), name
        assert SEEN[name] is None or len(whole[name]) > len(found[name]), f"{name} has nothing that is to be hidden"


def test_every_table_is_thought_of() -> None:
    assert set(SEEN) == set(metadata.tables)
    seen_by_all = {name for name, condition in SEEN.items() if condition is None}
    assert seen_by_all == {"projects", "snapshots", "engines"}, "these tell nothing of what is in a pipeline"


def test_what_is_no_question_is_refused(both: Both) -> None:
    database = both.restricted._database  # pyright: ignore[reportPrivateUsage]
    for statement in (sa.delete(runs), sa.text("VACUUM"), sa.text("WITH RECURSIVE runs AS (SELECT 1) SELECT 1")):
        with pytest.raises(errors.ReachUnclear), database.read() as connection:
            connection.execute(statement)
    assert both.whole.runs.get(both.hidden["run"].id)


def editing(both: Both, *grants: Grant, sees_all: bool = False) -> Store:
    user = both.whole.users.create(NewUser(username=f"editor {len(both.whole.users.list())}", grants=grants), AT)
    tagged = frozenset(grant for grant in grants if grant.tag)
    return both.whole.within(Reach(user.id, sees_all, Role.EDITOR, tagged))


def test_what_may_be_changed_is_what_a_role_is_high_enough_for(both: Both) -> None:
    editor = editing(both, Grant(Role.EDITOR, "finance"), Grant(Role.VIEWER, "sales"))
    seen, hidden = both.seen["run"].id, both.hidden["run"].id
    assert editor.runs.get(hidden).id == hidden, "it may be looked at"
    assert editor.runs.request_cancel(seen, AT) == AT
    with pytest.raises(errors.NotAllowed, match="may not do that"):
        editor.runs.request_cancel(hidden, AT)
    assert editor.triggers.delete(both.seen["trigger"].id, AT)
    with pytest.raises(errors.NotAllowed):
        editor.triggers.delete(both.hidden["trigger"].id, AT)
    assert both.whole.triggers.exists(both.hidden["trigger"].id)


def test_who_sees_everything_may_change_what_a_tag_is_for(both: Both) -> None:
    editor = editing(both, Grant(Role.VIEWER), Grant(Role.EDITOR, "sales"), sees_all=True)
    assert editor.runs.get(both.seen["run"].id)
    assert editor.runs.request_cancel(both.hidden["run"].id, AT) == AT
    with pytest.raises(errors.NotAllowed):
        editor.runs.request_cancel(both.seen["run"].id, AT)


def test_what_is_not_seen_is_not_there_to_be_changed(both: Both) -> None:
    editor = editing(both, Grant(Role.EDITOR, "finance"))
    hidden = both.hidden
    trigger, backfill = cast("Trigger", hidden["trigger"]), cast("Backfill", hidden["backfill"])
    with pytest.raises(errors.RunNotFound):
        editor.runs.request_cancel(hidden["run"].id, AT)
    with pytest.raises(errors.TriggerNotFound):
        editor.triggers.rotate(trigger.id, TOKEN, AT)
    with pytest.raises(errors.BackfillNotFound):
        editor.backfills.cancel(backfill, AT)
    with pytest.raises(errors.PipelineNotFound):
        editor.runs.create(arguments(hidden, 1)["new"], AT)
    with pytest.raises(errors.PipelineNotFound):
        editor.projects.pin(FOLDER, "demo", pipeline("hidden", "sales"), "version-2", "snapshot", 3, AT)


def test_the_tags_are_those_of_the_version_that_was_pinned_last(both: Both) -> None:
    hidden, found = both.hidden["run"].id, both.restricted
    for tags, seen in ((("finance", "sales"), True), (("sales",), False), (("finance", "sales"), True), ((), False)):
        both.whole.projects.pin(FOLDER, "demo", pipeline("hidden", *tags), f"version {tags}", "snapshot", 3, AT)
        assert (hidden in [each.run.id for each in newest(found, 9)]) == seen, tags


def test_a_role_that_is_taken_is_gone_at_once(both: Both) -> None:
    assert newest(both.restricted, 9)
    both.whole.users.change(both.reach.user_id, {}, AT, [Grant(Role.VIEWER, "other")])
    assert not newest(both.restricted, 9)


def test_tags_may_be_written_in_any_way(both: Both) -> None:
    odd = "fi'nance\"; DROP TABLE runs; -- %s %(x)s :y ? ü"
    both.whole.projects.pin(FOLDER, "demo", pipeline("hidden", odd), "odd", "snapshot", 3, AT)
    reader = editing(both, Grant(Role.VIEWER, odd))
    assert [each.pipeline for each in newest(reader, 9)] == ["hidden"]


def test_a_statement_that_begins_with_tables_of_its_own_keeps_them() -> None:
    sight = reach.Sight(Reach(1, False, Role.VIEWER, frozenset()), "postgresql")
    told = sight.text("WITH few AS (SELECT id FROM runs) SELECT id FROM few")
    assert told.endswith(",  few AS (SELECT id FROM runs) SELECT id FROM few")
    assert told.startswith(
        "WITH pipelines AS NOT MATERIALIZED (SELECT * FROM pipelines WHERE id IN (SELECT pipeline_id"
    )
