"""What may go, decided from what is known of a run: nothing before its day, and never what is among the newest or needed."""

from datetime import UTC, datetime, timedelta

import pytest

from headrace.model import retention
from headrace.model.retention import Ended, Policy, Rule, Standing
from headrace.model.run import RunStatus

AT = datetime(2026, 3, 1, tzinfo=UTC)
POLICY = Policy(runs=Rule(10, 5), failed=Rule(20, 5), outputs=4, logs=2)
STANDING = Standing(runs=100, failed=50, needed=frozenset({7}))
TICK = timedelta(microseconds=1)


def run(days: float = 99, status: str = "completed", run_id: int = 1, **more: bool) -> Ended:
    return Ended(run_id, "uid", 1, None, RunStatus(status), AT - timedelta(days=days), **more)


@pytest.mark.parametrize(("status", "days"), [("completed", 10), ("cancelled", 10), ("failed", 20)])
def test_a_run_goes_once_its_days_have_passed(status: str, days: float) -> None:
    assert not retention.goes(POLICY, run(days, status), STANDING, AT)
    assert retention.goes(POLICY, run(days, status), STANDING, AT + TICK)


def test_the_newest_stay_those_that_failed_by_their_own_number() -> None:
    assert [retention.goes(POLICY, run(run_id=each), STANDING, AT) for each in (99, 100)] == [True, False]
    assert [retention.goes(POLICY, run(99, "failed", each), STANDING, AT) for each in (49, 50)] == [True, False]


def test_what_is_needed_stays_but_for_its_logs() -> None:
    needed = run(run_id=7)
    assert not retention.goes(POLICY, needed, STANDING, AT)
    assert not retention.loses_outputs(POLICY, needed, STANDING, AT)
    assert retention.loses_logs(POLICY, needed, AT)


def test_outputs_and_logs_go_once_each_by_their_own_days() -> None:
    assert [retention.loses_outputs(POLICY, run(days), STANDING, AT) for days in (4, 4.1)] == [False, True]
    assert [retention.loses_logs(POLICY, run(days), AT) for days in (2, 2.1)] == [False, True]
    assert not retention.loses_outputs(POLICY, run(has_outputs=False), STANDING, AT)
    assert not retention.loses_logs(POLICY, run(has_logs=False), AT)


def test_what_is_off_goes_never_and_what_cannot_be_read_neither() -> None:
    off = Policy(Rule(None, 0), Rule(None, 0))
    unread = Ended(1, "uid", 1, None, RunStatus.COMPLETED, None)
    for policy, old in ((off, run(10**5)), (POLICY, unread)):
        assert not retention.goes(policy, old, STANDING, AT)
        assert not retention.loses_outputs(policy, old, STANDING, AT)
        assert not retention.loses_logs(policy, old, AT)


def test_only_what_has_ended_long_enough_ago_is_looked_at() -> None:
    assert POLICY.since(AT) == AT - timedelta(days=2)
    assert Policy(Rule(None, 0), Rule(None, 0)).since(AT) is None
    assert Policy(Rule(10**9, 0), Rule(None, 0)).since(AT) == datetime.min.replace(tzinfo=UTC)
