"""The conformance suite runs on every database that headrace speaks to; each test gets a new one."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from headrace.model.pipeline import Block, BlockType, Pipeline
from headrace.model.run import BlockRun, Run
from headrace.store import Store
from headrace.store import database as databases
from headrace.store.database import Database
from headrace.store.projects import Pinned
from headrace.store.runs import NewRun

AT = datetime(2026, 3, 1, 12, 0, 0, 1, tzinfo=UTC)
PIPELINE = Pipeline("daily", blocks=(Block("a", BlockType.CUSTOM), Block("b", BlockType.CUSTOM, upstream=("a",))))

Begin = Callable[..., tuple[Run, dict[str, BlockRun]]]


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that was made once, to be copied: making one takes longer than most tests."""
    home = tmp_path_factory.mktemp("migrated") / "home"
    databases.open_home(home).close()
    return home


@pytest.fixture(params=["sqlite"])
def database(migrated: Path, tmp_path: Path) -> Iterator[Database]:
    shutil.copytree(migrated, tmp_path / "home")
    opened = databases.open_home(tmp_path / "home")
    yield opened
    opened.close()


@pytest.fixture
def store(database: Database) -> Store:
    return Store(database)


@pytest.fixture
def pinned(store: Store) -> Pinned:
    return store.projects.pin(Path("/projects/demo"), "demo", PIPELINE, "version-1", "snapshot-1", 3, AT)


@pytest.fixture
def create(store: Store, pinned: Pinned) -> Callable[..., Run]:
    """Makes a run of some blocks, those with a number reusing that block run's outputs."""

    def made(blocks: Mapping[str, int | None] | str = "ab", pins: Pinned = pinned, at: datetime = AT) -> Run:
        new = NewRun(
            pipeline_id=pins.pipeline_id,
            version_id=pins.version_id,
            snapshot_id=pins.snapshot_id,
            blocks=blocks if isinstance(blocks, Mapping) else dict.fromkeys(blocks),
            variables={"n": 1, "deep": {"list": [1, None, "x"]}},
            selection={"only": ["a"]},
            execution_date=at,
            reason="by hand",
        )
        return store.runs.create(new, at)

    return made


@pytest.fixture
def begin(store: Store, create: Callable[..., Run]) -> Begin:
    """Makes a run and claims it; the run with its block runs."""

    def begun(
        blocks: Mapping[str, int | None] | str = "ab", pins: Pinned | None = None
    ) -> tuple[Run, dict[str, BlockRun]]:
        run = store.runs.claim(create(blocks, pins) if pins else create(blocks), "engine-1")
        assert run is not None
        return run, {row.block: row for row in store.runs.block_runs(run.id)}

    return begun
