"""The conformance suite runs on every database that headrace speaks to; each test gets a new one."""

import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import pytest
import sqlalchemy as sa
from tests.postgres import Server

from headrace import identity
from headrace.model.pipeline import Block, BlockType, Pipeline
from headrace.model.run import BlockRun, Run
from headrace.model.trigger import Definition, TriggerType
from headrace.store import Store, databases, limits
from headrace.store.database import Database
from headrace.store.limits import LimitRows
from headrace.store.postgres import Postgres
from headrace.store.projects import Pinned
from headrace.store.runs import NewRun
from headrace.store.sqlite import SQLite
from headrace.store.triggers import Sealed, Standing

AT = datetime(2026, 3, 1, 12, 0, 0, 1, tzinfo=UTC)
PIPELINE = Pipeline("daily", blocks=(Block("a", BlockType.CUSTOM), Block("b", BlockType.CUSTOM, upstream=("a",))))

TOKEN = Sealed("sealed", "hash")

T = TypeVar("T")
Begin = Callable[..., tuple[Run, dict[str, BlockRun]]]


def together(*deeds: Callable[[], T]) -> list[T]:
    """What they return, each done in a thread of its own, all from one moment on."""
    ready = threading.Barrier(len(deeds))

    def do(deed: Callable[[], T]) -> T:
        ready.wait()
        return deed()

    with ThreadPoolExecutor(len(deeds)) as threads:
        return list(threads.map(do, deeds))


def limits_of(store: Store, pipeline_id: int, trigger_id: int | None = None) -> LimitRows:
    """The limits that runs of that pipeline come under, when that trigger begins them."""
    with store._database.read() as connection:  # pyright: ignore[reportPrivateUsage]
        kept = connection.execute(limits.over(sa.literal(pipeline_id))).mappings()
        return limits.bounding(map(dict, kept), trigger_id)


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that was made once, to be copied: making one takes longer than most tests."""
    home = tmp_path_factory.mktemp("migrated") / "home"
    databases.open(home, None).close()
    return home


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, migrated: Path, tmp_path: Path) -> tuple[Path, str | None]:
    """Where a new database is: a home, and a URL unless it is SQLite's."""
    if request.param == "sqlite":
        shutil.copytree(migrated, tmp_path / "home")
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else None
    return tmp_path / "home", url


@pytest.fixture
def database(place: tuple[Path, str | None]) -> Iterator[Database]:
    opened = databases.open(*place)
    yield opened
    opened.close()


@pytest.fixture
def empty_place(place: tuple[Path, str | None], request: pytest.FixtureRequest) -> Iterator[tuple[Path, str | None]]:
    """Where a database may be made, beside the other and of the same kind."""
    home, url = place
    if url is None:
        (home.parent / "empty").mkdir()
        yield home.parent / "empty", None
    else:
        server: Server = request.getfixturevalue("postgres_server")
        name = f"empty_{identity.new()}"
        yield home.parent / "empty", server.create(name)
        server.drop(name)


@pytest.fixture
def empty(empty_place: tuple[Path, str | None]) -> Iterator[Database]:
    """A database without a table in it."""
    home, url = empty_place
    made = SQLite(home) if url is None else Postgres(url, 30.0)
    yield made
    made.close()


@pytest.fixture
def store(database: Database) -> Store:
    return Store(database)


@pytest.fixture
def pinned(store: Store) -> Pinned:
    return store.projects.pin(Path("/projects/demo"), "demo", PIPELINE, "version-1", "snapshot-1", 3, AT)


@pytest.fixture
def create(store: Store, pinned: Pinned) -> Callable[..., Run]:
    """Makes a run of some blocks, those with a number reusing that block run's outputs."""

    def made(
        blocks: Mapping[str, int | None] | str = "ab",
        pins: Pinned = pinned,
        at: datetime = AT,
        owner: str | None = None,
        trigger_id: int | None = None,
    ) -> Run:
        new = NewRun(
            pipeline_id=pins.pipeline_id,
            version_id=pins.version_id,
            snapshot_id=pins.snapshot_id,
            blocks=blocks if isinstance(blocks, Mapping) else dict.fromkeys(blocks),
            variables={"n": 1, "deep": {"list": [1, None, "x"]}},
            selection={"only": ["a"]},
            execution_date=at,
            reason="by hand",
            trigger_id=trigger_id,
        )
        return store.runs.create(new, AT, owner=owner).run

    return made


@pytest.fixture
def trigger(store: Store) -> Callable[..., int]:
    """Makes an active API trigger of that pipeline, with what else is given: its id."""

    def made(pins: Pinned, name: str, **given: Any) -> int:
        definition = Definition(**{"name": name, "type": TriggerType.API} | given)
        return store.triggers.create(pins.pipeline_id, definition, TOKEN, Standing(None, None), AT, active=True).id

    return made


@pytest.fixture
def live(store: Store) -> Callable[..., None]:
    """Makes an engine of that name live, without a lease unless one is given."""

    def lived(name: str, lease: float | None = None, at: datetime = AT) -> None:
        store.engines.register(name, home="home-1", machine="machine-1", pid=1, lease=lease, at=at)

    return lived


@pytest.fixture
def begin(store: Store, create: Callable[..., Run], live: Callable[[str], None]) -> Begin:
    """Makes a run and claims it; the run with its block runs."""
    live("engine-1")

    def begun(
        blocks: Mapping[str, int | None] | str = "ab", pins: Pinned | None = None
    ) -> tuple[Run, dict[str, BlockRun]]:
        made = create(blocks, pins) if pins else create(blocks)
        assert store.runs.claim_one(made.id, "engine-1", made.epoch, AT)
        run = store.runs.get(made.id)
        return run, {row.block: row for row in store.runs.block_runs(run.id)}

    return begun
