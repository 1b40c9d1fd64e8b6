"""What an engine writes in one turn: values that say what happened, written together or not at all."""

from dataclasses import dataclass

from headrace.model.output import Output
from headrace.model.run import Attempt, BlockRun, BlockStatus, Run
from headrace.model.transitions import BlockMove, RunMove
from headrace.store.bookmarks import Bookmark
from headrace.store.written import Written


@dataclass(frozen=True, slots=True)
class RunMoved:
    """A move of a run; `run` is the row before it."""

    run: Run
    move: RunMove


@dataclass(frozen=True, slots=True)
class BlockMoved:
    """A move of a block run; `row` is the row before it."""

    row: BlockRun
    move: BlockMove


@dataclass(frozen=True, slots=True)
class AttemptBegun:
    """A new attempt; its `id` is not known yet, its `uid` is. It is running, or waits with the executor as `queued`."""

    attempt: Attempt


@dataclass(frozen=True, slots=True)
class AttemptStarted:
    """An attempt that had waited, as it is now that it runs."""

    attempt: Attempt


@dataclass(frozen=True, slots=True)
class AttemptWaits:
    """A running attempt that waits for other runs from now on, or does so no longer, as its `waiting` says."""

    attempt: Attempt


@dataclass(frozen=True, slots=True)
class AttemptCommits:
    """A running attempt whose outputs are to be committed from now on; they are written down with it."""

    attempt: Attempt


@dataclass(frozen=True, slots=True)
class AttemptDelayed:
    """An attempt that commits, of which it is not known yet whether it has; its `failure` says why."""

    attempt: Attempt


@dataclass(frozen=True, slots=True)
class AttemptEnded:
    """The attempt as it is now that it is final, found by its `uid` and `epoch`, with its outputs."""

    attempt: Attempt
    was: BlockStatus = BlockStatus.RUNNING  # before it ended
    waited: bool = False  # until then, for other runs


@dataclass(frozen=True, slots=True)
class Profiled:
    """What was found out about outputs of an attempt (a uid) after it completed; `path` names the output."""

    attempt: str
    outputs: tuple[Output, ...]


Change = (
    RunMoved
    | BlockMoved
    | AttemptBegun
    | AttemptStarted
    | AttemptWaits
    | AttemptCommits
    | AttemptDelayed
    | AttemptEnded
    | Profiled
    | Written
    | Bookmark
)
