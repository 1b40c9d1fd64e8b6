"""Blocks that do not end as they should, and what is said of them."""

import os
import signal
import sys

import pytest

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


def test_a_block_may_clean_up_when_it_is_stopped(site: Site, desk: Desk) -> None:
    body = """
        def leave(*_):
            print('cleaned up', flush=True)
            raise SystemExit(0)
        signal.signal(signal.SIGTERM, leave)
        say(os.getpid())
        time.sleep(60)
    """
    task = site.task(body)
    desk.submit(task)
    site.hear()
    desk.executor.stop(task.attempt, "asked")
    outcome = desk.finished(task)
    assert (outcome.status, outcome.reason) == ("cancelled", "asked")
    assert "cleaned up" in [line.message for line in site.log(task)]


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
