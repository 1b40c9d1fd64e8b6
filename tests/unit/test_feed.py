"""The feed: who waits for the end of a run."""

from dataclasses import replace
from datetime import UTC, datetime

from headrace.api.feed import Feed
from headrace.model.run import Run, RunStatus

AT = datetime(2026, 1, 31, tzinfo=UTC)
ENDED = Run(1, "u", 1, 1, 1, RunStatus.FAILED, "block_failed", {}, AT, AT, AT, admitted_at=AT, ended_at=AT)


def test_an_end_is_told_to_who_asks_a_little_late():
    feed = Feed()
    feed.told(ENDED, ())
    assert feed.end_of(1).result(timeout=0) is ENDED


def test_a_run_that_goes_on_whoever_had_it_do_so_has_its_end_to_come():
    feed = Feed()
    feed.told(ENDED, ())
    feed.told(replace(ENDED, status=RunStatus.RUNNING, ended_at=None), ())
    told = feed.end_of(1)
    assert not told.done()
    feed.told(again := replace(ENDED, status=RunStatus.COMPLETED), ())
    assert told.result(timeout=0) is again
