import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from headrace.logs.growth import Growth

PATIENCE = 30.0  # seconds after which a test gives up


@pytest.fixture
def growth(tmp_path: Path) -> Iterator[Growth]:
    found = Growth(tmp_path / "logs")
    yield found
    found.close()


class Woken:
    """How often a watch of a run called back."""

    def __init__(self, growth: Growth, run: str) -> None:
        self._calls = threading.Semaphore(0)
        self.close = growth.watch(run, self._calls.release)

    def wait(self) -> bool:
        return self._calls.acquire(timeout=PATIENCE)

    def forget(self) -> None:
        """Takes back the wakes that came by now."""
        while self._calls.acquire(blocking=False):
            pass


def append(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        file.write(b"x\n")


def test_a_run_that_has_no_logs_yet_is_told_of_when_it_has(growth: Growth, tmp_path: Path):
    woken = Woken(growth, "a")
    append(tmp_path / "logs" / "a" / "1.jsonl")
    assert woken.wait()
    assert growth._kernel and len(growth._kernel._runs) == 1  # from now on the kernel tells; nobody waits for a look


def test_growth_and_new_logs_are_told_to_each_who_watches_until_he_leaves(growth: Growth, tmp_path: Path):
    log = tmp_path / "logs" / "a" / "1.jsonl"
    append(log)
    first, second, other = Woken(growth, "a"), Woken(growth, "a"), Woken(growth, "b")
    append(log)
    assert first.wait() and second.wait()
    first.close()
    first.close()
    append(log)
    assert second.wait()
    first.forget()
    for path in (log, log.with_name("2.jsonl"), tmp_path / "logs" / "b" / "1.jsonl"):
        second.forget()
        append(path)
        assert (other if path.parent.name == "b" else second).wait()
    assert not first._calls.acquire(blocking=False)


def test_a_run_is_watched_again_after_everybody_left(growth: Growth, tmp_path: Path):
    log = tmp_path / "logs" / "a" / "1.jsonl"
    append(log)
    Woken(growth, "a").close()
    woken = Woken(growth, "a")
    append(log)
    assert woken.wait()


def test_what_the_kernel_does_not_tell_is_seen(growth: Growth, tmp_path: Path):
    log, elsewhere = tmp_path / "logs" / "a" / "1.jsonl", tmp_path / "1.jsonl"
    append(log)
    os.link(log, elsewhere)
    woken = Woken(growth, "a")
    append(elsewhere)  # a folder hears nothing of what comes by another name
    assert woken.wait()


def test_nobody_is_called_back_once_it_is_closed(tmp_path: Path):
    growth = Growth(tmp_path)
    woken = Woken(growth, "a")
    growth.close()
    growth.close()
    growth.watch("a", woken._calls.release)()
    append(tmp_path / "a" / "1.jsonl")
    woken.forget()
    assert not woken._calls.acquire(blocking=False)
    assert not [each for each in threading.enumerate() if each.name == "growth" and each.is_alive()]


def test_a_growth_that_nobody_asked_is_closed_as_well(tmp_path: Path):
    Growth(tmp_path).close()
