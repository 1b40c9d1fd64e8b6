"""What wakes the loop: a run is handed over, something was asked of one, an attempt was reported or is answered, what an
attempt has written is committed or not, or it is to end."""

from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime

from headrace.engine.active import Job
from headrace.engine.commits import Committed, NotCommitted, Outdated, Undecided
from headrace.engine.executor import Report
from headrace.model.run import Run
from headrace.worker import wire


@dataclass(frozen=True, slots=True)
class Taken:
    """A claimed run is handed over; `done` gets the run once it is final."""

    job: Job
    done: "Future[Run]"


@dataclass(frozen=True, slots=True)
class CancelAsked:
    run_id: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Admitted:
    """The limits that the run comes under let it start."""

    run_id: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Refused:
    """A limit that the run comes under has no room, and its pipeline says to skip such runs."""

    run_id: int


@dataclass(frozen=True, slots=True)
class Rung:
    """Something changed elsewhere: there may be room under a limit."""


@dataclass(frozen=True, slots=True)
class Draining:
    """No further attempt is to begin; what is under way goes on."""


@dataclass(frozen=True, slots=True)
class Closing:
    """The loop is to end: what was reported before is recorded, what is under way stays as it is recorded."""


CommitTold = Committed | NotCommitted | Undecided | Outdated
Wake = Taken | CancelAsked | Admitted | Refused | Rung | Draining | Closing | Report | wire.Answered | CommitTold
