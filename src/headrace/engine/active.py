"""ActiveRun: what an engine holds in memory of a run it has claimed. The loop alone touches it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from msgspec import structs

from headrace import errors, identity
from headrace.datasets import names
from headrace.engine import variables
from headrace.engine.commits import Commit
from headrace.model import dataset, progress, retry
from headrace.model.output import DATASET, Output
from headrace.model.pipeline import Block, Pipeline
from headrace.model.run import Attempt, BlockRun, BlockStatus, Failure, Run
from headrace.model.transitions import BlockMove, RunMove
from headrace.store.changes import (
    AttemptBegun,
    AttemptCommits,
    AttemptDelayed,
    AttemptStarted,
    AttemptWaits,
    BlockMoved,
    Change,
    RunMoved,
)
from headrace.store.datasets import Pinned
from headrace.worker import wire


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """All that the engine needs of a claimed run, read before it reaches the loop.

    `kept` has, for each completed block, the attempt whose outputs stand for it; `begun` the attempts that are under
    way, by block, this engine's or those of an earlier one; `committing` those whose outputs are being committed;
    `reads` the versions of datasets, by the keys of their names, that the run is pinned to; `limits` the ids of the
    limits over more than this run that a block comes under; `masks` what is masked of the run's own variables, `secrets`
    gives what is of its project's secrets, as they are when an attempt begins.
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
    committing: Mapping[str, Attempt] = field(default_factory=dict[str, Attempt])
    reads: Mapping[str, Pinned] = field(default_factory=dict[str, Pinned])
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
    committing: dict[str, Attempt]
    done: "Future[Run]"
    stopping: set[str] = field(default_factory=set[str])  # blocks whose attempts were asked to stop
    refused: bool = False  # a limit has no room for it, and its pipeline says to skip
    awaited: dict[str, frozenset[int]] = field(default_factory=dict[str, frozenset[int]])  # by block, its questions

    @classmethod
    def of(cls, job: Job, done: "Future[Run]") -> "ActiveRun":
        """Blocks that its code no longer has stay as their rows say, and are not moved."""
        graph = job.pipeline.graph
        rows = {block: row for block, row in job.rows.items() if block in graph}
        plan = progress.Plan.of(graph, rows)
        return cls(job, job.run, plan, rows, dict(job.kept), dict(job.begun), dict(job.committing), done)

    def copy(self) -> "ActiveRun":
        """One that can be changed while this stays as it is."""
        return replace(
            self,
            rows=dict(self.rows),
            kept=dict(self.kept),
            begun=dict(self.begun),
            committing=dict(self.committing),
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
        attempt = replace(self._reported(block, finished, at), ended_at=finished.ended_at or at)
        if attempt.status is BlockStatus.COMPLETED:
            self.kept[block] = attempt
        return attempt

    def checked(self, block: str, finished: wire.Finished) -> wire.Finished:
        """The report; of an attempt that has left rows for what the block does not write, it says that this failed."""
        written = [str(each.extra.get("dataset")) for each in finished.outputs if each.kind == DATASET]
        declared = self.job.pipeline.block(block).writes
        if finished.status != BlockStatus.COMPLETED or not written:
            return finished
        if len(written) == 1 and written[0].lower() in {each.lower() for each in declared}:
            return finished
        error = errors.DatasetNotDeclared(written=", ".join(written), declared=", ".join(declared) or "none")
        failure = Failure(type(error).__name__, str(error))
        return structs.replace(finished, status="failed", reason="not_committed", outputs=(), failure=failure)

    def writes_dataset(self, finished: wire.Finished) -> bool:
        """Whether the report is of rows that are to become a version of a dataset."""
        return finished.status == BlockStatus.COMPLETED and any(each.kind == DATASET for each in finished.outputs)

    def commit(self, block: str, finished: wire.Finished, at: datetime) -> Change:
        """The attempt of that block has run, and what it has written is to be committed."""
        reported = self._reported(block, finished, at)
        self.committing[block] = replace(reported, status=BlockStatus.COMMITTING)
        return AttemptCommits(self.committing[block])

    def commit_of(self, block: str) -> Commit:
        """What the committer is given for the attempt of that block. One that has left nothing for a dataset will be told
        that it is none that can be committed."""
        attempt, run = self.committing[block], self.run
        staged = next((each for each in attempt.outputs if each.kind == DATASET), Output("", DATASET, "", "", 0))
        return Commit(
            run_id=run.id,
            run=run.uid,
            epoch=run.epoch,
            block=block,
            attempt=attempt.uid,
            output=staged,
            taken_up=attempt.epoch != run.epoch,
        )

    def commits(self) -> list[Commit]:
        """What the committer is given for each of its attempts that commit."""
        return [self.commit_of(block) for block in self.committing]

    def delay(self, block: str, failure: Failure) -> Iterator[Change]:
        """For that reason it is not known yet whether the attempt of that block is committed."""
        if self.committing[block].failure != failure:
            self.committing[block] = replace(self.committing[block], failure=failure)
            yield AttemptDelayed(self.committing[block])

    def settle(self, block: str, status: BlockStatus, reason: str, at: datetime, **found: Any) -> Attempt:
        """The attempt as its commit leaves it; without one it leaves no outputs, unless they are `found`."""
        ended = {"status": status, "reason": reason, "ended_at": at, "outputs": (), "failure": None, **found}
        attempt = replace(self.committing.pop(block), **ended)
        if status is BlockStatus.COMPLETED:
            self.kept[block] = attempt
        return attempt

    def _reported(self, block: str, finished: wire.Finished, at: datetime) -> Attempt:
        """The attempt, which the executor has no more, with what its report says."""
        self.stopping.discard(block)
        self.awaited.pop(block, None)
        return replace(
            self.begun.pop(block),
            status=BlockStatus(finished.status),
            reason=finished.reason,
            started_at=finished.started_at or self.rows[block].started_at or at,
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
            configuration={} if written.language == "python" else dict(written.configuration),
            reads=tuple(self._datasets(written)),
            writes=written.writes,
        )

    def _inputs(self, block: str) -> tuple[wire.Input, ...]:
        """Of the upstreams that hand over what they return; of others it reads the datasets."""
        return tuple(
            wire.Input(block=upstream, outputs=self.kept[upstream].outputs, single=self.kept[upstream].single)
            for upstream in self.plan.upstream[block]
            if not self._reads(block, self.kept[upstream])
        )

    def _reads(self, block: str, above: Attempt) -> bool:
        """Whether the block reads a dataset of which that attempt has made a version."""
        made = {each.extra["dataset"] for each in versions(above)}
        return bool(made) and bool(_keys(made) & _keys(self.job.pipeline.block(block).reads))

    def _datasets(self, written: Block) -> Iterator[wire.Dataset]:
        """Those that the block reads: at the version that a block of this run has made, else as the run is pinned."""
        made = self._made() if written.reads else {}
        for name in written.reads:
            if found := made.get(dataset.key(name)) or self.job.reads.get(dataset.key(name)):
                location = names.absolute(self.job.home, found.location)
                yield wire.Dataset(name=name, location=location, version=found.version)

    def _made(self) -> dict[str, Pinned]:
        """The versions that the blocks of this run have made, by the key of the dataset's name."""
        return {
            dataset.key(each.extra["dataset"]): Pinned(each.extra["location"], each.extra["version"])
            for attempt in self.kept.values()
            for each in versions(attempt)
        }


def versions(attempt: Attempt) -> Iterator[Output]:
    """Its outputs that have become versions of datasets."""
    return (each for each in attempt.outputs if each.kind == DATASET and "version" in each.extra)


def _keys(names: Iterable[str]) -> set[str]:
    return {dataset.key(name) for name in names}


def _uid(attempt: Attempt | None) -> str:
    return attempt.uid if attempt else ""
