"""Lists of runs: pages joined are the whole list, whatever is asked for, and cost what they show."""

import base64
import itertools
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace import errors, identity
from headrace.app import App
from headrace.model.pipeline import Pipeline
from headrace.model.query import Query, Span
from headrace.model.run import FINAL_RUN, Run, RunStatus
from headrace.operations import listing as operations
from headrace.settings import load
from headrace.store import Store, listing, tables
from headrace.store.database import Database
from headrace.store.projects import Pinned
from headrace.store.script import Answer, Script, Statement

AT = datetime(2026, 3, 1, 12, 0, 0, 1, tzinfo=UTC)
COUNT = 90
VALUES: Sequence[Any] = (1, 1.0, True, None, "1", "a%_b", 'q"\\\0', [1, {"deep": 2}], {"n": 1, "m": [True]}, "ä")
TAGS = ("etl", "daily", 'q"t', "ä")

Create = Callable[..., Run]
Trigger = Callable[..., int]
Row = Mapping[str, Any]


@pytest.fixture
def written(database: Database, store: Store, trigger: Trigger) -> Sequence[Row]:
    """Runs of every kind, of two projects with pipelines of one name: what is to be known of each."""
    some = random.Random(7)
    pins = list(_pins(store))
    of_trigger = [
        (trigger(pin, f"t{n}", tags=tags), pin, tags)
        for n, (pin, tags) in enumerate(zip(pins, [("etl",), ("daily", "ä"), (), ('q"t',)], strict=True))
    ]
    with database.write() as connection:
        backfills = [_backfill(connection, trigger_id, pin) for trigger_id, pin, _ in of_trigger[:2]]
        return [_written(connection, some, pins, of_trigger, backfills, n) for n in range(COUNT)]


def _pins(store: Store) -> "list[Pinned]":
    named = [
        ("demo", "one", ("etl",)),
        ("demo", "two", ()),
        ("other", "one", ("daily", 'q"t')),
        ("demo", "one", ("ä",)),
    ]
    return [
        store.projects.pin(Path(f"/projects/{project}"), project, Pipeline(name, tags=tags), str(tags), "s", 1, AT)
        for project, name, tags in named
    ]


def _backfill(connection: sa.Connection, trigger_id: int, pin: Pinned) -> int:
    row = {"uid": identity.new(), "pipeline_id": pin.pipeline_id, "trigger_id": trigger_id, "name": "b", "which": "all"}
    row |= {"start_time": AT, "end_time": AT, "interval_type": "day", "interval_units": 1, "variables": {}, "total": 0}
    row |= {
        "settings": {},
        "status": "running",
        "reason": "",
        "dates": [],
        "made": 0,
        "created_at": AT,
        "updated_at": AT,
    }
    made = connection.execute(sa.insert(tables.backfills).values(row).returning(tables.backfills.c.id))
    return made.scalar_one()


def _written(
    connection: sa.Connection, some: random.Random, pins: Sequence[Pinned], triggers: Any, backfills: list[int], n: int
) -> Row:
    which = some.choice([0, 1, 2, 3, None])
    trigger_id, pin, tags = (None, some.choice(pins), ()) if which is None else triggers[which]
    status = some.choice(list(RunStatus))
    created = AT + timedelta(hours=n + some.choice([0, 0, -3]))
    names = some.sample(["x", "y", "x:1"], some.randrange(3))
    values = {name: some.choice(VALUES) for name in names} if n >= len(VALUES) else {"x": VALUES[n]}
    row = {
        "uid": identity.new(),
        "pipeline_id": pin.pipeline_id,
        "version_id": pin.version_id,
        "snapshot_id": pin.snapshot_id,
        "status": status,
        "reason": "",
        "variables": values,
        "selection": {},
        "execution_date": AT + timedelta(days=some.randrange(9)),
        "created_at": created,
        "started_at": some.choice([None, created]) if status != "running" else created,
        "ended_at": created + timedelta(hours=some.randrange(9)) if status in FINAL_RUN else None,
        "owner": "e",
        "epoch": 1,
        "trigger_id": trigger_id,
        "backfill_id": backfills[which] if which in (0, 1) and some.random() < 0.7 else None,
        "passed_sla": some.random() < 0.3,
    }
    found = connection.execute(sa.insert(tables.runs).values(row).returning(tables.runs.c.id)).scalar_one()
    content = sa.select(tables.versions.c.content).where(tables.versions.c.id == pin.version_id)
    of_version = connection.execute(content).scalar_one()
    named = {"project": pin.project.name, "pipeline": of_version["name"], "tags": {*tags, *of_version["tags"]}}
    return {**row, **named, "id": found}


def expected(written: Sequence[Row], query: Query) -> list[int]:
    """The list as it is to be, found the slow way."""
    ids = [row["id"] for row in written if all(_holds(row, query))]
    return ids if query.oldest_first else ids[::-1]


def _holds(row: Row, query: Query) -> Any:
    yield query.project in (None, row["project"])
    yield query.pipeline in (None, row["pipeline"]) or query.pipeline == row["pipeline_id"]
    yield query.trigger in (None, row["trigger_id"])
    yield query.backfill in (None, row["backfill_id"])
    yield query.version in (None, row["version_id"])
    yield not query.statuses or row["status"] in query.statuses
    yield query.tags <= row["tags"]
    yield query.passed_sla in (None, row["passed_sla"])
    for name in ("created", "started", "ended"):
        yield _within(row[f"{name}_at"], getattr(query, name))
    yield _within(row["execution_date"], query.execution_date)
    for name, value in query.variables.items():
        yield name in row["variables"] and _same(row["variables"][name], value)


def _within(at: datetime | None, span: Span) -> bool:
    if span == Span():
        return True
    return at is not None and (not span.since or at >= span.since) and (not span.until or at < span.until)


def _same(one: Any, other: Any) -> bool:
    """Python's own equality, but that it takes True for 1: there is none deep within what is written here."""
    return isinstance(one, bool) == isinstance(other, bool) and one == other


moments = st.one_of(st.none(), st.integers(-2, COUNT + 9).map(lambda hours: AT + timedelta(hours=hours)))
spans = st.one_of(st.just(Span()), st.builds(Span, moments, moments))
queries = st.builds(
    Query,
    project=st.sampled_from([None, None, "demo", "other", "none"]),
    pipeline=st.sampled_from([None, None, "one", "two", 1, 3, "none"]),
    trigger=st.sampled_from([None, None, None, 1, 2, 3, 4, 99]),
    backfill=st.sampled_from([None, None, None, 1, 2, 99]),
    version=st.sampled_from([None, None, None, 1, 2, 99]),
    statuses=st.frozensets(st.sampled_from(RunStatus)),
    created=spans,
    started=spans,
    ended=spans,
    execution_date=spans,
    variables=st.dictionaries(st.sampled_from(["x", "y", "x:1"]), st.sampled_from(VALUES), max_size=1),
    tags=st.frozensets(st.sampled_from([*TAGS, "none"]), max_size=1),
    passed_sla=st.sampled_from([None, None, True, False]),
    oldest_first=st.booleans(),
)
# Of one thing alone, so that lists are not empty as a rule.
single = st.builds(lambda query, name: replace(Query(oldest_first=query.oldest_first), **{name: getattr(query, name)}),
                   queries, st.sampled_from([name for name in Query.__slots__ if name != "oldest_first"]))  # fmt: skip


def joined(store: Store, query: Query, limit: int) -> list[int]:
    """The ids of all pages."""
    ids: list[int] = []
    after = None
    for _ in range(10 * COUNT):
        page = store.runs.page(query, limit, after)
        assert len(page.runs) <= limit
        ids += [each.run.id for each in page.runs]
        after = page.after
        if after is None:
            return ids
    raise AssertionError(f"the list of {query} does not end")


def test_pages_joined_are_the_whole_list(store: Store, written: Sequence[Row], monkeypatch: pytest.MonkeyPatch) -> None:
    @settings(suppress_health_check=list(HealthCheck), max_examples=60)
    @given(st.one_of(queries, single), st.integers(1, 40), st.integers(1, 60))
    def holds(query: Query, limit: int, examined: int) -> None:
        monkeypatch.setattr(listing, "EXAMINED", examined)
        assert joined(store, query, limit) == expected(written, query)

    holds()


@pytest.mark.parametrize("oldest_first", [False, True])
def test_each_value_of_a_variable_is_found(store: Store, written: Sequence[Row], oldest_first: bool) -> None:
    for value in VALUES:
        query = Query(variables={"x": value}, oldest_first=oldest_first)
        found = joined(store, query, 7)
        assert found == expected(written, query)
        assert found, f"nothing has {value!r}"


def test_runs_that_are_made_meanwhile_change_nothing_in_the_pages_that_follow(store: Store, create: Create) -> None:
    made = [create().id for _ in range(7)]
    seen: list[int] = []
    after = None
    for _ in range(3):
        page = store.runs.page(Query(project="demo"), 3, after)
        seen += [each.run.id for each in page.runs]
        after = page.after
        create()
    assert (seen, after) == (made[::-1], None)


def test_a_list_has_names_and_the_block_runs_that_are_asked_for(store: Store, create: Create) -> None:
    other = store.projects.pin(Path("/projects/demo"), "demo", Pipeline("hourly"), "v", "snapshot-1", 3, AT)
    first, second, third = create("ba"), create("a", other), create({})
    page = store.runs.page(Query(), 9, blocks=True)
    assert [(each.run, each.project, each.pipeline) for each in page.runs] == [
        (third, "demo", "daily"), (second, "demo", "hourly"), (first, "demo", "daily")
    ]  # fmt: skip
    assert [each.blocks for each in page.runs] == [tuple(store.runs.block_runs(n)) for n in (3, 2, 1)]
    assert [each.block for each in page.runs[-1].blocks] == ["b", "a"]
    assert [each.blocks for each in store.runs.page(Query(), 9).runs] == [(), (), ()]


def test_a_block_run_that_cannot_be_decoded_hinders_no_list(store: Store, create: Create, database: Database) -> None:
    """Of what has only moments, SQLite alone can hold some that are none."""
    create()
    with database.write() as connection:
        if connection.dialect.name != "sqlite":
            return
        connection.execute(sa.text("UPDATE block_runs SET started_at = 'soon' WHERE block = 'a'"))
    (listed,) = store.runs.page(Query(), 9, blocks=True).runs
    assert [(row.block, row.started_at is None) for row in listed.blocks] == [("a", False), ("b", True)]


def test_a_page_reads_all_block_runs_by_one_statement(
    store: Store, create: Create, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    say = Script.say

    def hear(script: Script, statement: Statement, columns: Mapping[str, Any]) -> Answer:
        answer = say(script, statement, columns)
        said.append(statement.on(script._dialect).text)
        return answer

    for _ in range(30):
        create()
    monkeypatch.setattr(Script, "say", hear)
    assert len(store.runs.page(Query(), 100, blocks=True).runs) == 30
    assert [re.findall(r"FROM (\w+)", text)[0] for text in said] == ["runs", "block_runs"]


def test_a_page_looks_at_no_more_runs_than_it_may_and_jumps_to_the_span(
    store: Store, written: Sequence[Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "EXAMINED", 10)
    old = Query(created=Span(AT - timedelta(hours=5), AT + timedelta(hours=3)))
    first = store.runs.page(old, 5)
    ids = expected(written, old)
    assert (len(first.runs), first.after) == (0, ids[0] + 1), "it goes on where the next of them is"
    assert [each.run.id for each in store.runs.page(old, 5, first.after).runs] == ids[:5]
    never = store.runs.page(Query(created=Span(since=AT + timedelta(days=99))), 5)
    assert (never.runs, never.after) == ([], None), "nothing is ahead, so there is nothing to go on for"
    rare = store.runs.page(Query(variables={"z": 1}), 5)
    assert (rare.runs, rare.after) == ([], COUNT - 9), "nobody knows without looking"


PLANS = [
    (Query(), "pk_runs"),
    (Query(statuses=frozenset({RunStatus.FAILED})), "ix_runs_status_id"),
    (Query(trigger=1), "ix_runs_trigger"),
    (Query(trigger=1, statuses=frozenset({RunStatus.FAILED})), "ix_runs_trigger_status"),
    (Query(pipeline=1), "ix_runs_pipeline_id_id"),
    (Query(pipeline="one", statuses=frozenset({RunStatus.FAILED})), "ix_runs_pipeline_id_status_id"),
    (Query(backfill=1), "ix_runs_backfill_status"),
]


@pytest.mark.parametrize(("query", "index"), PLANS)
@pytest.mark.parametrize("oldest_first", [False, True])
def test_every_road_is_along_its_index(
    database: Database, written: Sequence[Row], query: Query, index: str, oldest_first: bool
) -> None:
    """The windows of a road are read in the order of its index, without a sort."""
    with database.write() as connection:
        if connection.dialect.name == "postgresql":
            for other in (
                "seqscan",
                "bitmapscan",
                "sort",
                "incremental_sort",
            ):  # as planners do where there are many rows
                connection.execute(sa.text(f"SET LOCAL enable_{other} = off"))
        (road, *_) = listing._roads(connection, query)
        window = road.beyond(50, connection.dialect.name, oldest_first=oldest_first).limit(20)
        text = str(window.compile(database._engine, compile_kwargs={"literal_binds": True}))
        asked = "EXPLAIN QUERY PLAN " if connection.dialect.name == "sqlite" else "EXPLAIN "
        plan = "\n".join(" ".join(map(str, row)) for row in connection.exec_driver_sql(asked + text))
    if connection.dialect.name == "sqlite":
        index = index.replace("pk_runs", "PRIMARY KEY")
        assert re.search(r"\b(row)?id[<>]\?", plan), "it begins where the page before has ended"
    else:
        assert re.search(r"Index Cond: .*\bid[ ,)].*50", plan), plan
    assert f"{index} " in f"{plan} ", plan
    assert "TEMP B-TREE" not in plan and "Sort" not in plan, plan


def test_orders_are_each_other_turned_round(store: Store, written: Sequence[Row]) -> None:
    for pipeline, status in itertools.product((None, "one"), RunStatus):
        query = Query(pipeline=pipeline, statuses=frozenset({status}))
        assert joined(store, query, 4) == joined(store, replace(query, oldest_first=True), 4)[::-1]


@pytest.fixture
def app(place: tuple[Path, str | None]) -> Iterator[App]:
    home, url = place
    with App(replace(load({"HEADRACE_HOME": str(home)}), database=url)) as opened:
        yield opened


def test_a_cursor_goes_on_where_its_page_ended(app: App, written: Sequence[Row]) -> None:
    query, ids, cursor = Query(project="demo"), list[int](), None
    while True:
        page = operations.page(app, query, 7, cursor)
        ids += [each.run.id for each in page.runs]
        if page.cursor is None:
            break
        cursor = page.cursor
    assert ids == expected(written, query)
    assert operations.count(app, query) == len(ids)
    assert operations.count(app, replace(query, tags=frozenset({"etl"}))) is None


def test_a_cursor_of_another_list_is_refused(app: App, written: Sequence[Row]) -> None:
    cursor = operations.page(app, Query(project="demo"), 1).cursor
    assert cursor
    asked = base64.urlsafe_b64encode
    wrong = ["", "x", "é", "=", cursor[:-1], cursor + "A", asked(b"9:").decode(), asked(b"-1:0").decode(), "\ud800"]
    wrong.append(asked(f"{2**63}:{Query(project='demo').digest}".encode()).decode().rstrip("="))
    for query, given_ in [(Query(), cursor), *((Query(project="demo"), each) for each in wrong)]:
        with pytest.raises(errors.BadCursor, match="is of no page of this list"):
            operations.page(app, query, 1, given_)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        (Query(trigger=0), "trigger"),
        (Query(backfill=2**63), "backfill"),
        (Query(pipeline=-1), "pipeline"),
        (Query(pipeline="a\0"), "pipeline"),
        (Query(project="\ud800"), "project"),
        (Query(tags=frozenset({"\0"})), "tags"),
        (Query(variables={"\0": 1}), "variables"),
        (Query(variables={"a": "\udfff"}), "variables.a"),
        (Query(variables={"api_password": "a guess"}), "variables.api_password"),
        (Query(variables={"db": {"password": "a guess"}}), "variables.db"),
        (Query(variables={"url": "postgresql://mill:guess@db/corn"}), "variables.url"),
        (Query(created=Span(AT, AT)), "created_to"),
        (Query(execution_date=Span(AT, AT - timedelta(days=1))), "execution_date_to"),
    ],
)
def test_what_cannot_be_listed_is_refused_by_name(app: App, query: Query, field: str) -> None:
    for deed in (operations.page, operations.count):
        with pytest.raises(errors.BadFilter, match=f"^The {field} of a list of runs is"):
            deed(app, query)


@pytest.mark.parametrize("limit", [0, -1, 1001])
def test_a_page_has_from_one_to_a_thousand_runs(app: App, limit: int) -> None:
    with pytest.raises(errors.BadFilter, match=r"^The limit of a list of runs is"):
        operations.page(app, Query(), limit)
    assert operations.page(app, Query(), 1000).runs == []
