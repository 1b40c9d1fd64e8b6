"""An engine dies at the first, second, third … of each of its deeds, just before it or just after, and others go on."""

import itertools
import random
import signal
import sys
from pathlib import Path

import pytest
from tests.crash import dying
from tests.crash.conftest import LONG, MakeWorks
from tests.crash.mill import Mill, Shape
from tests.crash.works import Works

TWO = Mill({"two": Shape("two", {"sow": [], "bake": ["sow"]}, {"starts": 0.5}, runs=1)})
COMMAND = (sys.executable, str(Path(dying.__file__)))
WHEN = ("before", "after")
FATES = list(itertools.product(dying.DEEDS, WHEN, range(1, 13)))


@pytest.mark.skipif(not LONG, reason="make crash tries every one of them")
@pytest.mark.parametrize("when", WHEN)
@pytest.mark.parametrize("deed", dying.DEEDS)
def test_an_engine_may_die_at_each_of_its_deeds(
    make_works: MakeWorks, database: str | None, deed: str, when: str
) -> None:
    works = make_works(TWO, database)
    died = next(count for count in itertools.count() if not dies(works, deed, when, count + 1))
    assert died
    come_to_rest(works)
    print(f"died {died} times {when} a {deed}; {len(works.history().attempts)} attempts")


def test_an_engine_may_die_at_any_of_its_deeds(make_works: MakeWorks, database: str | None, seed: int) -> None:
    works = make_works(TWO, database)
    fates = random.Random(seed).sample(FATES, 6)
    assert sum(dies(works, *fate) for fate in fates)
    works.start()
    works.wait_until_final()
    come_to_rest(works)


def dies(works: Works, deed: str, when: str, count: int) -> bool:
    """Whether that is how an engine ended which takes up one more run, and all that others left."""
    works.begin("two")
    engine = works.start(command=(*COMMAND, deed, when, str(count)))
    works.wait(lambda: works.count_open() == 0 or not engine.lives, "the runs end, or their engine")
    return engine.leave() == -signal.SIGKILL


def come_to_rest(works: Works) -> None:
    works.kill_engines()
    works.wait_until_nothing_lives()
    assert {run.status for run in works.check().runs} == {"completed"}
