"""Tasks go in, outcomes come out: in turn and side by side, with what they printed."""

import os
import socket
import subprocess
import sys

import msgspec
import pytest

from headrace.executors import local
from headrace.settings import Settings
from headrace.worker import wire
from headrace.worker.bounds import Bounds

from .conftest import Desk, Site


@pytest.fixture
def desk(shared_desk: Desk) -> Desk:
    return shared_desk


def test_a_chain_runs_each_once_its_forerunner_is_done(site: Site, desk: Desk) -> None:
    for _ in range(20):
        outcome = desk.run(site.task("return 1"))
        assert (outcome.status, outcome.reason, outcome.epoch) == ("completed", "returned", 7)


def test_as_many_run_at_once_as_there_are_slots(site: Site, desk: Desk) -> None:
    tasks = [site.task("say('here'); wait_for('go')") for _ in range(5)]
    desk.submit(*tasks)
    assert (site.hear(), site.hear()) == ("here", "here")
    assert desk.silent()
    site.let("go")
    assert {desk.finished(each).status for each in tasks} == {"completed"}
    assert desk.executor.slots == 2


def test_a_burst_is_answered_in_full(site: Site, desk: Desk) -> None:
    first = site.task()
    tasks = [first, *(site.task(file=first.file) for _ in range(199))]
    desk.executor.submit(tuple(tasks))
    assert {desk.finished(each).status for each in tasks} == {"completed"}
    assert desk.silent()


def test_an_error_of_the_block_is_its_outcome(site: Site, desk: Desk) -> None:
    outcome = desk.run(site.task("raise ValueError('no such flight')"))
    assert (outcome.status, outcome.reason) == ("failed", "raised")
    assert outcome.failure
    assert (outcome.failure.type, outcome.failure.message) == ("ValueError", "no such flight")


def test_what_is_printed_is_in_the_log_when_the_outcome_is_there(site: Site, desk: Desk) -> None:
    task = site.task("print('one'); print('two', file=sys.stderr); os.write(1, b'three')")
    outcome = desk.run(task)
    found = {(line.stream, line.message) for line in site.log(task)}
    assert found == {("stdout", "one"), ("stderr", "two"), ("stdout", "three")}
    assert outcome.log_lines == 3


def test_each_attempt_has_its_own_lines(site: Site, desk: Desk) -> None:
    tasks = [site.task(f"print({number})") for number in range(6)]
    desk.submit(*tasks)
    for number, task in enumerate(tasks):
        desk.finished(task)
        assert [line.message for line in site.log(task)] == [str(number)]


def test_masked_values_are_in_neither_log_nor_failure(site: Site, desk: Desk) -> None:
    task = site.task("print('the key is hunter2'); raise ValueError('hunter2')", site.workplace(masks=("hunter2",)))
    failure = desk.run(task).failure
    assert failure
    assert "hunter2" not in repr(failure)
    assert "***" in failure.message
    lines = [line.message for line in site.log(task)]
    assert lines[0] == "the key is ***"
    assert "hunter2" not in "".join(lines)


def test_a_printed_flood_is_bounded_and_others_go_on_meanwhile(site: Site, desk: Desk) -> None:
    flood = site.task("for _ in range(50): os.write(1, (b'x' * 127 + b'\\n') * 8192)\nsay('done')")
    endless = site.task("say('drip')\nwhile True: os.write(1, (b'x' * 127 + b'\\n') * 8)")
    desk.submit(endless)
    assert site.hear() == "drip"
    outcome = desk.run(flood)
    assert (outcome.status, outcome.log_lines) == ("completed", 50 * 8192)
    assert 9 * 2**20 < sum(map(_size, site.log(flood))) < 20 * 2**20
    assert {desk.run(site.task()).status for _ in range(3)} == {"completed"}
    desk.executor.stop(endless.attempt, "enough")
    assert desk.finished(endless).status == "cancelled"


def _size(line: object) -> int:
    return len(str(line))


def test_a_fresh_process_has_run_nothing_and_runs_nothing_else(site: Site, desk: Desk) -> None:
    desk.run(site.task("say(os.getpid())"))
    pids = {site.hear()}
    for number in range(3):
        fresh = site.task(f"say(os.getpid()); wait_for('go{number}')", fresh_process=True)
        desk.submit(fresh)
        pids.add(pid := site.hear())
        gone = site.watch(int(pid))
        site.let(f"go{number}")
        assert desk.finished(fresh).status == "completed"
        gone.wait(10)
    assert len(pids) == 4


def test_profiles_of_large_outputs_follow(site: Site, desk: Desk) -> None:
    task = site.task("return list(range(400_000))")
    outcome = desk.run(task)
    assert outcome.profiles_follow
    assert [each.path for each in desk.profiled(task).outputs] == [each.path for each in outcome.outputs]


def test_profiles_are_not_waited_for_when_nobody_makes_them(site: Site, desk: Desk) -> None:
    task = site.task(
        "from headrace import outputs; outputs.profile = lambda *_: os._exit(1); return list(range(400_000))"
    )
    outcome = desk.run(task)
    assert (outcome.status, outcome.profiles_follow) == ("completed", True)
    assert desk.profiled(task).outputs == ()
    assert desk.run(site.task()).status == "completed"


def test_a_warm_worker_is_used_again(site: Site, desk: Desk) -> None:
    pids: set[str] = set()
    for _ in range(10):
        desk.run(site.task("say(os.getpid())"))
        pids.add(site.hear())
    assert len(pids) <= 3


def test_another_workplace_has_other_workers(site: Site, desk: Desk) -> None:
    other = site.workplace(environment={"COLOUR": "red"})
    body = "say(os.environ.get('COLOUR')); say(os.getpid())"
    desk.run(site.task(body))
    plain = site.hear(), site.hear()
    desk.run(site.task(body, other))
    red = site.hear(), site.hear()
    assert (plain[0], red[0]) == ("None", "red")
    assert plain[1] != red[1]


def test_many_workplaces_come_and_go(site: Site, desk: Desk) -> None:
    for number in range(8):
        other = site.workplace(environment={"NUMBER": str(number)})
        assert desk.run(site.task("say(os.environ['NUMBER'])", other)).status == "completed"
        assert site.hear() == str(number)
    assert desk.run(site.task("pass", site.workplace(environment={"NUMBER": "0"}))).status == "completed"


def test_a_worker_with_a_thread_left_behind_is_replaced(site: Site, desk: Desk) -> None:
    leaving = site.task("threading.Thread(target=time.sleep, args=(60,), daemon=True).start(); say(os.getpid())")
    assert desk.run(leaving).status == "completed"
    gone = site.watch(int(site.hear()))
    gone.wait(5)
    assert desk.run(site.task()).status == "completed"


def test_blocks_cannot_read_what_the_server_knows(site: Site, desk: Desk) -> None:
    environment = {"HEADRACE_DATABASE": "secret", "PATH": "/bin", "HOME": "/root", "LC_ALL": "C", "AWS": "1"}
    assert set(local.environment(environment, None)) == {"PATH", "HOME", "LC_ALL", "AWS"}
    assert set(local.environment(environment, ("MINE",))) == {"PATH", "HOME", "LC_ALL"}


def test_an_attempt_that_waits_can_be_stopped(site: Site, desk: Desk) -> None:
    holders = [site.task("say('here'); wait_for('go')") for _ in range(2)]
    waiting = site.task("say('never')")
    desk.submit(*holders, waiting)
    assert (site.hear(), site.hear()) == ("here", "here")
    desk.executor.stop(waiting.attempt, "not wanted")
    outcome = desk.finished(waiting)
    assert (outcome.status, outcome.reason) == ("cancelled", "not wanted")
    site.let("go")
    assert {desk.finished(each).status for each in holders} == {"completed"}


def test_stopping_what_is_finished_changes_nothing(site: Site, desk: Desk) -> None:
    task = site.task()
    desk.run(task)
    desk.executor.stop(task.attempt, "late")
    assert desk.run(site.task()).status == "completed"
    assert desk.silent()


def test_an_attempt_that_is_submitted_twice_runs_once(site: Site, desk: Desk) -> None:
    task = site.task("say('begun'); wait_for('go')")
    desk.submit(task, task)
    site.let("go")
    assert desk.finished(task).status == "completed"
    desk.submit(task)
    assert desk.run(site.task("say('another')")).status == "completed"
    assert (site.hear(), site.hear()) == ("begun", "another")
    assert desk.silent()


def test_a_supervisor_that_gets_an_attempt_twice_runs_it_once(site: Site, settings: Settings) -> None:
    ours, theirs = socket.socketpair()
    kept = os.open(os.devnull, os.O_RDONLY)
    bounds = msgspec.json.encode(Bounds.of(settings)).decode()
    command = [sys.executable, "-m", "headrace.worker.warden", str(theirs.fileno()), str(kept), bounds]
    with subprocess.Popen(command, pass_fds=[theirs.fileno(), kept]):
        theirs.close()
        task, other = site.task("say('begun')"), site.task("say('another')")
        for each in (task, task, other):
            wire.send(ours, each)
        assert sorted((site.hear(), site.hear())) == ["another", "begun"]
        reader: wire.Reader[wire.FromSupervisor] = wire.Reader(wire.FromSupervisor)
        answers: list[str] = []
        while set(answers) != {task.attempt, other.attempt}:
            answers += [each.attempt for each in reader.feed(ours.recv(2**16)) if isinstance(each, wire.Finished)]
        wire.send(ours, task)
        wire.send(ours, last := site.task("say('last')"))
        assert site.hear() == "last"
        while last.attempt not in answers:
            answers += [each.attempt for each in reader.feed(ours.recv(2**16)) if isinstance(each, wire.Finished)]
        assert sorted(answers) == sorted((task.attempt, other.attempt, last.attempt))
        ours.close()
    os.close(kept)


def test_an_outcome_carries_the_times_of_the_attempt(site: Site, desk: Desk) -> None:
    outcome: wire.Finished = desk.run(site.task())
    assert outcome.started_at and outcome.ended_at
    assert outcome.started_at <= outcome.ended_at
