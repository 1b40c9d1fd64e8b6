"""Retention: how long what runs leave behind is kept, and what of it may go. Nothing is looked up here."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from headrace.model.run import RunStatus


@dataclass(frozen=True, slots=True)
class Rule:
    """Runs are kept for so many `days` after their end (None: for ever), the `newest` of each pipeline at any age."""

    days: float | None
    newest: int


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules for runs that failed and, each for itself, for all others; the days after a run's end that its outputs
    and logs are kept.

    Outputs and logs go with their run at the latest; None is as long as that.
    """

    runs: Rule
    failed: Rule
    outputs: float | None = None
    logs: float | None = None

    def rule(self, status: RunStatus) -> Rule:
        return self.failed if status is RunStatus.FAILED else self.runs

    def since(self, at: datetime) -> datetime | None:
        """Of a run that has ended later than that nothing goes; None where nothing goes of any run."""
        given = (self.runs.days, self.failed.days, self.outputs, self.logs)
        return max((_before(days, at) for days in given if days is not None), default=None)


@dataclass(frozen=True, slots=True)
class Ended:
    """A final run as far as retention looks at it; `ended_at` is None where it cannot be read.

    `has_outputs` and `has_logs` say whether those of this end of it have not been cleaned yet.
    """

    id: int
    uid: str
    pipeline_id: int
    trigger_id: int | None
    status: RunStatus
    ended_at: datetime | None
    has_outputs: bool = True
    has_logs: bool = True


@dataclass(frozen=True, slots=True)
class Standing:
    """What stays of a pipeline: under each of the two rules the runs from that id on, and those that are `needed`."""

    runs: int
    failed: int
    needed: frozenset[int]

    def edge(self, status: RunStatus) -> int:
        return self.failed if status is RunStatus.FAILED else self.runs


def goes(policy: Policy, run: Ended, standing: Standing, at: datetime) -> bool:
    """Whether the run goes, with all that it has left behind."""
    beyond = run.id < standing.edge(run.status) and run.id not in standing.needed
    return beyond and _past(policy.rule(run.status).days, run, at)


def loses_outputs(policy: Policy, run: Ended, standing: Standing, at: datetime) -> bool:
    """Whether the outputs of a run that stays go."""
    return run.has_outputs and run.id not in standing.needed and _past(policy.outputs, run, at)


def loses_logs(policy: Policy, run: Ended, at: datetime) -> bool:
    """Whether the logs of a run that stays go."""
    return run.has_logs and _past(policy.logs, run, at)


def _past(days: float | None, run: Ended, at: datetime) -> bool:
    return days is not None and run.ended_at is not None and run.ended_at < _before(days, at)


def _before(days: float, at: datetime) -> datetime:
    """The moment so many days ago, or the beginning of the calendar."""
    try:
        return at - timedelta(days=days)
    except OverflowError:
        return datetime.min.replace(tzinfo=at.tzinfo)
