"""Blocks run as long as the engine says that they may, and no longer, even while the engine itself stands still."""

import os
import signal
import subprocess
import sys

import msgspec

from headrace import clock
from headrace.executors import local
from headrace.settings import Settings
from headrace.worker import wire

from .conftest import PATIENCE, Desk, Site
from .test_local_survivors import DETACHED

LAPSED = ("failed", "lease_lapsed")
SLEEP = "say(f'block {os.getpid()}'); time.sleep(600)"


def ended(desk: Desk, task: wire.Task) -> tuple[str, str]:
    outcome = desk.finished(task)
    return outcome.status, outcome.reason


def pids_heard(site: Site, count: int) -> list[int]:
    return [int(site.hear().split()[1]) for _ in range(count)]


def test_past_the_lease_everything_is_ended_and_answered(site: Site, desk: Desk) -> None:
    running = [site.task(DETACHED + "    " + SLEEP) for _ in range(2)]
    waiting = site.task("say('never')")
    desk.submit(*running, waiting)
    gone = site.watch(*pids_heard(site, 4))
    desk.executor.extend(clock.boottime() + 0.05)
    for task in (*running, waiting):
        assert ended(desk, task) == LAPSED
    gone.wait(0)
    for task in running:
        failure = desk.finished(task).failure
        assert failure and [line.message for line in site.log(task)] == [failure.message]


def test_what_comes_past_the_lease_is_refused_until_there_is_another(site: Site, desk: Desk) -> None:
    desk.executor.extend(clock.boottime())
    for refused in (site.task("say('never')"), site.task(workplace=site.workplace(cwd="/nowhere"))):
        desk.submit(refused)
        assert ended(desk, refused) == LAPSED
    desk.executor.extend(clock.boottime() + 600)
    assert desk.run(site.task("say('again')")).status == "completed"
    assert site.hear() == "again"


def test_a_lease_that_is_extended_in_time_ends_nothing(site: Site, desk: Desk) -> None:
    task = site.task("say('here'); wait_for('go'); time.sleep(0.6)")
    desk.submit(task)
    assert site.hear() == "here"
    desk.executor.extend(clock.boottime() + 0.5)
    desk.executor.extend(clock.boottime() + 600)
    site.let("go")
    assert ended(desk, task) == ("completed", "returned")


def test_the_last_word_holds_even_when_it_says_less(site: Site, desk: Desk) -> None:
    task = site.task(SLEEP)
    desk.submit(task)
    pids_heard(site, 1)
    desk.executor.extend(clock.boottime() + 600)
    desk.executor.extend(clock.boottime() + 0.05)
    assert ended(desk, task) == LAPSED


def test_time_to_end_is_over_with_the_lease(site: Site, desk: Desk) -> None:
    task = site.task("signal.signal(signal.SIGTERM, lambda *_: say('asked')); " + SLEEP)
    patient = Desk(_patient(site))
    patient.submit(task)
    gone = site.watch(*pids_heard(site, 1))
    patient.executor.stop(task.attempt, "asked")
    assert site.hear() == "asked"
    patient.executor.extend(clock.boottime())
    assert ended(patient, task) == ("cancelled", "asked")
    gone.wait(0)
    patient.executor.close()


def _patient(site: Site) -> local.Local:
    return local.Local(Settings(home=site.root, workers=2, stop_grace=600))


def test_the_next_supervisor_knows_the_lease(site: Site, desk: Desk) -> None:
    desk.executor.extend(clock.boottime())
    (warden,) = site.wardens()
    gone = site.watch(warden)
    os.kill(warden, signal.SIGKILL)
    gone.wait(PATIENCE)
    outcomes = [desk.run(site.task("say('never')")) for _ in range(2)]  # the first may have met the supervisor's end
    assert (outcomes[1].status, outcomes[1].reason) == LAPSED


ENGINE = """
import queue
from pathlib import Path
import msgspec
from headrace import clock
from headrace.executors import local
from headrace.settings import Settings
from headrace.worker import wire

reports = queue.SimpleQueue()
executor = local.Local(Settings(home=Path({root!r}), workers=2))
executor.start(reports.put)
task = msgspec.msgpack.decode(Path({task!r}).read_bytes(), type=wire.Task)
executor.submit((task,))
input()
executor.extend(clock.boottime() + 1)
print("extended", flush=True)
report = reports.get()
print(report.status, report.reason, flush=True)
executor.close()
"""


def test_the_lease_ends_while_the_engine_is_stopped(site: Site) -> None:
    file = site.root / "task"
    file.write_bytes(msgspec.msgpack.encode(site.task(DETACHED + "    " + SLEEP)))
    code = ENGINE.format(root=str(site.root), task=str(file))
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as engine:
        assert engine.stdin and engine.stdout
        gone = site.watch(*pids_heard(site, 2))
        engine.stdin.write("\n")
        engine.stdin.flush()
        assert engine.stdout.readline() == "extended\n"
        engine.send_signal(signal.SIGSTOP)
        gone.wait(PATIENCE)
        engine.send_signal(signal.SIGCONT)
        assert engine.stdout.readline() == "failed lease_lapsed\n"
    assert engine.returncode == 0
