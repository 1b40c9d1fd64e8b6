"""Whoever is killed in the middle of a write: a dataset has the old version or the new one, and one for each success."""

import os
import random
import signal

from tests.crash import fields
from tests.crash.conftest import KILLS, LONG, MakeWorks
from tests.crash.fields import Fields
from tests.crash.killer import below
from tests.crash.works import Engine, Works, pause

LEASE = 30.0 if LONG else 1.5  # seconds
TIMES = max(3, KILLS // 25)  # kills on each database
OPEN = 3  # runs that are kept going
COMMITTING = "SELECT uid FROM attempts WHERE status = 'committing'"
MINE = """SELECT 1 FROM attempts a JOIN block_runs b ON b.id = a.block_run_id JOIN runs r ON r.id = b.run_id
    JOIN engines e ON e.name = r.owner WHERE a.status = 'committing' AND e.pid = """


def test_whoever_is_killed_a_dataset_has_the_old_version_or_the_new(
    make_works: MakeWorks, database: str | None, seed: int
) -> None:
    works, draw = make_works(Fields(), database), random.Random(seed)
    engine = works.start()
    for _ in range(TIMES):
        feed(works)
        wait_for_a_moment(works, engine, draw)
        kill_one(engine, draw)
        if not engine.lives:
            engine = works.start()
    works.wait(lambda: alive(works, engine) and works.count_open() == 0, "every run is final")
    works.kill_engines()
    works.wait_until_nothing_lives()
    history = fields.check(works)
    assert {run.status for run in history.runs} == {"completed"}


def feed(works: Works) -> None:
    for _ in range(OPEN - works.count_open()):
        works.begin("fields")


def wait_for_a_moment(works: Works, engine: Engine, draw: random.Random) -> None:
    """Mostly one at which the engine commits; sooner or later after it begins."""
    if draw.random() < 0.8:
        works.wait(lambda: works.ask(f"{MINE}{engine.pid}") or works.count_open() == 0, "something is committed")
    pause(draw.choice([0.0, draw.uniform(0, 0.05), draw.uniform(0, 1)]))


def kill_one(engine: Engine, draw: random.Random) -> None:
    """As a rule the engine, for it commits."""
    if draw.random() < 0.8:
        engine.kill()
    elif others := [pid for pid, role in below(engine.pid) if role == "worker"]:
        os.kill(draw.choice(others), signal.SIGKILL)


def alive(works: Works, engine: Engine) -> bool:
    assert engine.lives, works.said()
    return True


ANEW = (  # what it had not tried yet when it was stopped it gives up without a word
    "SELECT 1 FROM events WHERE kind = 'attempt.fenced' UNION ALL SELECT 1 FROM engines WHERE pid = {}"
)


def test_who_is_stopped_before_its_commit_and_goes_on_later_makes_none(
    make_works: MakeWorks, postgres_url: str
) -> None:
    works = make_works(Fields(), postgres_url)
    stopped = works.start(HEADRACE_LEASE=str(LEASE))
    run = works.begin("fields").run.id
    works.wait(lambda: works.ask(COMMITTING), "something is to be committed")
    stopped.process.send_signal(signal.SIGSTOP)
    held = [str(row["uid"]) for row in works.ask(COMMITTING)]
    assert held, "it was stopped too late"
    works.start(HEADRACE_LEASE=str(LEASE))
    works.wait_until_final()
    stopped.process.send_signal(signal.SIGCONT)
    works.wait(lambda: works.ask(ANEW.format(stopped.process.pid)), "it is told that it was late, or begins anew")
    later = works.begin("fields").run.id
    works.wait_until_final()
    works.kill_engines()
    history = fields.check(works)
    assert [each.status for each in history.runs if each.id in (run, later)] == ["completed"] * 2
    kept = {attempt.uid: attempt for attempt in history.attempts}
    assert {kept[uid].status for uid in held} == {"completed"}, "the other has taken the very attempts up"
