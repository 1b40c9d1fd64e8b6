"""Triggers: ten thousand at rest, ten thousand due at once, and how late the first block of a run begins."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from statistics import quantiles

import sqlalchemy as sa

from bench import databases, floors, projects, restarting, runs
from bench.figures import Figure
from headrace import clock, identity, store
from headrace.app import App
from headrace.engine.scheduler import Scheduler
from headrace.model.query import Query
from headrace.model.run import Run
from headrace.model.trigger import Definition, Trigger, TriggerType
from headrace.operations import asking, starting
from headrace.operations import triggers as operations
from headrace.store import creating, rows, tables
from headrace.store import databases as opening
from headrace.store.script import Script

COUNT, REST, MINUTE_OF = 10_000, 20.0, 100
SECONDS = 65.0  # of measuring lateness
AT_ONCE, BESIDE = 200, 50


def measure() -> Iterator[Figure]:
    yield from databases.on_each(_on)


def _on(name: str, folder: Path, database: str | None) -> Iterator[Figure]:
    project = projects.write(folder / "mill", "one", projects.chain(1), {})
    yield from _late(name, folder / "lateness", database, project)
    yield from _rest(name, folder / "home", database, project)
    yield from _all_due(name, folder / "home", database)


def _rest(name: str, home: Path, database: str | None, project: Path) -> Iterator[Figure]:
    """What an engine uses of a processor while ten thousand triggers wait for next month."""
    with runs.opened(home, database) as app:
        first = _trigger(app, project, "first", "0 0 1 * *")
        _copy(home, database, first, COUNT - 1)
    environment = {**os.environ, "HEADRACE_HOME": str(home), "HEADRACE_DATABASE": database or ""}
    engine = restarting.start(environment)
    idle = subprocess.Popen([sys.executable, "-c", "import threading\nwhile True: threading.Event().wait(5)"])
    try:
        time.sleep(5)  # until both have come to rest
        used, floor = _used([engine.pid, *below(engine.pid)], idle.pid)
    finally:
        idle.kill()
        idle.wait()
        restarting.kill(engine)
    note = "floor: an interpreter that looks once in five seconds"
    yield Figure(f"{name}: {COUNT} triggers at rest, of a core", [100 * used], [100 * floor], "%", note)


def _used(processes: Sequence[int], idle: int) -> tuple[float, float]:
    """Of a processor's time, how much each of the two used for a while."""
    before, began = (sum(map(spent, processes)), spent(idle)), time.monotonic()
    time.sleep(REST)
    taken = time.monotonic() - began
    return (sum(map(spent, processes)) - before[0]) / taken, max(1e-6, spent(idle) - before[1]) / taken


def spent(process: int) -> float:
    """Seconds of a processor that its threads have had."""
    threads = Path(f"/proc/{process}/task").glob("*/schedstat")
    return sum(int(each.read_text().split()[0]) for each in threads) / 1e9


def below(process: int) -> list[int]:
    found = subprocess.run(["pgrep", "-P", str(process)], capture_output=True, text=True, check=False).stdout.split()
    return [each for child in map(int, found) for each in (child, *below(child))]


def _all_due(name: str, home: Path, database: str | None) -> Iterator[Figure]:
    """How long until all of ten thousand have their run, which is the delay of the last."""
    with runs.opened(home, database) as app:
        now = app.store.triggers.next_due()
        assert now
        taken = [floors.timed(lambda: Scheduler(app.store, app.maker).run_once(now))]
        _assert_each_once(home, database, now, COUNT)
        floor = _inserted(home, database)
        note = f"floor: as many rows of runs, blocks and events, {AT_ONCE} runs a commit"
        yield Figure(f"{name}: {COUNT} triggers due at once", taken, [floor], "s", note)
        if database:
            yield Figure(f"{name}: the same with two engines", [_by_two(home, database, app)], [floor], "s", note)


def _by_two(home: Path, database: str, app: App) -> float:
    now = app.store.triggers.next_due()
    assert now
    with closing(store.open(home, database)) as other, ThreadPoolExecutor(2) as threads:
        both = [Scheduler(each, app.maker) for each in (app.store, other)]
        taken = floors.timed(lambda: list(threads.map(Scheduler.run_once, both, [now, now])))
        while (again := app.store.triggers.next_due()) and again <= now:
            both[0].run_once(now)
    _assert_each_once(home, database, now, COUNT)
    return taken


def _assert_each_once(home: Path, database: str | None, now: datetime, count: int) -> None:
    with closing(opening.open(home, database)) as opened, opened.read() as connection:
        those = sa.select(tables.runs.c.trigger_id).where(tables.runs.c.fire_time == now)
        found = list(connection.scalars(those))
    if (len(found), len(set(found))) != (count, count):
        raise RuntimeError(f"{len(found)} runs of {len(set(found))} triggers, not {count}")


def _inserted(home: Path, database: str | None) -> float:
    """Seconds to insert the rows of as many runs, and nothing else."""
    with closing(opening.open(home, database)) as opened:
        with opened.read() as connection:
            row = dict(connection.execute(sa.select(tables.runs).limit(1)).mappings().one())
        row |= {"fire_time": None, "trigger_id": None}
        at = row["created_at"]
        event = {"block": None, "attempt": None, "at": at, "kind": "run.create", "status": "initial", "reason": ""}
        began = time.perf_counter()
        for _ in range(COUNT // AT_ONCE):
            uids = [identity.new() for _ in range(AT_ONCE)]
            with opened.write() as connection, Script(connection) as script:
                script.say_of_each(creating.RUN, [row | {"uid": uid} for uid in uids])
                script.say_of_each(rows.NEW_BLOCK, [rows.new_block(uid, "b0", at=at) for uid in uids])
                script.say_of_each(rows.NEW_EVENT, [event | {"of_run": uid} for uid in uids])
        return time.perf_counter() - began


def _late(name: str, home: Path, database: str | None, project: Path) -> Iterator[Figure]:
    """From a fire time to the first block's start, with a hundred triggers that each fire once a minute."""
    with runs.engine(home, database) as app:
        runs.run(app, project, "one")
        beside = [_plain(app, project) for _ in range(BESIDE)]
        made = [_trigger(app, project, f"t{n}", f"* * * * * {n * 60 // MINUTE_OF}") for n in range(MINUTE_OF)]
        time.sleep(5)  # until what was enabled late has come to rest
        since = clock.now()
        time.sleep(SECONDS)
        fired = [each.run for each in app.store.runs.page(Query(), 10 * MINUTE_OF).runs if each.run.fire_time]
        until = clock.now() - timedelta(seconds=2)
        for each in made:
            operations.delete(app, each)
        late = [_lateness(app, run) for run in fired if run.fire_time and since <= run.fire_time <= until]
    floor = [timer + run for timer, run in zip(_wakes(BESIDE), beside, strict=True)]
    note = f"{len(late)} runs; floor: a timer, and a run that is asked for"
    for rank, label in ((50, "p50"), (99, "p99")):
        figure = f"{name}: fire time to first block, {label}"
        yield Figure(figure, [_rank(late, rank)], [_rank(floor, rank)], "ms", note)


def _rank(samples: Sequence[float], rank: int) -> float:
    return 1000 * quantiles(samples, n=100, method="inclusive")[rank - 1]


def _lateness(app: App, run: Run) -> float:
    assert run.fire_time
    return (_first(app, run) - run.fire_time).total_seconds()


def _plain(app: App, project: Path) -> float:
    """Seconds from the creation of a run that is asked for to its first block, at the pace of the triggers."""
    time.sleep(60 / MINUTE_OF)
    run = starting.create(app, asking.check(asking.Asked(project, "one", {}))).run
    return (_first(app, run) - run.created_at).total_seconds()


def _first(app: App, run: Run) -> datetime:
    """When the run's first block started; waits for it."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        tries = app.store.runs.attempts(row.id for row in app.store.runs.block_runs(run.id))
        if started := [each.started_at for attempts in tries.values() for each in attempts]:
            return min(started)
        time.sleep(0.005)
    raise RuntimeError(f"run {run.id} does not begin")


def _wakes(count: int) -> list[float]:
    """Seconds that a thread wakes after the moment it was to wake at."""
    waiting = threading.Event()
    return [floors.timed(lambda: waiting.wait(0.05)) - 0.05 for _ in range(count)]


def _trigger(app: App, project: Path, name: str, interval: str) -> Trigger:
    definition = Definition(name=name, type=TriggerType.TIME, interval=interval)
    return operations.create(app, project, "one", definition, active=True)


def _copy(home: Path, database: str | None, trigger: Trigger, count: int) -> None:
    """As many triggers like that one, by one statement."""
    same = ", ".join(f't."{each.name}"' for each in tables.triggers.c if each.name not in ("id", "uid", "name"))
    names = same.replace("t.", "")
    numbers = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})"
    copying = f"SELECT 'copy-' || i, 'copy ' || i, {same} FROM n, triggers t WHERE t.id = {trigger.id}"
    with closing(opening.open(home, database)) as opened, opened.write() as connection:
        if database:
            text = f"INSERT INTO triggers (uid, name, {names}) {numbers} {copying}"
        else:
            text = f"{numbers} INSERT INTO triggers (uid, name, {names}) {copying}"
        connection.execute(sa.text(text))
