"""The logs of a run as those who ask for them get them: which attempts, from where, and what is refused."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from headrace import errors, identity, settings
from headrace.app import App
from headrace.logs import cuts, lines
from headrace.logs.cuts import Cut
from headrace.logs.lines import Line
from headrace.model import transitions
from headrace.model.run import Attempt, BlockRun, BlockStatus, Run
from headrace.operations import run_logs
from headrace.operations.run_logs import Following, Page
from headrace.store import Store
from headrace.store.changes import AttemptBegun, AttemptEnded, BlockMoved, Change

AT = datetime(2026, 3, 1, 12, 0, 0, 1, tzinfo=UTC)


@dataclass
class Going:
    """A run whose attempts begin, write and end as a test says; what one prints is a second later than what was before."""

    app: App
    run: Run
    rows: dict[str, BlockRun]
    at: datetime = AT
    open: dict[str, Attempt] = field(default_factory=dict[str, Attempt])

    def begin(self, block: str) -> None:
        row = next(each for each in self.app.store.runs.block_runs(self.run.id) if each.block == block)
        changes: list[Change] = []
        if row.status is BlockStatus.INITIAL:
            changes.append(BlockMoved(row, transitions.queue_block(AT, attempt=row.attempt)))
            row = replace(row, status=BlockStatus.QUEUED)
        changes.append(BlockMoved(row, transitions.start_block(AT, attempt=row.attempt)))
        number = row.attempt + 1
        attempt = Attempt(0, identity.new(), row.id, number, self.run.epoch, BlockStatus.RUNNING, "submitted", self.at)
        self._write(*changes, AttemptBegun(attempt))
        self.open[block] = attempt

    def print(self, block: str, *messages: str, level: str = "INFO") -> None:
        path = self.app.settings.home / "logs" / self.run.uid / f"{self.open[block].uid}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        for message in messages:
            self.at += timedelta(seconds=1)
            with path.open("ab") as file:
                file.write(lines.encode(Line(self.at, level, "stdout", message)))

    def fail(self, block: str) -> None:
        """Its attempt fails, and will be tried again."""
        row = next(each for each in self.app.store.runs.block_runs(self.run.id) if each.block == block)
        ended = replace(self.open.pop(block), status=BlockStatus.FAILED, reason="x", ended_at=self.at)
        move = transitions.retry_block(AT, attempt=row.attempt, reason="x", retry_at=AT, failures=1)
        self._write(AttemptEnded(ended), BlockMoved(row, move))

    def page(self, **asked: Any) -> Page:
        return run_logs.page(self.app, self.run.id, **asked)

    def _write(self, *changes: Change) -> None:
        self.app.store.runs.write({self.run.id: self.run.epoch}, changes)


@pytest.fixture
def going(
    place: tuple[Path, str | None], store: Store, begin: Callable[..., tuple[Run, dict[str, BlockRun]]]
) -> Iterator[Going]:
    home, url = place
    with App(replace(settings.load({"HEADRACE_HOME": str(home)}), database=url)) as app:
        yield Going(app, *begin())


def told(page: Page) -> list[str]:
    return [f"{entry.block}{entry.attempt} {entry.line.message}" for entry in page.lines]


def test_blocks_and_attempts_together_and_apart(going: Going) -> None:
    assert told(going.page()) == told(going.page(last=True)) == []
    for block, message in (("a", "one"), ("b", "two"), ("a", "three")):
        if block not in going.open:
            going.begin(block)
        going.print(block, message)
    going.fail("a")
    going.begin("a")
    going.print("a", "four", level="ERROR")
    every = ["a1 one", "b1 two", "a1 three", "a2 four"]
    assert told(going.page()) == told(going.page(last=True)) == told(run_logs.page(going.app, going.run.uid)) == every
    assert told(going.page(block="a")) == ["a1 one", "a1 three", "a2 four"]
    assert told(going.page(attempt=1)) == ["a1 one", "b1 two", "a1 three"]
    assert told(going.page(block="a", attempt=2)) == ["a2 four"]
    assert told(going.page(choice=run_logs.choice(level="WARNING"))) == ["a2 four"]
    assert told(going.page(choice=run_logs.choice(level="INFO", levels=["DEBUG", "INFO"], text="T"))) == [
        "b1 two",
        "a1 three",
    ]
    assert told(going.page(choice=run_logs.choice(since=going.at, streams=["stdout"]))) == ["a2 four"]
    assert going.page(attempt=7).lines == ()


def test_pages_go_on_in_both_directions_after_the_logs_have_grown(going: Going) -> None:
    going.begin("a")
    going.print("a", "one", "two", "three")
    first = going.page(limit=2)
    assert (told(first), first.more) == (["a1 one", "a1 two"], True)
    last = going.page(last=True, limit=2)
    assert (told(last), last.more) == (["a1 two", "a1 three"], True)
    going.print("a", "four")
    going.begin("b")
    going.print("b", "five")
    going.fail("a")
    assert told(going.page(after=first.after)) == ["a1 three", "a1 four", "b1 five"]
    assert told(going.page(after=last.after)) == ["a1 four", "b1 five"]
    assert told(going.page(before=last.before)) == ["a1 one"]
    end = going.page(after=last.after)
    assert (told(going.page(after=end.after)), end.more) == ([], False)


def test_who_follows_hears_of_lines_and_of_attempts_that_were_not_there(going: Going) -> None:
    following = Following(going.app, going.run.id)
    assert told(following.read()) == []
    going.begin("a")
    going.print("a", "one")
    seen = following.read()
    assert told(seen) == ["a1 one"]
    going.begin("b")
    going.print("a", "two")
    going.print("b", "three")
    assert told(following.read(1)) == ["a1 two"]
    going.fail("a")
    going.begin("a")
    going.print("a", "four")
    assert [told(following.read()) for _ in range(2)] == [["b1 three", "a2 four"], []]
    again = Following(going.app, going.run.id, after=seen.after, block="a")
    assert told(again.read()) == ["a1 two", "a2 four"]


def test_what_is_wrong_is_named(going: Going) -> None:
    going.begin("a")
    with pytest.raises(errors.RunNotFound):
        run_logs.page(going.app, 77)
    with pytest.raises(errors.BlockNotFound, match="has no block mow; it has a, b"):
        going.page(block="mow")
    with pytest.raises(errors.NoSuchAttempt):
        going.page(block="a", attempt=2)
    for wrong in ({"limit": 0}, {"limit": 10_001}, {"after": "a", "before": "b"}, {"last": True, "after": ""}):
        with pytest.raises(errors.BadLogQuery):
            going.page(**wrong)
    wrong_choices: list[dict[str, Any]] = [
        {"level": "LOUD"},
        {"text": ""},
        {"text": "x" * 1001},
        {"streams": ["in"]},
        {"since": AT, "until": AT},
    ]
    for wrong in wrong_choices:
        with pytest.raises(errors.BadLogQuery, match=list(wrong)[-1].removesuffix("s")):
            run_logs.choice(**wrong)


def test_a_cursor_that_no_page_gave_is_refused(going: Going) -> None:
    for cursor in ("", "x", "é", "=", "\ud800", "AAAA", "kwECAw", "k____w", "A" * 100_000, "wA", "gA"):
        for name in ("after", "before"):
            with pytest.raises(errors.BadLogQuery, match=f"The {name} of"):
                going.page(**{name: cursor})


def test_a_cursor_of_another_run_is_refused_and_one_with_wild_places_finds_nothing(going: Going) -> None:
    going.begin("a")
    going.print("a", "one")
    with pytest.raises(errors.BadLogQuery):
        going.page(after=cuts.written(Cut(), going.run.id + 1))
    number = going.app.store.runs.attempts([going.rows["a"].id])[going.rows["a"].id][0].id
    for place in (3, 2**62):
        cursor = cuts.written(Cut(number, {number: place}), going.run.id)
        assert going.page(after=cursor).lines == ()
