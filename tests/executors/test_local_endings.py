"""Blocks that do not end as they should, and what is said of them."""

import os
import signal
import sys
import textwrap
from collections.abc import Iterator

import pytest

from headrace import outputs
from headrace.executors import local
from headrace.settings import Settings
from headrace.worker import wire

from .conftest import PROMPT, Desk, Site

SLEEP = "say(os.getpid()); time.sleep(60)"


@pytest.fixture
def desk(shared_desk: Desk) -> Desk:
    return shared_desk


def test_a_killed_worker_fails_its_block_at_once_and_the_next_one_works(site: Site, desk: Desk) -> None:
    task = site.task("print('last words', flush=True); " + SLEEP)
    desk.submit(task)
    os.kill(int(site.hear()), signal.SIGKILL)
    outcome = desk.finished(task, within=PROMPT)
    assert (outcome.status, outcome.reason) == ("failed", "worker_died")
    assert outcome.failure and "SIGKILL" in outcome.failure.message
    messages = [line.message for line in site.log(task)]
    assert messages == ["last words", outcome.failure.message]
    assert desk.run(site.task()).status == "completed"


def test_other_blocks_do_not_notice(site: Site, desk: Desk) -> None:
    bystander = site.task("say(0); wait_for('go')")
    desk.submit(bystander)
    assert site.hear() == "0"
    victim = site.task(SLEEP)
    desk.submit(victim)
    os.kill(int(site.hear()), signal.SIGSEGV)
    outcome = desk.finished(victim)
    assert outcome.failure and "SIGSEGV" in outcome.failure.message
    site.let("go")
    assert desk.finished(bystander).status == "completed"


@pytest.mark.parametrize("code", [0, 3])
def test_a_block_that_ends_its_process(site: Site, desk: Desk, code: int) -> None:
    outcome = desk.run(site.task(f"print('bye', flush=True); os._exit({code})"))
    assert (outcome.status, outcome.reason) == ("failed", "exited")
    assert outcome.failure and f"exit code {code}" in outcome.failure.message
    assert outcome.log_lines == 1
    assert desk.run(site.task()).status == "completed"


def test_a_timeout_ends_the_block(site: Site, desk: Desk) -> None:
    task = site.task(SLEEP, timeout=0.3)
    desk.submit(task)
    gone = site.watch(int(site.hear()))
    outcome = desk.finished(task)
    gone.wait(0)
    assert (outcome.status, outcome.reason) == ("failed", "timed_out")
    assert outcome.failure and "0.3 s" in outcome.failure.message
    assert [line.message for line in site.log(task)] == [outcome.failure.message]
    assert desk.run(site.task()).status == "completed"


def test_a_timeout_that_is_not_reached_is_forgotten(site: Site, desk: Desk) -> None:
    assert desk.run(site.task(timeout=0.5)).status == "completed"
    task = site.task("time.sleep(1)")
    assert desk.run(task).status == "completed"


def test_a_stop_ends_the_block_with_its_reason(site: Site, desk: Desk) -> None:
    task = site.task(SLEEP)
    desk.submit(task)
    gone = site.watch(int(site.hear()))
    desk.executor.stop(task.attempt, "asked")
    outcome = desk.finished(task)
    gone.wait(0)
    assert (outcome.status, outcome.reason, outcome.failure) == ("cancelled", "asked", None)
    assert any("asked" in line.message for line in site.log(task))
    assert desk.run(site.task()).status == "completed"


@pytest.mark.parametrize("how", ["stop", "timeout"])
def test_a_block_that_will_not_end_is_killed(site: Site, desk: Desk, how: str) -> None:
    body = "signal.signal(signal.SIGTERM, signal.SIG_IGN); " + SLEEP
    task = site.task(body, timeout=0.3 if how == "timeout" else None)
    desk.submit(task)
    gone = site.watch(int(site.hear()))
    if how == "stop":
        desk.executor.stop(task.attempt, "asked")
    assert desk.finished(task).reason == {"stop": "asked", "timeout": "timed_out"}[how]
    gone.wait(0)


def test_a_block_may_clean_up_when_it_is_stopped(site: Site, patient: Desk) -> None:
    body = """
        def leave(*_):
            print('cleaned up', flush=True)
            raise SystemExit(0)
        signal.signal(signal.SIGTERM, leave)
        say(os.getpid())
        time.sleep(60)
    """
    task = site.task(body)
    patient.submit(task)
    site.hear()
    patient.executor.stop(task.attempt, "asked")
    outcome = patient.finished(task)
    assert (outcome.status, outcome.reason) == ("cancelled", "asked")
    assert "cleaned up" in [line.message for line in site.log(task)]


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Blocks that end by themselves have all the time for it."""
    opened = Desk(local.Local(Settings(home=tmp_path_factory.mktemp("patient"), workers=2, stop_grace=600)))
    yield opened
    opened.executor.close()


def ended(site: Site, desk: Desk, how: str, body: str) -> tuple[wire.Finished, list[str]]:
    """The outcome of a block that is stopped or timed out once it has said something, and the lines it printed then."""
    task = site.task(body, timeout=0.3 if how == "timeout" else None)
    desk.submit(task)
    site.hear()
    if how == "stop":
        desk.executor.stop(task.attempt, "asked")
    return desk.finished(task), [line.message for line in site.log(task) if line.stream == "stdout"]


HOW = pytest.mark.parametrize("how", ["stop", "timeout"])
STOPPED = {"stop": ("cancelled", "asked"), "timeout": ("failed", "timed_out")}


@HOW
def test_what_a_block_has_open_is_closed_when_it_is_ended(site: Site, patient: Desk, how: str) -> None:
    body = """
        import contextlib
        with contextlib.closing(type('Door', (), {'close': lambda _: print('door closed')})()):
            try:
                say(0)
                time.sleep(60)
            except Exception:
                print('an error?')
            finally:
                print('put away')
    """
    outcome, printed = ended(site, patient, how, body)
    assert (outcome.status, outcome.reason) == STOPPED[how]
    assert printed == ["put away", "door closed"]


@HOW
@pytest.mark.parametrize("then", ["return 1", "raise ValueError('no')", "os._exit(0)"])
def test_whatever_a_block_does_when_it_is_asked_to_end_it_was_ended(
    site: Site, patient: Desk, how: str, then: str
) -> None:
    body = f"""
        try:
            say(0)
            time.sleep(60)
        except BaseException:
            print('no', flush=True)
            {then}
    """
    outcome, printed = ended(site, patient, how, body)
    assert (outcome.status, outcome.reason, outcome.outputs) == (*STOPPED[how], ())
    assert printed == ["no"]


@HOW
def test_a_block_that_goes_on_when_it_is_asked_to_end_is_killed(site: Site, desk: Desk, how: str) -> None:
    body = """
        while True:
            with contextlib.suppress(BaseException):
                say(0)
                time.sleep(60)
    """
    outcome, _ = ended(site, desk, how, "import contextlib\n" + textwrap.dedent(body))
    assert (outcome.status, outcome.reason) == STOPPED[how]


def test_a_timeout_tells_where_the_block_was(site: Site, patient: Desk) -> None:
    outcome, _ = ended(site, patient, "timeout", "say(0)\ntime.sleep(61)")
    failure = outcome.failure
    assert failure
    assert (failure.type, failure.function, failure.code) == ("TimedOut", "block", "time.sleep(61)")
    assert "0.3 s" in failure.message
    assert "time.sleep(61)" in failure.traceback


@HOW
def test_coroutines_are_ended_as_well(site: Site, patient: Desk, how: str) -> None:
    body = """
        import asyncio
        async def one(name):
            try:
                await asyncio.sleep(60)
            finally:
                print(name)
        async def both():
            background = asyncio.create_task(one('aside'))
            asyncio.get_running_loop().call_later(0.01, say, 'both wait')
            await one('main')
        asyncio.run(both())
    """
    outcome, printed = ended(site, patient, how, body)
    assert (outcome.status, outcome.reason) == STOPPED[how]
    assert sorted(printed) == ["aside", "main"]


def test_what_a_block_forks_can_be_ended_as_ever(site: Site, desk: Desk) -> None:
    body = """
        pid = os.fork()
        if pid == 0:
            say('forked')
            time.sleep(60)
        wait_for('go')
        os.kill(pid, signal.SIGTERM)
        return os.WTERMSIG(os.waitpid(pid, 0)[1])
    """
    task = site.task(body)
    desk.submit(task)
    site.hear()
    site.let("go")
    outcome = desk.finished(task)
    assert outputs.argument(outcome.single, outcome.outputs, site.root) == signal.SIGTERM


def test_a_block_that_somebody_else_asks_to_end_has_failed(site: Site, desk: Desk) -> None:
    task = site.task("say(os.getpid()); time.sleep(60)")
    desk.submit(task)
    os.kill(int(site.hear()), signal.SIGTERM)
    outcome = desk.finished(task)
    assert (outcome.status, outcome.reason) == ("failed", "worker_died")
    assert outcome.failure and outcome.failure.type == "Stopped"


def test_a_block_beyond_its_memory_is_ended(site: Site, desk: Desk) -> None:
    task = site.task("held = bytearray(os.urandom(1)) * 400_000_000; time.sleep(60)", memory_limit=200 * 2**20)
    outcome = desk.run(task)
    assert (outcome.status, outcome.reason) == ("failed", "out_of_memory")
    assert outcome.failure and "200 MiB" in outcome.failure.message
    assert desk.run(site.task()).status == "completed"


def test_memory_of_what_the_block_started_counts(site: Site, desk: Desk) -> None:
    code = "import time; held = bytearray(b'x') * 400_000_000; time.sleep(60)"
    task = site.task(f"subprocess.run([{sys.executable!r}, '-c', {code!r}])", memory_limit=200 * 2**20)
    assert desk.run(task).reason == "out_of_memory"


def test_a_block_within_its_memory_is_left_alone(site: Site, desk: Desk) -> None:
    task = site.task("held = bytearray(b'x') * 50_000_000; time.sleep(0.3)", memory_limit=500 * 2**20)
    assert desk.run(task).status == "completed"


def test_a_block_that_cuts_its_worker_off(site: Site, desk: Desk) -> None:
    outcome = desk.run(site.task("os.closerange(3, 100); time.sleep(60)"))
    assert (outcome.status, outcome.reason) == ("failed", "worker_died")
    assert desk.run(site.task()).status == "completed"


def test_a_block_that_closes_its_streams(site: Site, desk: Desk) -> None:
    assert desk.run(site.task("os.close(1); os.close(2)")).status in ("completed", "failed")
    assert desk.run(site.task("print('here')")).status == "completed"


def test_a_fork_that_runs_on_is_not_believed(site: Site, desk: Desk) -> None:
    outcome = desk.run(site.task("os.fork(); return 1"))
    assert outcome.status == "completed"
    assert desk.run(site.task()).status == "completed"
    assert desk.silent()


@pytest.mark.parametrize("imports", [(), ("msgspec",)])
def test_a_workplace_that_is_not_there_fails_its_own_tasks_only(
    site: Site, desk: Desk, imports: tuple[str, ...]
) -> None:
    lost = site.task("pass", site.workplace(cwd=str(site.root / "nowhere")), imports=imports)
    desk.submit(lost)
    assert desk.run(site.task()).status == "completed"
    outcome = desk.finished(lost)
    assert (outcome.status, outcome.reason) == ("failed", "no_worker")
    assert outcome.failure and "nowhere" in outcome.failure.message
