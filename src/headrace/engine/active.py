"""ActiveRun: what an engine holds in memory of a run it has claimed. The loop alone touches it."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from headrace import identity
from headrace.engine import variables
from headrace.model import progress, retry
from headrace.model.pipeline import Pipeline
from headrace.model.run import Attempt, BlockRun, BlockStatus, Run
from headrace.model.transitions import BlockMove, RunMove
from headrace.store.changes import AttemptBegun, AttemptStarted, AttemptWaits, BlockMoved, Change, RunMoved
from headrace.worker import wire


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """All that the engine needs of a claimed run, read before it reaches the loop.

    `kept` has, for each completed block, the attempt whose outputs stand for it; `begun` the attempts that are under
    way, by block, this engine's or those of an earlier one; `limits` the ids of the limits over more than this run that
    a block comes under; `masks` what is masked of the run's own variables, `secrets` gives what is of its project's
    secrets, as they are when an attempt begins.
    """

    run: Run
    pipeline: Pipeline
    rows: Mapping[str, BlockRun]
    kept: Mapping[str, Attempt]
    begun: Mapping[str, Attempt]
    workplace: wire.Workplace
    home: Path
    project: int
    masks: tuple[str, ...] = ()
    secrets: Callable[[], tuple[str, ...]] = tuple
    limits: Mapping[str, tuple[int, ...]] = field(default_factory=dict[str, tuple[int, ...]])
    limited: bool = False  # its pipeline or trigger lets only so many runs go at once


@dataclass(slots=True)
class ActiveRun:
    job: Job
    run: Run
    plan: progress.Plan
    rows: dict[str, BlockRun]
    kept: dict[str, Attempt]
    begun: dict[str, Attempt]
    done: "Future[Run]"
    stopping: set[str] = field(default_factory=set[str])  # blocks whose attempts were asked to stop
    refused: bool = False  # a limit has no room for it, and its pipeline says to skip
    awaited: dict[str, frozenset[int]] = field(default_factory=dict[str, frozenset[int]])  # by block, its questions

    @classmethod
    def of(cls, job: Job, done: "Future[Run]") -> "ActiveRun":
        """Blocks that its code no longer has stay as their rows say, and are not moved."""
        graph = job.pipeline.graph
        rows = {block: row for block, row in job.rows.items() if block in graph}
        return cls(job, job.run, progress.Plan.of(graph, rows), rows, dict(job.kept), dict(job.begun), done)

    def copy(self) -> "ActiveRun":
        """One that can be changed while this stays as it is."""
        return replace(
            self,
            rows=dict(self.rows),
            kept=dict(self.kept),
            begun=dict(self.begun),
            stopping=set(self.stopping),
            awaited=dict(self.awaited),
        )

    def remember(self, before: "ActiveRun") -> None:
        """This, read anew, has what is in no row from when it was last in hand."""
        same = {block for block, attempt in before.begun.items() if attempt.uid == _uid(self.begun.get(block))}
        self.refused, self.stopping = before.refused, before.stopping & same
        self.awaited = {block: questions for block, questions in before.awaited.items() if block in same}

    def ask_cancel(self, at: datetime) -> None:
        """A cancel of the run has been recorded."""
        self.run = replace(self.run, cancel_requested_at=self.run.cancel_requested_at or at)

    def admit(self, at: datetime) -> None:
        """Its admission has been recorded."""
        self.run = replace(self.run, admitted_at=self.run.admitted_at or at)

    def move_run(self, move: RunMove) -> Change:
        """The run as the move leaves it; the change to write."""
        change = RunMoved(self.run, move)
        self.run = progress.run_moved(self.run, move)
        return change

    def move_block(self, block: str, move: BlockMove) -> Change:
        """The block run as the move leaves it; the change to write."""
        change = BlockMoved(self.rows[block], move)
        self.rows[block] = progress.moved(self.rows[block], move)
        return change

    def queued(self, at: datetime) -> Iterator[str]:
        """The blocks that may be handed to the executor now, in the order of the plan."""
        for block in self.plan.upstream:
            row = self.rows[block]
            due = row.retry_at is None or row.retry_at <= at
            if row.status is BlockStatus.QUEUED and due and block not in self.begun:
                yield block

    def wanting(self) -> int:
        """How many of its block runs have a place, or could take one now."""
        queued = sum(row.status is BlockStatus.QUEUED and not row.retry_at for row in self.rows.values())
        return queued + self.running()

    def has_place(self) -> bool:
        """Whether the run's own limit lets one more of its blocks begin."""
        most = self.job.pipeline.limits.run_blocks
        return most is None or self.under_way() < most

    def policy(self, block: str) -> retry.Policy:
        """How often that block is tried in this run."""
        return self.job.pipeline.retry_policy(block, self.run.settings.retry_config)

    def under_way(self) -> int:
        """How many of its attempts the executor has, besides those that wait for other runs."""
        return sum(not attempt.waiting for attempt in self.begun.values())

    def running(self) -> int:
        """How many of its attempts have a place to run."""
        return sum(each.status is BlockStatus.RUNNING and not each.waiting for each in self.begun.values())

    def in_line(self) -> Iterator[tuple[str, str]]:
        """The attempts that wait with the executor for a place, by uid, and their blocks."""
        for block, attempt in self.begun.items():
            if attempt.status is BlockStatus.QUEUED:
                yield attempt.uid, block

    def due(self, after: datetime) -> datetime | None:
        """When, later than `after`, it is to be looked at though nothing happens: for a try, or as its time is over."""
        times = [row.retry_at for row in self.rows.values() if row.retry_at]
        if ends := progress.deadline(self.run):
            times.append(ends)
        return min((each for each in times if each > after), default=None)

    def begin(self, block: str, at: datetime) -> Change:
        """The attempt of a block that has just got its number: it is running, or queued with the executor."""
        row = self.rows[block]
        rows_in = [each.rows for given in self._inputs(block) for each in given.outputs if each.rows is not None]
        attempt = Attempt(
            id=0,
            uid=identity.new(),
            block_run_id=row.id,
            number=row.attempt,
            epoch=self.run.epoch,
            status=row.status,
            reason=row.reason,
            started_at=at,
            rows_in=sum(rows_in) if rows_in else None,
        )
        self.begun[block] = attempt
        return AttemptBegun(attempt)

    def start(self, block: str, at: datetime) -> Change:
        """The attempt of a block that had waited with the executor, and has just moved to running."""
        row = self.rows[block]
        self.begun[block] = replace(self.begun[block], status=row.status, reason=row.reason, started_at=at)
        return AttemptStarted(self.begun[block])

    def wait(self, block: str, questions: frozenset[int]) -> Iterator[Change]:
        """The attempt of that block waits for the answers to these questions, or goes on when there are none."""
        self.awaited[block] = questions
        if self.begun[block].waiting != bool(questions):
            self.begun[block] = replace(self.begun[block], waiting=bool(questions))
            yield AttemptWaits(self.begun[block])

    def finish(self, block: str, finished: wire.Finished, at: datetime) -> Attempt:
        """The attempt as its report leaves it; its outputs are what those downstream will read."""
        attempt = replace(
            self.begun.pop(block),
            status=BlockStatus(finished.status),
            reason=finished.reason,
            started_at=finished.started_at or self.rows[block].started_at or at,
            ended_at=finished.ended_at or at,
            outputs=finished.outputs,
            single=finished.single,
            failure=finished.failure,
            tests=finished.tests,
            seconds=finished.seconds,
            cpu_seconds=finished.cpu_seconds,
            peak_bytes=finished.peak_bytes,
            log_lines=finished.log_lines,
            waiting=False,
        )
        self.stopping.discard(block)
        self.awaited.pop(block, None)
        if attempt.status is BlockStatus.COMPLETED:
            self.kept[block] = attempt
        return attempt

    def task(self, block: str) -> wire.Task:
        """What the executor is given for the attempt that has begun."""
        attempt, home, run = self.begun[block], self.job.home, self.run
        written = self.job.pipeline.block(block)
        named = variables.of(self.job.pipeline, written, run, self.rows[block], self.job.workplace.live)
        return wire.Task(
            attempt=attempt.uid,
            epoch=attempt.epoch,
            run=run.uid,
            number=attempt.number,
            block=block,
            kind=written.type,
            language=written.language,
            file=written.file or "",
            inputs=self._inputs(block),
            variables=named,
            workplace=self.job.workplace,
            place=f"{home}/outputs/{run.uid}/{attempt.uid}",
            home=str(home),
            log=f"{home}/logs/{run.uid}/{attempt.uid}.jsonl",
            timeout=written.timeout,
            memory_limit=written.memory_limit,
            fresh_process=written.fresh_process,
            imports=self.job.pipeline.imports,
            masks=(*self.job.masks, *self.job.secrets()),
        )

    def _inputs(self, block: str) -> tuple[wire.Input, ...]:
        return tuple(
            wire.Input(block=upstream, outputs=self.kept[upstream].outputs, single=self.kept[upstream].single)
            for upstream in self.plan.upstream[block]
        )


def _uid(attempt: Attempt | None) -> str:
    return attempt.uid if attempt else ""
