"""Engines that stand still or die slowly: nothing begins again before what they had begun is gone."""

import os
import signal

from tests.crash import killer
from tests.crash.conftest import LONG, MakeWorks
from tests.crash.mill import Mill, Shape
from tests.crash.works import Engine, Works

LEASE = 30.0 if LONG else 1.5  # seconds
GATED = Mill(
    {
        "gated": Shape("gated", {"sow": [], "reap": ["sow"], "bake": ["reap"]}, {"gate": "go", "starts": 1}, runs=2),
        "free": Shape("free", {"sow": []}),
    }
)


def test_another_engine_goes_on_once_the_lease_is_over(make_works: MakeWorks, postgres_url: str) -> None:
    works = make_works(GATED, postgres_url)
    stopped = works.start(HEADRACE_LEASE=str(LEASE))
    runs = [works.begin("gated").run.id for _ in range(3)]
    works.wait(lambda: began(works, 1) == 2, "two runs begin")
    stopped.process.send_signal(signal.SIGSTOP)
    other = works.start(HEADRACE_LEASE=str(LEASE))
    works.wait(lambda: began(works, 2) == 2, "the other engine begins them again")
    stopped.process.send_signal(signal.SIGCONT)
    works.open_gate("go")
    works.wait_until_final()
    other.kill()
    alone(works, stopped)
    history = works.check()
    assert [run.status for run in history.runs if run.id in runs] == ["completed"] * 3
    first = [attempt for attempt in history.attempts if attempt.number == 1 and attempt.status != "completed"]
    assert len(first) == 2


def test_what_ended_while_the_engine_stood_still_is_refused(make_works: MakeWorks, postgres_url: str) -> None:
    """The block ends within the lease, but its engine does not hear of it before another has the run."""
    works = make_works(GATED, postgres_url)
    stopped = works.start(HEADRACE_LEASE=str(LEASE))
    works.begin("gated")
    works.wait(lambda: began(works, 1) == 1, "the run begins")
    stopped.process.send_signal(signal.SIGSTOP)
    works.open_gate("go")
    works.wait(lambda: any(line.what == "ended" for line in works.ledger()), "the block ends")
    works.start(HEADRACE_LEASE=str(LEASE))
    works.wait_until_final()
    stopped.process.send_signal(signal.SIGCONT)
    works.wait(lambda: works.ask("SELECT 1 FROM events WHERE kind = 'attempt.fenced'"), "the late outcome is noted")
    history = works.check()
    (fenced,) = [event for event in history.events if event.kind == "attempt.fenced"]
    assert (fenced.block, fenced.attempt) == ("sow", 1)


def test_another_engine_waits_until_nothing_of_a_dead_one_is_left(make_works: MakeWorks, database: str | None) -> None:
    """What stands above the blocks is slow to end them; the lease is far from over."""
    works = make_works(GATED, database)
    killed = works.start()
    works.begin("gated")
    works.wait(lambda: began(works, 1) == 1, "the run begins")
    above = [pid for pid, role in killer.below(killed.pid) if role in ("warden", "supervisor")]
    for pid in above:
        os.kill(pid, signal.SIGSTOP)
    killed.kill()
    alone(works, works.start())
    assert began(works, 2) == 0
    for pid in above:
        os.kill(pid, signal.SIGCONT)
    works.wait(lambda: began(works, 2) == 1, "the run goes on")
    works.open_gate("go")
    works.wait_until_final()
    assert {run.status for run in works.check().runs} == {"completed"}


def began(works: Works, number: int) -> int:
    """How many attempts with that number have begun."""
    return sum(line.what == "began" and line.number == number for line in works.ledger())


def alone(works: Works, engine: Engine) -> None:
    """That engine, which is the only one left, takes up a new run."""
    os.kill(engine.pid, 0)
    run = works.begin("free").run.id
    works.wait(lambda: works.ask(f"SELECT 1 FROM runs WHERE id = {run} AND status = 'completed'"), "it is completed")
