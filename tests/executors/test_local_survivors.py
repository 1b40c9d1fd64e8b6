"""Whatever dies, everything below it is gone, and everything in flight is answered."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from headrace.executors import local
from headrace.settings import Settings
from headrace.worker import processes, wire

from .conftest import Desk, Site

SLEEP = "say(f'block {os.getpid()}'); time.sleep(600)"

# Starts two processes in sessions of their own, whose parents are gone; the second says its id.
DETACHED = """
    subprocess.run(['sh', '-c', 'setsid sleep 600 </dev/null >/dev/null 2>&1 &'])
    if os.fork() == 0:
        os.setsid()
        if os.fork():
            os._exit(0)
        say(f'detached {os.getpid()}')
        time.sleep(600)
        os._exit(0)
    os.wait()
"""


@pytest.mark.parametrize("how", ["stop", "timeout", "exit", "kill"])
def test_what_a_block_detached_ends_with_it(site: Site, desk: Desk, how: str) -> None:
    end = "wait_for('go'); os._exit(1)" if how == "exit" else "time.sleep(600)"
    task = site.task(DETACHED + f"    say(f'block {{os.getpid()}}'); {end}", timeout=1.5 if how == "timeout" else None)
    desk.submit(task)
    pids = heard(site, 2)
    gone = site.watch(*pids.values())
    if how == "stop":
        desk.executor.stop(task.attempt, "asked")
    if how == "kill":
        os.kill(pids["block"], signal.SIGKILL)
    site.let("go")
    assert desk.finished(task).status in ("failed", "cancelled")
    gone.wait(0)
    assert _sleepers(site) == []


def test_what_a_finished_block_left_running_ends(site: Site, desk: Desk) -> None:
    task = site.task(DETACHED + "    wait_for('go')")
    desk.submit(task)
    gone = site.watch(*heard(site, 1).values())
    site.let("go")
    assert desk.finished(task).status == "completed"
    gone.wait(10)


def heard(site: Site, count: int) -> dict[str, int]:
    """The ids that so many processes say, in whatever order."""
    return {who: int(pid) for who, pid in (site.hear().split() for _ in range(count))}


def _sleepers(site: Site) -> list[int]:
    """Processes of the site that run another program than headrace."""
    return [pid for pid in site.processes() if not _comm(pid).startswith("headrace")]


def _comm(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text()
    except OSError:
        return "headrace"


@pytest.mark.parametrize("whom", ["supervisor", "warden"])
def test_a_killed_supervisor_is_replaced_and_what_ran_is_answered(site: Site, desk: Desk, whom: str) -> None:
    (warden,) = site.wardens()
    desk.run(site.task())
    (supervisor,) = processes.children(warden)
    running = [site.task(DETACHED + "    " + SLEEP) for _ in range(2)]
    waiting = site.task()
    desk.submit(*running, waiting)
    gone = site.watch(warden, *(pid for _ in range(4) for pid in heard(site, 1).values()))
    os.kill(supervisor if whom == "supervisor" else warden, signal.SIGKILL)
    for task in (*running, waiting):
        outcome = desk.finished(task)
        assert (outcome.status, outcome.reason) == ("failed", "worker_died")
    gone.wait(0)
    assert site.processes() == []
    assert desk.run(site.task()).status == "completed"
    assert desk.silent()


ENGINE = """
import time
from pathlib import Path
from headrace.executors import local
from headrace.settings import Settings
import msgspec
from headrace.worker import wire

executor = local.Local(Settings(home=Path({root!r}), workers=2))
executor.start(print)
executor.submit((msgspec.msgpack.decode(Path({task!r}).read_bytes(), type=wire.Task),))
time.sleep(600)
"""


@pytest.fixture
def engine(site: Site) -> "Engine":
    return Engine(site)


class Engine:
    """Another process with an executor, which runs one task."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def run(self, body: str) -> subprocess.Popen[bytes]:
        self.task = self._site.task(body)
        message = self._site.root / "task"
        message.write_bytes(wire.encode(self.task)[4:])
        code = ENGINE.format(root=str(self._site.root), task=str(message))
        return subprocess.Popen([sys.executable, "-c", code])


@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_outlives_the_engine(site: Site, engine: Engine, by: signal.Signals) -> None:
    process = engine.run(
        "print('last words', flush=True)\n" + textwrap.dedent(DETACHED) + "say(os.getpid()); time.sleep(600)"
    )
    site.hear(), site.hear()
    everyone = site.processes()
    assert len(everyone) >= 6
    gone = site.watch(*everyone)
    process.send_signal(by)
    process.wait()
    gone.wait(3)
    assert site.processes() == []
    assert "last words" in [line.message for line in site.log(engine.task)]


def test_closing_ends_what_runs_and_reports_nothing(site: Site, settings: Settings) -> None:
    desk = Desk(local.Local(settings))
    desk.submit(site.task(DETACHED + "    " + SLEEP), site.task(SLEEP), site.task(SLEEP))
    heard(site, 3)
    desk.executor.close()
    assert site.processes() == []
    assert desk.silent()


def test_a_killed_template_is_replaced(site: Site, desk: Desk) -> None:
    assert desk.run(site.task()).status == "completed"
    (warden,) = site.wardens()
    (supervisor,) = processes.children(warden)
    template = processes.children(supervisor)[0]
    assert _comm(template).startswith("headrace-templ")
    gone = site.watch(template)
    os.kill(template, signal.SIGKILL)
    gone.wait(1)
    for _ in range(5):
        assert desk.run(site.task(fresh_process=True)).status == "completed"


def test_a_task_for_a_worker_that_had_died_idle_goes_to_another(site: Site, desk: Desk) -> None:
    for _ in range(5):  # by then there is a worker to spare
        desk.run(site.task())
    tasks = [site.task("say('begun')") for _ in range(2)]
    idle = [pid for pid in site.processes() if _comm(pid).startswith("headrace-worker")]
    processes.signal_all(idle, signal.SIGSTOP)
    desk.submit(*tasks)
    processes.signal_all(idle, signal.SIGKILL)
    assert {desk.finished(each).status for each in tasks} == {"completed"}
    assert (site.hear(), site.hear()) == ("begun", "begun")


def test_a_supervisor_that_cannot_start_is_no_worker(
    site: Site, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    (site.root / "sitecustomize.py").write_text("import os; os._exit(5)")
    monkeypatch.setenv("PYTHONPATH", str(site.root))
    desk = Desk(local.Local(settings))
    outcome = desk.run(site.task())
    assert (outcome.status, outcome.reason) == ("failed", "no_worker")
    assert outcome.failure and "with 5" in outcome.failure.message
    monkeypatch.delenv("PYTHONPATH")
    assert desk.run(site.task()).status == "completed"
    desk.executor.close()


def test_what_comes_after_the_close_is_not_taken(site: Site, settings: Settings) -> None:
    desk = Desk(local.Local(settings))
    desk.executor.close()
    desk.submit(site.task("say('never')"))
    desk.executor.stop("never-1", "late")
    assert site.processes() == []
    assert desk.silent()


def test_closing_before_anything_was_asked(site: Site, settings: Settings) -> None:
    executor = local.Local(settings)
    executor.start(lambda _: None)
    executor.close()
    assert site.processes() == []
    executor.close()
