"""However often and by whomever a run is asked for, under one key or for one fire time there is one."""

import itertools
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.crash import dying
from tests.crash.conftest import MakeWorks
from tests.crash.works import PATIENCE, Works

from headrace import clock, settings
from headrace.app import App
from headrace.model.trigger import Definition, TriggerType
from headrace.operations import asking, starting
from headrace.store.runs import Created, NewRun

COMMAND = (sys.executable, str(Path(dying.__file__)))
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MANY = 4


def test_who_died_while_asking_asks_again_under_the_same_key(make_works: MakeWorks, database: str | None) -> None:
    works = make_works(None, database)
    died = next(count for count in itertools.count() if not dies(works, count + 1))
    assert died
    works.start()
    works.wait_until_final()
    assert len(works.check().runs) == 1


def dies(works: Works, count: int) -> bool:
    """Whether `headrace run --detach` ends just after its so many-th commit; otherwise it has told the run's number."""
    words = ["run", works.folder, "chain", "--detach", "--key", "k", "--var", "key=k"]
    done = subprocess.run(
        [*COMMAND, "commit", "after", str(count), *words],
        env=works.environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    if done.returncode == -signal.SIGKILL:
        return True
    assert done.returncode == 0, done.stderr
    works.accepted.append(int(done.stdout.split()[-1]))
    return False


def test_many_schedulers_that_see_the_same_fire_times(make_works: MakeWorks, database: str | None) -> None:
    works = make_works(None, database)
    first = works.begin("chain").run
    new = NewRun(
        pipeline_id=first.pipeline_id,
        version_id=first.version_id,
        snapshot_id=first.snapshot_id,
        blocks=dict.fromkeys(works.mill.shapes["chain"].blocks),
        variables={},
        selection={},
        execution_date=NOON,
        reason="on time",
        trigger_id=add_trigger(works, first.pipeline_id),
    )
    times = [NOON + timedelta(minutes=minute) for minute in range(10)]
    together(lambda app: [app.store.runs.create(replace(new, fire_time=each), clock.now()) for each in times], works)
    works.start()
    works.wait_until_final()
    history = works.check()
    assert len([run for run in history.runs if run.fire_time is not None]) == len(times)


def test_many_who_ask_under_the_same_keys(make_works: MakeWorks, database: str | None) -> None:
    works = make_works(None, database)
    keys = [f"key {number}" for number in range(10)]
    asked = [asking.check(asking.Asked(works.folder, "chain", {"key": key}, key=key)) for key in keys]
    together(lambda app: [starting.create(app, each) for each in asked], works)
    works.start()
    works.wait_until_final()
    assert len(works.check().runs) == len(keys)


def together(deed: Callable[[App], list[Created]], works: Works) -> None:
    """Several do it at once, each with a connection of its own; all are told of the same runs."""
    told: list[list[int]] = []
    begin = threading.Barrier(MANY)

    def do() -> None:
        with App(settings.load(works.environment())) as app:
            begin.wait()
            told.append([created.run.id for created in deed(app)])

    threads = [threading.Thread(target=do) for _ in range(MANY)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert told == [told[0]] * MANY
    works.accepted += told[0]


def add_trigger(works: Works, pipeline_id: int) -> int:
    """The id of a trigger that nothing fires by itself."""
    with App(settings.load(works.environment())) as app:
        definition = Definition(name="called", type=TriggerType.API)
        return app.registry.create(pipeline_id, definition, NOON, active=True).id
