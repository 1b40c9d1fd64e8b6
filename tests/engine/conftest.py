"""Each test of the engine gets a home of its own, with a real database."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.engine.clockwork import Clockwork
from tests.engine.parts import Engine, Shelf

from headrace import store as stores
from headrace.store import Store


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that was made once, to be copied: making one takes longer than most tests."""
    home = tmp_path_factory.mktemp("migrated") / "home"
    stores.open(home).close()
    return home


@pytest.fixture
def home(migrated: Path, tmp_path: Path) -> Path:
    shutil.copytree(migrated, tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture
def store(home: Path) -> Iterator[Store]:
    opened = stores.open(home)
    yield opened
    opened.close()


@pytest.fixture
def engine(store: Store, home: Path) -> Engine:
    return Engine(store, home)


@pytest.fixture
def shelf(engine: Engine) -> Shelf:
    return engine.shelf


@pytest.fixture
def works(store: Store, home: Path, tmp_path: Path) -> Clockwork:
    return Clockwork(store, home, tmp_path / "mill")
