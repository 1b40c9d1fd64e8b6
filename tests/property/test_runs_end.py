"""Any graph, any outcomes, any order, a cancel or the engine's death at any moment: the run ends, and ends rightly.

Time, reports and deaths are drawn; turns are decided as the loop decides them, and kept in memory as rows would be.
"""

from collections.abc import Collection
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from headrace.datasets import committing
from headrace.engine import turns
from headrace.engine.active import ActiveRun, Job
from headrace.engine.commits import Commit, Committed, NotCommitted
from headrace.engine.turns import Turn
from headrace.model import progress, transitions
from headrace.model.limits import Limits
from headrace.model.output import DATASET, Output
from headrace.model.pipeline import Block, BlockType, Pipeline
from headrace.model.progress import Next, Plan
from headrace.model.run import (
    FINAL_BLOCK,
    FINAL_RUN,
    Attempt,
    BlockRun,
    BlockStatus,
    Failure,
    Run,
    RunSettings,
    RunStatus,
)
from headrace.store.changes import AttemptBegun, AttemptEnded, BlockMoved, Change
from headrace.store.written import Written
from headrace.worker import wire

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
NEW = Run(1, "run", 1, 1, 1, RunStatus.INITIAL, "created", {}, AT, AT, owner="one", epoch=1, admitted_at=AT)
SETTINGS = st.builds(
    RunSettings,
    timeout=st.sampled_from([None, None, 5.0, 20.0]),
    timeout_status=st.sampled_from(["failed", "cancelled"]),
    retry_config=st.sampled_from([{}, {"retries": 1}]),
    allow_blocks_to_fail=st.booleans(),
)
WORKPLACE = wire.Workplace(project="p", snapshot="/s", live="/p", cwd="/", environment={})
RANK = {
    BlockStatus.INITIAL: 0,
    BlockStatus.QUEUED: 1,
    BlockStatus.RUNNING: 2,
    BlockStatus.COMMITTING: 3,
} | dict.fromkeys(FINAL_BLOCK, 4)
BACK = {"retry", "reopen"}  # the moves that lead to another attempt


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, tuple[str, ...]]:
    """Up to eight blocks, written in any order."""
    names = [f"b{n}" for n in range(draw(st.integers(0, 8)))]
    graph: dict[str, tuple[str, ...]] = {}
    for n, name in enumerate(names):
        above = st.lists(st.sampled_from(names[:n]), unique=True, max_size=3) if n else st.just([])
        graph[name] = tuple(draw(above))
    return {name: graph[name] for name in draw(st.permutations(names))}


def pipelines() -> st.SearchStrategy[Pipeline]:
    retries = st.fixed_dictionaries({"retries": st.integers(0, 2), "delay": st.sampled_from([0, 7])})

    def of(graph: dict[str, tuple[str, ...]]) -> st.SearchStrategy[Pipeline]:
        policies = st.lists(retries, min_size=len(graph), max_size=len(graph))
        within = st.sampled_from([None, None, 1, 2])
        return st.builds(
            lambda found, most: Pipeline(
                "p",
                blocks=tuple(
                    Block(name, BlockType.CUSTOM, upstream=ups, retry_config=config, writes=_written(name))
                    for (name, ups), config in zip(graph.items(), found, strict=True)
                ),
                limits=Limits(run_blocks=most),
            ),
            policies,
            within,
        )

    return graphs().flatmap(of)


def _written(block: str) -> tuple[str, ...]:
    """Every third block writes a dataset."""
    return (block,) if int(block.removeprefix("b")) % 3 == 0 else ()


@dataclass
class Story:
    """One run, moved turn by turn; everything that a turn changes is looked at."""

    active: ActiveRun
    now: datetime = AT
    slots: int = 2
    ahead: int = 0
    begun: set[str] = field(default_factory=set[str])
    ended: list[str] = field(default_factory=list[str])
    commits: dict[str, Commit] = field(
        default_factory=dict[str, Commit]
    )  # by block, as the latest engine was given them
    table: dict[str, int] = field(default_factory=dict[str, int])  # the versions in the log, by attempt
    recorded: list[Written] = field(default_factory=list[Written])

    def turn(
        self,
        *reports: tuple[str, str],
        taken: bool = False,
        cancel: bool = False,
        admitted: bool | None = None,
        committed: Collection[tuple[str, bool]] = (),
    ) -> None:
        turn = Turn(self.now)
        active = turn.on(self.active)
        before = replace(self.active, rows=dict(self.active.rows))
        if taken:
            turns.take(turn, active)
        if cancel:
            active.ask_cancel(self.now)
        if admitted:
            active.admit(self.now)
        active.refused = admitted is False or active.refused
        for block, status in reports:
            turns.report(turn, active, block, _finished(block, active.begun[block], status))
        for block, landed in committed:
            self._commit(turn, active, self.commits.pop(block), landed=landed)
        turns.advance(turn, active)
        turns.admit(turn, {1: self.active}, self.slots, self.ahead)
        assert self.active.rows == before.rows, "a turn leaves what it was decided from as it was"
        for change in turn.changes.get(1, []):
            self._look_at(change, active)
        self.active = active
        self._look_at_rest(turn)

    def _commit(self, turn: Turn, active: ActiveRun, commit: Commit, *, landed: bool) -> None:
        """What the committer tells, who finds in the log what an earlier one has committed."""
        if landed or commit.attempt in self.table:
            version = self.table.setdefault(commit.attempt, len(self.table) + 1)
            found = committing.Committed(version=version, rows=1, bytes=1, schema=(), found=False)
            turns.committed(turn, active, commit.block, Committed(commit, "datasets/x", found))
        else:
            failure = Failure("DatasetRefused", "drawn")
            turns.not_committed(turn, active, commit.block, NotCommitted(commit, failure))

    def _look_at(self, change: Change, active: ActiveRun) -> None:
        match change:
            case BlockMoved(row, move):
                assert (RANK[move.to] < RANK[row.status]) == (move.name in BACK)
                assert (RANK[move.to] == RANK[row.status]) == (move.name == "hand")
                if move.name in ("queue", "hand", "start"):
                    ups = active.plan.upstream[row.block]
                    assert all(active.rows[up].status is BlockStatus.COMPLETED for up in ups)
            case AttemptBegun(attempt):
                assert attempt.uid not in self.begun
                self.begun.add(attempt.uid)
            case AttemptEnded(attempt):
                assert attempt.uid in self.begun
                self.ended.append(attempt.uid)
                assert (attempt.status is BlockStatus.COMPLETED) == bool(attempt.outputs)
            case Written():
                self.recorded.append(change)
            case _:
                pass

    def _look_at_rest(self, turn: Turn) -> None:
        active = self.active
        again = progress.next_moves(
            active.plan, active.run, active.rows, self.now, handed=active.begun, refused=active.refused
        )
        assert (again.start, again.blocks, again.end) == (None, {}, None)
        assert again.stops.keys() <= active.stopping
        self.commits |= {commit.block: commit for commit in turn.commits}
        running = {block for block, row in active.rows.items() if row.status is BlockStatus.RUNNING}
        committing = {block for block, row in active.rows.items() if row.status is BlockStatus.COMMITTING}
        assert committing == active.committing.keys() == self.commits.keys(), "each is in somebody's hands"
        assert {block: active.rows[block].status for block in active.begun} == {
            block: attempt.status for block, attempt in active.begun.items()
        }
        assert running <= active.begun.keys()
        assert len(running) <= self.slots
        assert len(active.begun) <= min(self.slots + self.ahead, active.job.pipeline.limits.run_blocks or 99)
        assert len(set(self.ended)) == len(self.ended), "an attempt has one outcome"
        for task in turn.submits:
            assert [given.block for given in task.inputs] == list(active.plan.upstream[task.block])
        if active.run.status in FINAL_RUN:
            assert {row.status for row in active.rows.values()} <= FINAL_BLOCK
            assert self.begun == set(self.ended), "a final run leaves no attempt without an outcome"
            recorded = [(each.attempt, each.version) for each in self.recorded]
            assert sorted(recorded) == sorted(self.table.items()), "each version is recorded once"

    def die(self, landed: Collection[str] = ()) -> None:
        """The engine is gone, and what these blocks have written it had committed before; another takes the run over
        from what the rows say."""
        active = self.active
        run = replace(active.run, epoch=active.run.epoch + 1, owner="another")
        open_ones = {"begun": dict(active.begun), "committing": dict(active.committing)}
        job = replace(active.job, run=run, rows=dict(active.rows), kept=dict(active.kept), **open_ones)
        for block in landed:
            self.table.setdefault(self.commits[block].attempt, len(self.table) + 1)
        self.commits.clear()
        self.active = ActiveRun.of(job, Future())
        self.turn(taken=True)

    def resume(self) -> None:
        """Somebody asks for all that did not complete to run again; it is reopened before an engine takes it."""
        active = self.active
        run = progress.run_moved(active.run, transitions.reopen_run(self.now, reason="resumed"))
        rows = {block: self._reopened(row) for block, row in active.rows.items()}
        run = replace(run, epoch=run.epoch + 1, admitted_at=self.now, settings=RunSettings())
        job = replace(active.job, run=run, rows=rows, begun={}, committing={})
        self.active = ActiveRun.of(replace(job, kept=dict(active.kept)), Future())
        self.turn(taken=True)

    def _reopened(self, row: BlockRun) -> BlockRun:
        if row.status is BlockStatus.COMPLETED:
            return row
        return progress.moved(row, transitions.reopen_block(self.now, attempt=row.attempt, reason="resumed"))


def _finished(block: str, attempt: Attempt, status: str) -> wire.Finished:
    """What a block has left that completed is of the dataset that it writes, or of none."""
    extra = {"dataset": block, "mode": "replace"} if _written(block) else {}
    left = Output(block, DATASET if extra else "dict", "parquet", attempt.uid, 2, rows=1, extra=extra)
    outputs = (left,) if status == "completed" else ()
    status, reason = ("failed", status) if status == "lease_lapsed" else (status, "drawn")
    return wire.Finished(attempt=attempt.uid, epoch=attempt.epoch, status=status, reason=reason, outputs=outputs)


def _story(pipeline: Pipeline, slots: int, ahead: int, settings: RunSettings) -> Story:
    run = replace(NEW, settings=settings, admitted_at=None)
    rows = {
        block.uuid: BlockRun(n, block.uuid, 1, block.uuid, BlockStatus.INITIAL, "created")
        for n, block in enumerate(pipeline.blocks, 1)
    }
    job = Job(
        run=run,
        pipeline=pipeline,
        rows=rows,
        kept={},
        begun={},
        workplace=WORKPLACE,
        home=Path("/home"),
        project=1,
    )
    return Story(ActiveRun.of(job, Future()), slots=slots, ahead=ahead)


OUTCOMES = st.sampled_from(["completed", "completed", "completed", "failed", "cancelled", "lease_lapsed"])


@given(pipelines(), st.integers(1, 3), st.integers(0, 2), SETTINGS, st.data())
def test_a_run_ends_whatever_happens(
    pipeline: Pipeline, slots: int, ahead: int, settings: RunSettings, data: st.DataObject
) -> None:
    story = _story(pipeline, slots, ahead, settings)
    story.turn(taken=True)
    assert story.active.run.status is RunStatus.INITIAL, "it waits to be admitted"
    story.turn(admitted=data.draw(st.sampled_from([True] * 9 + [False]), "admitted"))
    for _ in range(data.draw(st.integers(0, 25), "steps")):
        if story.active.run.status in FINAL_RUN:
            break
        _step(story, data)
    _see_through(story)
    _judge(story)
    if data.draw(st.booleans(), "resumed"):
        story.resume()
        _see_through(story)
        assert story.active.run.status is RunStatus.COMPLETED


def _step(story: Story, data: st.DataObject) -> None:
    what = data.draw(st.sampled_from(["report"] * 4 + ["commit"] * 2 + ["wait", "cancel", "die"]), "what")
    if what == "report" and story.active.begun:
        blocks = data.draw(st.lists(st.sampled_from(sorted(story.active.begun)), min_size=1, unique=True), "blocks")
        story.turn(*[(block, data.draw(OUTCOMES, "outcome")) for block in blocks])
    elif what == "commit" and story.commits:
        blocks = data.draw(st.lists(st.sampled_from(sorted(story.commits)), min_size=1, unique=True), "commits")
        story.turn(committed=[(block, data.draw(st.sampled_from([True, True, False]), "landed")) for block in blocks])
    elif what == "cancel":
        story.turn(cancel=True)
    elif what == "die":
        story.die([block for block in story.commits if data.draw(st.booleans(), "landed")])
    else:
        story.now += timedelta(seconds=data.draw(st.integers(0, 9), "seconds"))
        story.turn()


def _see_through(story: Story) -> None:
    """Everything that goes on now completes; whatever was asked to stop is stopped."""
    for _ in range(200):
        if story.active.run.status in FINAL_RUN:
            return
        active = story.active
        if active.begun or active.committing:
            reports = [(block, "cancelled" if block in active.stopping else "completed") for block in active.begun]
            story.turn(*reports, committed=[(block, True) for block in active.committing])
        else:
            due = active.due(story.now)
            assert due, "nothing runs, nothing is due, and the run has not ended"
            story.now = due
            story.turn()
    raise AssertionError("the run does not end")


def _judge(story: Story) -> None:
    run, statuses = story.active.run, [row.status for row in story.active.rows.values()]
    if run.status is RunStatus.COMPLETED:
        assert set(statuses) <= {BlockStatus.COMPLETED}
        assert story.active.kept.keys() == story.active.rows.keys()
    elif run.reason == "run_timed_out":
        assert run.status == run.settings.timeout_status
        assert BlockStatus.CANCELLED in statuses
    elif run.status is RunStatus.FAILED:
        assert BlockStatus.FAILED in statuses
    elif run.reason == "limit_reached":
        assert story.active.refused
        assert set(statuses) <= {BlockStatus.CANCELLED}
    else:
        assert BlockStatus.CANCELLED in statuses or run.cancel_requested_at


@given(graphs(), st.booleans(), st.data())
def test_moves_that_were_made_are_not_asked_for_again(graph: dict[str, Any], allow: bool, data: st.DataObject) -> None:
    """The pure decision alone, also where blocks may fail: what does not hang on a failed block then completes."""
    run = replace(NEW, settings=RunSettings(allow_blocks_to_fail=allow))
    plan = Plan.of(graph, graph)
    rows = {name: BlockRun(n, name, 1, name, BlockStatus.INITIAL, "") for n, name in enumerate(graph, 1)}
    while run.status not in FINAL_RUN:
        found = progress.next_moves(plan, run, rows, AT)
        run = progress.run_moved(run, found.start) if found.start else run
        rows |= {block: progress.moved(rows[block], move) for block, move in found.blocks.items()}
        run = progress.run_moved(run, found.end) if found.end else run
        asked = progress.next_moves(plan, run, rows, AT)
        assert asked in (Next(), Next(stops=asked.stops))
        queued = [block for block, row in rows.items() if row.status is BlockStatus.QUEUED]
        assert queued or run.status in FINAL_RUN
        for block in queued[:1]:
            final = data.draw(st.sampled_from([BlockStatus.COMPLETED, BlockStatus.FAILED]), block)
            rows[block] = replace(rows[block], status=final, attempt=1, ended_at=AT)
    failed = {block for block, row in rows.items() if row.status is BlockStatus.FAILED}
    assert run.status is (RunStatus.FAILED if failed else RunStatus.COMPLETED)
    if allow:
        below = {block for block, row in rows.items() if row.status is BlockStatus.UPSTREAM_FAILED}
        assert {row.status for block, row in rows.items() if block not in failed | below} <= {BlockStatus.COMPLETED}
        assert all(set(graph[block]) & (failed | below) for block in below)
