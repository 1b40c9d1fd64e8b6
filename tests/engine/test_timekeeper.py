"""Services are asked when they are due, when somebody wakes them, and now and then; a failing one holds up no other."""

import logging
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest
from tests.engine.parts import unavailable

from headrace import clock
from headrace.engine import timekeeper
from headrace.engine.timekeeper import Timekeeper

PATIENCE = 30.0  # seconds; the machine may be busy
NEVER = timedelta(days=1)


class Asked:
    """A service that says when it is to be asked again, and counts how often it was."""

    def __init__(self, answer: Callable[[datetime], datetime | None]) -> None:
        self._answer = answer
        self._changed = threading.Condition()
        self.at: list[datetime] = []

    def run_once(self, now: datetime) -> datetime | None:
        with self._changed:
            self.at.append(now)
            self._changed.notify_all()
        return self._answer(now)

    def waits_for(self, count: int) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: len(self.at) >= count, PATIENCE)


def never(now: datetime) -> None:
    """It has nothing to come."""


def fails(now: datetime) -> None:
    raise ZeroDivisionError


def is_away(now: datetime) -> None:
    raise unavailable()


def soon(now: datetime) -> datetime:
    return now + timedelta(seconds=0.05)


@contextmanager
def keeping(**services: Asked) -> Generator[Timekeeper]:
    keeper = Timekeeper(services)
    keeper.start()
    yield keeper
    keeper.close()


@pytest.fixture
def seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is looked at without a reason, so that a test sees the reasons."""
    monkeypatch.setattr(timekeeper, "LOOK", 3600.0)
    monkeypatch.setattr(timekeeper, "AGAIN", 0.05)


@pytest.mark.usefixtures("seldom")
def test_all_are_asked_at_the_beginning_and_whenever_they_are_woken() -> None:
    one, two = Asked(never), Asked(lambda now: now + NEVER)
    with keeping(one=one, two=two) as keeper:
        assert one.waits_for(1)
        assert two.waits_for(1)
        keeper.wake()
        assert one.waits_for(2)
        assert two.waits_for(2)
    assert (len(one.at), len(two.at)) == (2, 2), "and not without a reason"


@pytest.mark.usefixtures("seldom")
def test_one_is_asked_when_it_is_due_and_not_before() -> None:
    due, other = Asked(soon), Asked(never)
    with keeping(due=due, other=other):
        assert due.waits_for(4)
    for before, after in zip(due.at, due.at[1:], strict=False):
        assert after >= before + timedelta(seconds=0.05)
    assert len(other.at) == 1


def test_all_are_asked_now_and_then_though_one_is_due_all_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a ring that was lost is made good, whatever the others do."""
    monkeypatch.setattr(timekeeper, "LOOK", 0.2)
    busy, other = Asked(soon), Asked(never)
    with keeping(busy=busy, other=other):
        assert other.waits_for(3)
    assert len(other.at) < len(busy.at)


@pytest.mark.usefixtures("seldom")
def test_a_database_that_does_not_answer_is_asked_again_soon_and_not_at_once() -> None:
    away, other = Asked(is_away), Asked(never)
    logging.disable()
    with keeping(away=away, other=other):
        assert away.waits_for(4)
    logging.disable(logging.NOTSET)
    for before, after in zip(away.at, away.at[1:], strict=False):
        assert after >= before + timedelta(seconds=0.05)
    assert len(other.at) == 1


def test_what_fails_is_told_and_asked_again_with_the_others(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(timekeeper, "LOOK", 0.2)
    answers = iter([soon])
    broken = Asked(lambda now: next(answers, fails)(now))
    other = Asked(never)
    with keeping(broken=broken, other=other):
        assert broken.waits_for(4)
    assert "the broken failed" in caplog.text
    assert len(broken.at) <= len(other.at) + 1, "it is not asked without an end"


@pytest.mark.usefixtures("seldom")
def test_a_clock_that_goes_back_keeps_nothing_from_being_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timekeeper, "LOOK", 0.1)
    asked = Asked(lambda now: now + NEVER)
    with keeping(asked=asked):
        assert asked.waits_for(2)
        monkeypatch.setattr(clock, "now", lambda: asked.at[0] - NEVER)
        assert asked.waits_for(5)


def test_one_that_was_never_started_can_be_closed() -> None:
    Timekeeper({"one": Asked(fails)}).close()


@pytest.mark.usefixtures("seldom")
def test_nothing_is_asked_any_more_once_it_is_closed() -> None:
    asked = Asked(soon)
    with keeping(asked=asked) as keeper:
        assert asked.waits_for(2)
    count = len(asked.at)
    keeper.wake()
    assert len(asked.at) == count
