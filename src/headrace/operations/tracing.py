"""Traces: why runs have failed, in a text that a person can read; who has cancelled one, where that is known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from headrace import errors
from headrace.app import App
from headrace.model.audit import Outcome
from headrace.model.query import Query
from headrace.model.run import FINAL_RUN, Attempt, BlockRun, BlockStatus, Run, RunStatus
from headrace.model.sorting import Sorting
from headrace.operations import reasons, tokens
from headrace.store.audit import Asked
from headrace.store.pipelines import PipelineRow
from headrace.store.runs import Listed

NEWEST = (("id", True),)
ASKING = frozenset({"cancel", "update", "stop"})  # what is done to a run that cancels it, in the dialects' words
_DEEDS = 20  # of those about one run that are looked at


@dataclass(frozen=True, slots=True)
class Traced:
    """A run with its block runs; `trace` is there for one that has failed or was cancelled."""

    run: Run
    blocks: Sequence[BlockRun]
    trace: str | None


def listed(app: App, pipeline: PipelineRow, limit: int, offset: int = 0) -> list[Traced]:
    """At most `limit` runs of the pipeline, the newest first, without the first so many."""
    sorting = Sorting(query=Query(pipeline=pipeline.id), by=NEWEST)
    return _traced(app, app.store.runs.sorted(sorting, limit, offset))


def shown(app: App, run: Run) -> Traced:
    return _traced(app, [app.store.runs.listed(run.id)])[0]


def touched(traced: Traced) -> datetime:
    """When something of the run has changed last; once it has ended, its end."""
    run = traced.run
    if run.ended_at is not None:
        return run.ended_at
    moments = [moment for row in traced.blocks for moment in (row.started_at, row.ended_at) if moment is not None]
    return max([run.started_at or run.created_at, *moments])


def _traced(app: App, found: Sequence[Listed]) -> list[Traced]:
    failed = [row.id for each in found for row in each.blocks if row.status is BlockStatus.FAILED]
    tries = app.store.runs.attempts(failed) if failed else {}
    return [Traced(each.run, each.blocks, _trace(app, each.run, each.blocks, tries)) for each in found]


def _trace(app: App, run: Run, blocks: Sequence[BlockRun], tries: Mapping[int, Sequence[Attempt]]) -> str | None:
    if run.status not in FINAL_RUN or run.status is RunStatus.COMPLETED:
        return None
    if run.status is RunStatus.CANCELLED:
        return _cancelled(app, run)
    failed = sorted((row for row in blocks if tries.get(row.id)), key=_ended)
    return _said(tries[failed[0].id][-1]) if failed else f"The run failed: {reasons.in_words(run.reason)}."


def _said(attempt: Attempt) -> str:
    """An error that headrace raises says all in its message; one of a user's code says by its type what it is."""
    failure = attempt.failure
    if failure is None:
        return reasons.in_words(attempt.reason)
    ours = isinstance(getattr(errors, failure.type, None), type)
    spoken = ours or (failure.message.rstrip().endswith(".") and " " in failure.message)
    return failure.message if spoken else f"{failure.type}: {failure.message}".removesuffix(": ")


def _cancelled(app: App, run: Run) -> str:
    reason = run.reason if run.cancel_requested_at is None else app.store.runs.cancel_reason(run.id)
    if reason is not None:
        return f"The run was cancelled: {reasons.in_words(reason)}."
    return f"The run was cancelled by {_who(app, run) or 'somebody at this machine'}."


def _who(app: App, run: Run) -> str | None:
    """Who asked for it over HTTP; what is asked for at the home itself is in no audit."""
    asked = Asked(run_id=run.id, outcome=Outcome.OK, since=run.cancel_requested_at)  # it is noted once it is done
    deeds = [each.deed for each in reversed(app.store.audit.list(asked, _DEEDS))]
    who = next((deed.who for deed in deeds if deed.deed.rpartition(".")[2] in ASKING), None)
    return "the administrator with HEADRACE_BOOTSTRAP_TOKEN" if who == tokens.FIRST else who


def _ended(row: BlockRun) -> tuple[bool, str]:
    return row.ended_at is None, str(row.ended_at)
