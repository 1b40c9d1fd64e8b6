"""Projects, pipelines, versions and snapshots: one row each, however often they are seen."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.store.conftest import PIPELINE

from headrace import errors
from headrace.model.limits import Limits
from headrace.model.pipeline import Block, BlockType, Language, Pipeline
from headrace.model.run import Run
from headrace.store import Store, tables
from headrace.store.database import Database
from headrace.store.projects import Pinned

AT = datetime(2026, 3, 1, tzinfo=UTC)


def pin(store: Store, path: str, name: str, pipeline: str = "p", version: str = "v", snapshot: str = "s") -> Pinned:
    return store.projects.pin(Path(path), name, Pipeline(pipeline), version, snapshot, 1, AT)


def test_what_is_seen_again_is_the_same_rows(store: Store) -> None:
    assert pin(store, "/a/demo", "demo") == pin(store, "/a/demo", "demo")


def test_each_part_changes_alone(store: Store) -> None:
    first = pin(store, "/a/demo", "demo")
    edited = pin(store, "/a/demo", "demo", version="v2", snapshot="s2")
    assert (edited.project, edited.pipeline_id) == (first.project, first.pipeline_id)
    assert edited.version_id != first.version_id
    assert edited.snapshot_id != first.snapshot_id
    other = pin(store, "/a/demo", "demo", pipeline="q")
    assert other.snapshot_id == first.snapshot_id
    assert other.pipeline_id != first.pipeline_id
    assert other.version_id != first.version_id


def test_projects_of_one_folder_name_get_names_of_their_own(store: Store) -> None:
    named = [pin(store, path, "demo").project.name for path in ("/a/demo", "/b/demo", "/c/demo", "/a/demo")]
    assert named == ["demo", "demo-2", "demo-3", "demo"]


def test_a_name_that_looks_counted_is_not_taken_twice(store: Store) -> None:
    named = [pin(store, f"/{n}", name).project.name for n, name in enumerate(("demo-2", "demo", "demo"))]
    assert named == ["demo-2", "demo", "demo-3"]


def test_two_projects_may_have_pipelines_of_one_name(store: Store) -> None:
    one, two = pin(store, "/a/demo", "demo"), pin(store, "/b/demo", "demo")
    assert one.pipeline_id != two.pipeline_id
    assert store.projects.names(two.pipeline_id) == (two.project, "p")
    assert two.project.path == Path("/b/demo")


def test_a_version_gives_back_the_pipeline_it_was_given(store: Store) -> None:
    block = Block(
        "load",
        BlockType.DATA_LOADER,
        Language.SQL,
        "Load",
        "data_loaders/load.sql",
        "select 1",
        ("a", "b"),
        {"limit": 3, "deep": {"é": [1, 2.5, None, True, 2**63]}},
        {"retries": 2},
        ("sales",),
        ("days",),
        1.5,
        True,
        2**40,
        {"color": "teal"},
    )
    pipeline = Pipeline(
        name="daily",
        title="Daily",
        type="python",
        description="línea\n",
        tags=("x", "y"),
        blocks=(Block("a", BlockType.CUSTOM), block),
        callbacks=(Block("c", BlockType.CALLBACK, upstream=("a",)),),
        conditionals=(Block("d", BlockType.CONDITIONAL),),
        variables={"n": 1, "s": "", "none": None, "list": [{}]},
        retry_config={"delay": 1.5},
        limits=Limits(project_blocks=9, trigger_runs=2, run_blocks=2, blocks={"load": 1}, skip=True),
        imports=("pandas",),
        warnings=("an upstream was dropped",),
        extra={"uuid": "daily"},
    )
    pinned = store.projects.pin(Path("/p"), "p", pipeline, "v", "s", 1, AT)
    assert store.projects.version(pinned.version_id) == pipeline
    assert store.projects.snapshot_hash(pinned.snapshot_id) == "s"


def test_a_version_that_is_no_pipeline_any_more_is_named(store: Store, database: Database) -> None:
    pinned = pin(store, "/a/demo", "demo")
    for content in ({"name": 7}, None):
        with database.write() as connection:
            row = sa.update(tables.versions).values(content=content or sa.literal("{no", sa.Text))
            connection.execute(row)
        with pytest.raises(errors.RowUnreadable, match=f"version {pinned.version_id} cannot be read"):
            store.projects.version(pinned.version_id)


@pytest.mark.parametrize("rounds", range(3))
def test_those_who_see_a_project_at_once_make_one_row(store: Store, rounds: int) -> None:
    together, found = threading.Barrier(4), list[Pinned]()

    def see() -> None:
        together.wait()
        found.append(pin(store, "/a/demo", "demo"))

    threads = [threading.Thread(target=see) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(found) == 4
    assert len(set(map(repr, found))) == 1


def test_versions_are_listed_the_newest_first(store: Store) -> None:
    pipelines = [Pipeline("daily", title=title) for title in ("one", "two", "three")]
    pins = [store.projects.pin(Path("/p/demo"), "demo", each, f"v-{each.title}", "s", 1, AT) for each in pipelines]
    store.projects.pin(Path("/p/demo"), "demo", Pipeline("other"), "v-other", "s", 1, AT)
    newest = store.projects.versions(pins[0].pipeline_id, 2)
    assert [each.hash for each in newest] == ["v-three", "v-two"]
    (oldest,) = store.projects.versions(pins[0].pipeline_id, 2, before=newest[-1].id)
    assert oldest == store.projects.find_version(pins[0].pipeline_id, "v-one")
    assert (oldest.id, oldest.created_at) == (pins[0].version_id, AT)
    assert store.projects.find_version(pins[0].pipeline_id, "v-other") is None


def test_a_version_is_read_where_its_newest_run_has_it(
    store: Store, pinned: Pinned, create: Callable[..., Run]
) -> None:
    assert store.projects.snapshot_of(pinned.version_id) is None
    later = store.projects.pin(Path("/projects/demo"), "demo", PIPELINE, "version-1", "snapshot-2", 3, AT)
    create(), create(pins=later)
    assert store.projects.snapshot_of(pinned.version_id) == "snapshot-2"
