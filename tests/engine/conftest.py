"""Each test of the engine gets a home of its own, with a real database."""

import shutil
from pathlib import Path

import pytest

from headrace import store


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that was made once, to be copied: making one takes longer than most tests."""
    home = tmp_path_factory.mktemp("migrated") / "home"
    store.open_home(home).close()
    return home


@pytest.fixture
def home(migrated: Path, tmp_path: Path) -> Path:
    shutil.copytree(migrated, tmp_path / "home")
    return tmp_path / "home"
