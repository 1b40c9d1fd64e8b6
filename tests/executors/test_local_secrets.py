"""A secret that a block has read is in nothing that is kept of what it says, however it says it, and however it ends."""

from pathlib import Path

import pytest

from headrace import outputs
from headrace.worker import wire

from .conftest import Desk, Site

SECRET = "zebra crossing/77"
READ = "from mage_ai.data_preparation.shared.secrets import get_secret_value as read\n"
MASKS = (SECRET, "zebra%20crossing/77")


def _run(site: Site, desk: Desk, body: str) -> tuple[wire.Task, wire.Finished]:
    """A block of that body, which is told of the secret that it reads; its task does not know it."""
    task = site.task(READ + body)
    desk.submit(task)
    asked = desk.asked(task)
    assert asked.request == wire.ReadSecret("K")
    answered = wire.Answered(attempt=task.attempt, number=asked.number, answer=wire.Secret(SECRET, MASKS))
    desk.executor.answer(answered)
    return task, desk.finished(task)


def _said(site: Site, task: wire.Task) -> str:
    assert SECRET not in Path(task.log).read_text()
    return "\n".join(line.message for line in site.log(task))


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("print('got', key)", "got ***"),
        ("print('before', end=' '); print(key)", "before ***"),
        ("import urllib.parse; print(urllib.parse.quote(key))", "***"),
        ("import logging; logging.error('got %s', key)", "got ***"),
        ("kwargs['logger'].info('tagged', key=key)", "tagged"),
        ("subprocess.run([sys.executable, '-c', f'print({key!r})'])", "***"),
        ("print('x' * 9_000_000); print('last', key)", "last ***"),
    ],
)
def test_what_a_block_says_is_masked(site: Site, desk: Desk, said: str, shown: str) -> None:
    task, finished = _run(site, desk, f"print('first')\nkey = read('K')\n{said}")
    assert finished.status == "completed"
    lines = _said(site, task).split("\n")
    assert (lines[0], lines[-1]) == ("first", shown)


def test_what_was_begun_before_it_was_read_is_masked_as_well(site: Site, desk: Desk) -> None:
    task, _ = _run(site, desk, "print('x' * 300_000, end=''); key = read('K'); print(key + 'y' * 300_000)")
    assert _said(site, task).startswith("xxx")


def test_why_a_block_failed_is_masked(site: Site, desk: Desk) -> None:
    task, finished = _run(site, desk, "raise ValueError(read('K'))")
    assert finished.failure
    assert finished.failure.message == "***"
    assert SECRET not in repr(finished)
    assert "ValueError: ***" in _said(site, task)


def test_what_a_test_says_is_masked(site: Site, desk: Desk) -> None:
    test = "\n\n@test\ndef check(out, *args):\n    assert out == 1, f'not {out}'"
    task = site.task(f"{READ}return read('K')")
    file = site.project / task.file
    file.write_text(file.read_text() + test)
    desk.submit(task)
    answer = wire.Secret(SECRET, MASKS)
    desk.executor.answer(wire.Answered(attempt=task.attempt, number=desk.asked(task).number, answer=answer))
    finished = desk.finished(task)
    assert [each.message for each in finished.tests] == ["not ***"]
    assert finished.failure and "not ***" in finished.failure.message
    assert SECRET not in _said(site, task)


def test_what_one_block_has_read_is_not_masked_in_the_next_of_its_worker(site: Site, desk: Desk) -> None:
    told = [_run(site, desk, "read('K'); return os.getpid()")[1] for _ in range(2)]
    after = [site.task(f"print({SECRET!r}); return os.getpid()") for _ in range(4)]
    finished = [desk.run(task) for task in after]
    of_worker = {outputs.load(each.outputs[0], site.root) for each in told}
    assert of_worker & {outputs.load(each.outputs[0], site.root) for each in finished}
    assert [line.message for task in after for line in site.log(task)] == [SECRET] * 4
