"""The wall clock of an engine jumps, for hours and days, back and forth; its runs do not mind."""

import random
import sys
from pathlib import Path

from tests.crash import jumping
from tests.crash.conftest import LONG, MakeWorks
from tests.crash.feeder import Feeder

JUMPS = (-86_400, -3_600, -1, 0, 1, 3_600, 86_400)  # seconds that the clock is wrong


def test_runs_go_on_whatever_the_clock_says(make_works: MakeWorks, database: str | None, seed: int) -> None:
    works, draw = make_works(None, database), random.Random(seed)
    error = works.root / "clock"
    set_clock(error, 0)
    engine = works.start(command=(sys.executable, str(Path(jumping.__file__)), str(error)))
    feeder = Feeder(works, seed)
    for _ in range(100 if LONG else 12):
        feeder.feed()
        set_clock(error, draw.choice(JUMPS))
        works.wait_for_more()
    set_clock(error, 0)
    works.wait_until_final()
    assert engine.lives
    works.check()


def set_clock(error: Path, seconds: float) -> None:
    """At once and whole, whoever reads it."""
    written = error.with_suffix(".new")
    written.write_text(str(seconds))
    written.rename(error)
