"""Many blocks that end in every way, at once and while processes are killed: each is answered exactly once."""

import random
import signal

import pytest

from headrace.worker import processes, wire

from .conftest import Desk, Site

ENDS = {
    "completed": "return 1",
    "raised": "raise ValueError",
    "exited": "os._exit(7)",
    "killed": "os.kill(os.getpid(), signal.SIGKILL)",
    "timed_out": "time.sleep(60)",
    "stopped": "say(0); time.sleep(60)",
    "leaving_a_thread": "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()",
    "leaving_a_process": "subprocess.Popen(['sleep', '60'])",
    "forking": "os.fork()",
    "talking": "print('x' * 1_000_000)",
}
OUTCOMES = {
    "raised": ("failed", "raised"),
    "exited": ("failed", "exited"),
    "killed": ("failed", "worker_died"),
    "timed_out": ("failed", "timed_out"),
    "stopped": ("cancelled", "asked"),
}


def submit_any(site: Site, desk: Desk, choice: random.Random, count: int) -> list[tuple[str, wire.Task]]:
    ends = [(how, ENDS[how]) for how in choice.choices(sorted(ENDS), k=count)]
    tasks = [
        (how, site.task(body, timeout=0.2 if how == "timed_out" else None, fresh_process=choice.random() < 0.2))
        for how, body in ends
    ]
    desk.submit(*(task for _, task in tasks))
    return tasks


@pytest.mark.parametrize("seed", range(2))
def test_every_block_is_answered_as_it_ended(site: Site, desk: Desk, seed: int) -> None:
    tasks = submit_any(site, desk, random.Random(seed), 40)
    for how, task in tasks:
        if how == "stopped":
            site.hear()
            desk.executor.stop(task.attempt, "asked")
        outcome = desk.finished(task)
        assert (how, outcome.status, outcome.reason) == (how, *OUTCOMES.get(how, ("completed", "returned")))
    assert desk.run(site.task()).status == "completed"
    assert desk.silent()


def test_every_block_is_answered_whoever_is_killed(site: Site, desk: Desk) -> None:
    choice = random.Random(7)
    for _ in range(3):
        tasks = submit_any(site, desk, choice, 12)
        for how, task in tasks:
            desk.executor.stop(task.attempt, "asked") if how == "stopped" else None
        below = [pid for child in site.wardens() for pid in processes.tree(child)]
        processes.signal_all(choice.sample(below, k=min(3, len(below))), signal.SIGKILL)
        for _, task in tasks:
            assert desk.finished(task).status in ("completed", "failed", "cancelled")
    assert desk.run(site.task()).status in ("completed", "failed")
    assert desk.run(site.task()).status == "completed"
    assert desk.silent()
