"""Works for each test, seeds that can be set, and how long it may take: a minute in all, or with `make crash` as long as it takes."""

import os
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.crash import works
from tests.crash.mill import Mill
from tests.crash.works import Works

KILLS = int(os.environ.get("HEADRACE_CRASH_KILLS", "100"))  # on each database
LONG = KILLS >= 1000  # then everything else is tried for longer, too

MakeWorks = Callable[..., Works]


@pytest.fixture
def seed() -> int:
    """Of all that is drawn at random; told when the test fails, and to be set by HEADRACE_CRASH_SEED."""
    found = int(os.environ.get("HEADRACE_CRASH_SEED") or random.SystemRandom().randrange(10**6))
    print(f"HEADRACE_CRASH_SEED={found}")
    return found


@pytest.fixture
def make_works(tmp_path: Path) -> Iterator[MakeWorks]:
    """Works in a folder of the test's own, of which nothing lives after it."""
    with ExitStack() as opened:

        def make(mill: Mill | None = None, database: str | None = None, **named: str) -> Works:
            return opened.enter_context(works.opened(tmp_path, mill or Mill(), database, **named))

        yield make


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> str | None:
    """The URL of a new database, or None for SQLite."""
    return request.getfixturevalue("postgres_url") if request.param == "postgres" else None
