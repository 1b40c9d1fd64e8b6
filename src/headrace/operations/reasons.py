"""Reasons: those of moves, in words for people, and why a run or a block of it waits, or has ended as it has."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from headrace.model.run import Attempt
from headrace.worker import wire

DELETED = "pipeline_deleted"  # for which a run is asked to be cancelled

_WORDS = {
    **wire.REASONS,
    "by hand": "somebody started it",
    "by a block": "a block of another run started it",
    "claimed": "an engine has taken it",
    "all blocks settled": "every block is settled",
    "cancel_requested": "somebody asked for the run to be cancelled",
    DELETED: "the pipeline was deleted",
    "run_failed": "another block had failed",
    "run_timed_out": "the run had used up its time",
    "limit_reached": "a limit on its runs was reached, and its pipeline says to skip then",
    "previous_running": "the run before was still under way, and its trigger says to skip then",
    "engine_died": "the headrace that ran it was ended",
    "let_go": "the engine could not go on with the run",
    "upstreams_completed": "all it needs is there",
    "reused": "its output of an earlier run is used",
    "retry_incomplete": "somebody asked for what had not completed to run again",
    "retry_from": "somebody asked for the run to go on from a block",
    "retry_whole": "somebody asked for all of the run to run again",
}

_ENDED = {"upstream_failed": "was not run", "condition_failed": "was skipped"}  # of a block that another needs
LONGEST = 200  # characters of an error in a sentence


@dataclass(frozen=True, slots=True)
class Reason:
    """Why the run, or one `block` of it, waits or has ended as it has.

    `kind` is a word for programs, `says` a sentence for people; `until` is the moment at which it waits no longer,
    where that is known.
    """

    kind: str
    says: str
    block: str | None = None
    until: datetime | None = None


def in_words(reason: str) -> str:
    """What the reason of a move says."""
    if reason in _WORDS:
        return _WORDS[reason]
    block, _, ended = reason.rpartition(" ")
    if block:
        return f"{block} {_ENDED.get(ended, ended)}"
    return reason.replace("_", " ")


def of_cancel(reason: str | None, at: datetime) -> str:
    """Why a run is cancelled, and since when; of what somebody wished, no more is known."""
    return f"{in_words(reason)} at {moment(at)}" if reason else f"its cancel was asked for at {moment(at)}"


def of_failure(attempt: Attempt) -> str:
    """Why it failed: the first line of its error where there was one."""
    if attempt.failure is None:
        return in_words(attempt.reason)
    said = f"{attempt.failure.type}: {attempt.failure.message}".removesuffix(": ").splitlines()[0]
    return said if len(said) <= LONGEST else f"{said[: LONGEST - 1]}…"


def moment(at: datetime) -> str:
    """The moment in the time zone of this machine."""
    return f"{at.astimezone():%Y-%m-%d %H:%M:%S}"


def listed(names: Sequence[object], most: int = 5) -> str:
    """a, b and c; of more than `most` the first, and how many others there are."""
    shown = [str(name) for name in names[:most]]
    if len(names) > most:
        return f"{', '.join(shown)} and {len(names) - most} more"
    return " and ".join([*([", ".join(shown[:-1])] if shown[:-1] else []), *shown[-1:]])
