"""One stage for all plays of a process, and how many plays there are.

HEADRACE_SIMULATION_SEED=n plays that seed alone; HEADRACE_SIMULATION_PLAYS=n plays that many. Which seeds are played is
drawn anew each time, but where it is judged what lands (CI is set).
"""

import logging
import os
import random
from collections.abc import Iterator

import pytest
from tests.simulation.play import Stage

ONE = os.environ.get("HEADRACE_SIMULATION_SEED")
PLAYS = 1 if ONE else int(os.environ.get("HEADRACE_SIMULATION_PLAYS", "200"))
ACTS = min(10, PLAYS)  # tests that share the plays


@pytest.fixture(scope="session")
def stage() -> Iterator[Stage]:
    made = Stage()
    yield made
    made.close()


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Engines say a lot of what goes wrong, and here everything does."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def seeds(request: pytest.FixtureRequest) -> Iterator[int]:
    """The seeds of one act; each is told when its play fails."""
    if ONE:
        return iter([int(ONE)])
    first = 0 if os.environ.get("CI") else random.SystemRandom().randrange(10**9)
    each = PLAYS // ACTS
    return iter(range(first + request.param * each, first + (request.param + 1) * each))
