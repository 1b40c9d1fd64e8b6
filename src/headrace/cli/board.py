"""Board: what is known of a run that is going on, from the changes that the engine tells."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from headrace.model import progress
from headrace.model.pipeline import Pipeline
from headrace.model.run import FINAL_BLOCK, Attempt, BlockRun, BlockStatus, Run
from headrace.model.transitions import BlockMove
from headrace.store.changes import AttemptBegun, AttemptCommits, AttemptEnded, AttemptStarted, BlockMoved, Change


@dataclass(frozen=True, slots=True)
class Step:
    """A block and its latest attempt, in this run."""

    row: BlockRun
    attempt: Attempt | None = None

    @property
    def rows_in(self) -> int | None:
        return self.attempt.rows_in if self.attempt else None

    @property
    def rows_out(self) -> int | None:
        """How many rows all its outputs have; None while there is none to count."""
        counts = [each.rows for each in self.attempt.outputs if each.rows is not None] if self.attempt else []
        return sum(counts) if counts else None

    def seconds(self, now: datetime) -> float | None:
        """How long its latest attempt took, or has taken."""
        if self.attempt is None or self.attempt.status is BlockStatus.QUEUED:
            return None
        return ((self.attempt.ended_at or now) - self.attempt.started_at).total_seconds()


@dataclass(frozen=True, slots=True)
class Moved:
    """A block has made that move, and is now as `step` has it."""

    step: Step
    move: BlockMove


class Board:
    """The steps of one run by block, in an order they can run in. Blocks that its code no longer has are left out."""

    def __init__(self, run: Run, pipeline: Pipeline, rows: Mapping[str, BlockRun]) -> None:
        self.run = run
        self.pipeline = pipeline
        graph = pipeline.graph
        order = progress.Plan.of(graph, [block for block in rows if block in graph]).upstream
        self.steps = {block: Step(rows[block]) for block in order}
        self._block_of = {row.id: block for block, row in rows.items()}

    def hear(self, run: Run, changes: Iterable[Change]) -> list[Moved]:
        """The moves of blocks among these changes; the board is then as they left the run. Other runs are no business of it."""
        if run.id != self.run.id:
            return []
        self.run = run
        moves: list[Moved] = []
        for change in changes:
            match change:
                case AttemptBegun(attempt) | AttemptStarted(attempt) | AttemptCommits(attempt) | AttemptEnded(attempt):
                    block = self._block_of[attempt.block_run_id]
                    self.steps[block] = Step(self.steps[block].row, attempt)
                case BlockMoved(row, move):
                    step = Step(progress.moved(row, move), self.steps[row.block].attempt)
                    self.steps[row.block] = step
                    moves.append(Moved(step, move))
                case _:
                    pass
        return moves

    def counts(self) -> dict[str, int]:
        """How many blocks have each status."""
        found: dict[str, int] = {}
        for step in self.steps.values():
            found[step.row.status.value] = found.get(step.row.status.value, 0) + 1
        return found

    def final(self) -> int:
        return sum(step.row.status in FINAL_BLOCK for step in self.steps.values())


def worth_showing(steps: Sequence[Step], room: int) -> list[Step]:
    """The steps for that many lines: all if they fit, else what fails, runs, or was the latest to end; in their order."""
    if len(steps) <= room:
        return list(steps)
    chosen = {id(step) for step in sorted(steps, key=_interest)[: max(room, 0)]}
    return [step for step in steps if id(step) in chosen]


def _interest(step: Step) -> tuple[int, float]:
    """Less is more interesting."""
    row = step.row
    if row.status in (BlockStatus.RUNNING, BlockStatus.COMMITTING):
        return 0, row.started_at.timestamp() if row.started_at else 0.0
    if row.status is BlockStatus.FAILED:
        return 1, 0.0
    if row.retry_at:
        return 2, row.retry_at.timestamp()
    if row.status is BlockStatus.COMPLETED and row.ended_at and not row.reused_from:
        return 3, -row.ended_at.timestamp()
    return 4, 0.0
