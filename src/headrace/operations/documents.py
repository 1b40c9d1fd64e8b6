"""What is shown, as JSON: snake_case, moments in ISO 8601 and UTC, everything that is kept."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from zoneinfo import ZoneInfo

from headrace import clock, project
from headrace.model.dataset import Version as DatasetVersion
from headrace.model.occurrence import Occurrence
from headrace.model.output import Output
from headrace.model.pipeline import Block, Pipeline
from headrace.model.run import Attempt, BlockRun, Event, Run
from headrace.model.trigger import Backfill, Trigger

if TYPE_CHECKING:  # pipelines are shown without what runs need
    from headrace.logs.lines import Line
    from headrace.model.access import Token, User
    from headrace.model.audit import Entry
    from headrace.operations.applying import Applied
    from headrace.operations.backfills import Plan
    from headrace.operations.backfills import Shown as ShownBackfill
    from headrace.operations.cleaning import Cleaned
    from headrace.operations.engines import Standing
    from headrace.operations.pipelines import Found
    from headrace.operations.retrying import Retry
    from headrace.operations.runs import Shown
    from headrace.operations.secrets import Secret
    from headrace.operations.sessions import Session
    from headrace.operations.triggers import Listed as ListedTrigger
    from headrace.operations.triggers import Shown as ShownTrigger
    from headrace.store.datasets import Standing as StandingDataset
    from headrace.store.happenings import Happening
    from headrace.store.projects import ProjectRow, VersionRow
    from headrace.store.triggers import LastRun


MASK = "***"


def written(value: Any, *, indent: int | None = 2) -> str:
    """The JSON of a value made of dataclasses, containers and plain values. NaN and infinities are null."""
    return json.dumps(plain(value), indent=indent, ensure_ascii=False, default=str)


_AS_IT_IS = frozenset({str, int, bool, type(None)})


def plain(value: Any) -> Any:
    """The value made of what JSON has."""
    if value.__class__ in _AS_IT_IS:
        return value
    if value.__class__ is dict:  # most of what is told; the others are asked for one by one
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(name): plain(inner) for name, inner in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(inner) for inner in value]  # pyright: ignore[reportUnknownVariableType]
    return str(value) if isinstance(value, Path) else value


def masked(variables: Mapping[str, Any]) -> dict[str, Any]:
    """The variables to be shown: `***` stands for what looks secret, as it does in logs."""
    return {name: _masked(name, value) for name, value in variables.items()}


def unmasked(given: Mapping[str, Any], was: Mapping[str, Any]) -> dict[str, Any]:
    """The variables that were given, with what was there in place of `***` where they are given as they were shown."""
    return _unmasked(dict(given), masked(was), dict(was))


def _unmasked(given: Any, shown: Any, was: Any) -> Any:
    """Objects are compared field by field, and lists by what became of each of their elements."""
    match given, shown, was:
        case dict(), dict(), dict():
            fields = cast("dict[str, Any]", given).items()
            return {name: _unmasked(each, shown[name], was[name]) if name in was else each for name, each in fields}
        case list(), list(), list():
            places = _places(cast("list[Any]", given), cast("list[Any]", shown))
            elements = enumerate(cast("list[Any]", given))
            return [
                _unmasked(each, shown[places[at]], was[places[at]]) if at in places else each for at, each in elements
            ]
        case _:
            return was if given == shown != was else given


def _places(given: Sequence[Any], shown: Sequence[Any]) -> dict[int, int]:
    """At which place each of those that are given was shown; of one that is new nothing.

    It is what is shown just so, at its own place rather than at another. Those that are shown nowhere are what has
    changed of those that are not given, in their order; where some may have been taken out, nobody knows which.
    """
    found = {at: at for at, (one, other) in enumerate(zip(given, shown, strict=False)) if one == other}
    moved: dict[str, list[int]] = {}
    for place in reversed(range(len(shown))):
        if place not in found:
            moved.setdefault(written(shown[place]), []).append(place)
    for at, each in enumerate(given):
        if at not in found and (places := moved.get(written(each))):
            found[at] = places.pop()
    changed = [at for at in range(len(given)) if at not in found]
    left = sorted(place for places in moved.values() for place in places)
    return found | dict(zip(changed, left, strict=False)) if len(left) <= len(changed) else found


def _masked(name: str, value: Any) -> Any:
    """What is within a variable is as secret as its name, or its own."""
    match value:
        case dict():
            within = cast("dict[str, Any]", value)
            return {inner: _masked(f"{name}_{inner}", each) for inner, each in within.items()}
        case list():
            return [_masked(name, each) for each in cast("list[Any]", value)]
        case str():
            for secret in project.secrets_of({name: value}):
                value = value.replace(secret, MASK)
            return value
        case _:
            return MASK if project.secrets_of({name: json.dumps(value)}) else value


def run(run: Run, project: str, pipeline: str, *, abandoned: bool) -> dict[str, Any]:
    """A run in a list."""
    return {
        "id": run.id,
        "uid": run.uid,
        "project": project,
        "pipeline": pipeline,
        "status": run.status,
        "reason": run.reason,
        "abandoned": abandoned,
        "variables": masked(run.variables),
        "selection": run.selection,
        "settings": run.settings,
        "trigger": run.occasion.trigger,
        "trigger_id": run.trigger_id,
        "backfill_id": run.backfill_id,
        "fire_time": run.fire_time,
        "execution_date": run.execution_date,
        "event_variables": None if run.event_variables is None else masked(run.event_variables),
        "held": run.held,
        "sla_at": run.sla_at,
        "passed_sla": run.passed_sla,
        "created_at": run.created_at,
        "admitted_at": run.admitted_at,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "cancel_requested_at": run.cancel_requested_at,
        "seconds": clock.between(run.started_at, run.ended_at),
    }


def shown(shown: "Shown") -> dict[str, Any]:
    """A run with everything kept of it."""
    return {
        **run(shown.run, shown.project, shown.pipeline.name, abandoned=shown.abandoned),
        "owner": shown.run.owner,
        "epoch": shown.run.epoch,
        "folder": shown.folder,
        "version": shown.version,
        "snapshot": shown.snapshot,
        "code": shown.code,
        "home": shown.home,
        "blocks": [shown_block_run(shown, row) for row in shown.blocks],
        "events": [event(each) for each in shown.events],
    }


def shown_block_run(shown: "Shown", row: BlockRun) -> dict[str, Any]:
    """A block run with its attempts."""
    return {
        "id": row.id,
        "uid": row.uid,
        "block": row.block,
        "type": _type(shown.pipeline, row.block),
        "upstream_blocks": shown.pipeline.graph.get(row.block, ()),
        "status": row.status,
        "reason": row.reason,
        "started_at": row.started_at,
        "ended_at": row.ended_at,
        "retry_at": row.retry_at,
        "reused_from_run": shown.reused.get(row.block),
        "attempts": [_attempt(attempt) for attempt in shown.attempts[row.block]],
    }


def block_run(row: BlockRun) -> dict[str, Any]:
    """A block run in a list of runs: where it stands, without its attempts."""
    return {name: getattr(row, name) for name in _STANDS}


_STANDS = ("id", "uid", "block", "status", "reason", "attempt", "started_at", "ended_at", "retry_at")


def event(event: Event) -> dict[str, Any]:
    """An event of a run that is known."""
    return {name: value for name, value in plain(event).items() if name != "run_id"}


def _type(pipeline: Pipeline, block: str) -> str | None:
    """The block's type; None for one that the code of the run no longer has."""
    return next((each.type for each in pipeline.blocks if each.uuid == block), None)


def _attempt(attempt: Attempt) -> dict[str, Any]:
    counts = [each.rows for each in attempt.outputs if each.rows is not None]
    kept = {name: value for name, value in plain(attempt).items() if name not in ("id", "block_run_id", "single")}
    return {**kept, "rows_out": sum(counts) if counts else None, "outputs": [output(each) for each in attempt.outputs]}


def output(output: Output) -> dict[str, Any]:
    """What is kept of an output; its path is relative to the home, and null for one that is kept in the database."""
    kept = {name: value for name, value in plain(output).items() if name != "extra"}
    return {**kept, "path": None} if "document" in output.extra else kept


def retry(planned: "Retry") -> dict[str, Any]:
    """How a run goes on: which blocks run again, those added to it among them, which are reused, and which are gone."""
    told = {name: getattr(planned, name) for name in ("again", "reused", "gone", "warnings")}
    return {**told, "added": planned.reopening.added}


def line(block: str, attempt: Attempt, line: "Line") -> dict[str, Any]:
    """A line of a log."""
    return {"block": block, "attempt": attempt.number, **plain(line)}


def happening(happening: "Happening") -> dict[str, Any]:
    """An event of a run, and whose run it is."""
    own = {name: getattr(happening.event, name) for name in _EVENT}
    return {**own, **{name: getattr(happening, name) for name in _WHOSE}}


_EVENT = [field.name for field in fields(Event)]
_WHOSE = ("run_uid", "project", "pipeline", "trigger_id", "backfill_id")


def token(token: "Token") -> dict[str, Any]:
    """A token, without what it says."""
    return plain(token)


def user(user: "User") -> dict[str, Any]:
    """A user, with what was granted to them."""
    told: dict[str, Any] = plain(user)
    return {("roles" if name == "grants" else name): value for name, value in told.items()}


def session(session: "Session", *, told: bool) -> dict[str, Any]:
    """Who has logged in; what their token says only if it is to be told."""
    said = session.said if told else None
    return {"token": said, "expires_at": session.token.expires_at, "user": user(session.user)}


def cleaned(cleaned: "Cleaned") -> dict[str, Any]:
    """What has become old, and whether it has gone."""
    return plain(cleaned)


def entry(entry: "Entry") -> dict[str, Any]:
    """A deed in the audit."""
    return {"id": entry.id, **plain(entry.deed)}


def found(found: "Found") -> dict[str, Any]:
    """A pipeline in a list; what is not known of one that could not be read is null."""
    read = found.pipeline
    return {
        "name": found.name,
        "title": read.title if read else None,
        "type": read.type if read else None,
        "description": read.description if read else None,
        "tags": read.tags if read else None,
        "blocks": len(read.blocks) if read else None,
        "warnings": read.warnings if read else [],
        "error": found.error,
        "cannot_run": found.refused,
    }


def applied(applied: "Applied") -> dict[str, Any]:
    """What became, or would become, of a pipeline for its definition."""
    return plain(applied)


def pipeline(pipeline: Pipeline, refused: str | None) -> dict[str, Any]:
    """A pipeline with its blocks."""
    own = {name: value for name, value in plain(pipeline).items() if name not in ("extra", "imports")}
    attached = {kind: [_block(pipeline, each) for each in getattr(pipeline, kind)] for kind in _ATTACHED}
    return {**own, **attached, "variables": masked(pipeline.variables), "cannot_run": refused}


_ATTACHED = ("blocks", "callbacks", "conditionals")


def _block(pipeline: Pipeline, block: Block) -> dict[str, Any]:
    own = {name: value for name, value in plain(block).items() if name not in ("extra", "upstream", "text")}
    retries = pipeline.retry_policy(block.uuid).retries if block in pipeline.blocks else 0
    return {**own, "upstream_blocks": list(block.upstream), "retries": retries}


def trigger(trigger: Trigger, project: str, pipeline: str, last: "LastRun | None") -> dict[str, Any]:
    """A trigger: its definition, field by field, and where it stands. Its token is not told."""
    definition = {name: value for name, value in plain(trigger.definition).items() if name != "variables"}
    return {
        "id": trigger.id,
        "uid": trigger.uid,
        "project": project,
        "pipeline": pipeline,
        **definition,
        "variables": masked(trigger.definition.variables),
        "active": trigger.active,
        "fault": trigger.fault,
        "in_code": trigger.in_code,
        "last_enabled_at": trigger.last_enabled_at,
        "created_at": trigger.created_at,
        "updated_at": trigger.updated_at,
        "last_run": last,
    }


def backfill(backfill: Backfill, project: str, pipeline: str, counts: Mapping[str, int]) -> dict[str, Any]:
    """A backfill: what it is to make, and how far it has got; `runs` says how many of its runs have each status."""
    own = {name: value for name, value in plain(backfill).items() if name not in ("variables", "dates", "made")}
    return {
        **own,
        "project": project,
        "pipeline": pipeline,
        "variables": masked(backfill.variables),
        "dates": None if backfill.dates is None else len(backfill.dates),
        "made": backfill.made,
        "runs": counts,
    }


def shown_trigger(shown: "ShownTrigger") -> dict[str, Any]:
    """A trigger with its next fire times and its latest gaps."""
    told = trigger(shown.trigger, shown.project, shown.pipeline, shown.last)
    gaps = [{name: value for name, value in plain(gap).items() if name != "trigger_id"} for gap in shown.gaps]
    return {**told, "folder": shown.folder, "next": shown.upcoming, "gaps": gaps}


def listed_trigger(listed: "ListedTrigger") -> dict[str, Any]:
    """A trigger in a list, with its next fire time."""
    return {**trigger(listed.trigger, listed.project, listed.pipeline, listed.last), "next": listed.upcoming}


def fire_times(times: Sequence[datetime], zone: str) -> list[dict[str, Any]]:
    """Each in UTC, and as the clocks of the zone show it, with their offset."""
    return [{"at": at, "local": at.astimezone(ZoneInfo(zone)).isoformat()} for at in times]


def shown_backfill(shown: "ShownBackfill") -> dict[str, Any]:
    """A backfill with the dates of its plan whose latest run has not completed."""
    missing = [{"date": date, "status": status} for date, status in shown.missing.items()]
    told = backfill(shown.backfill, shown.project, shown.pipeline, shown.counts)
    return {**told, "folder": shown.folder, "missing": missing}


def plan(plan: "Plan") -> dict[str, Any]:
    """What a backfill makes; `plan` is the hash that names just this, null where nobody has written it down."""
    passed = [{"date": date, "why": why} for date, why in plan.passed_over.items()]
    return {"plan": plan.hash, "runs": len(plan.dates), "dates": plan.dates, "passed_over": passed}


def occurrence(occurrence: Occurrence) -> dict[str, Any]:
    """What has happened; `runs` is how many it has begun, null until it was dealt with."""
    return plain(occurrence) | {"payload": masked(occurrence.payload)}


def dataset(standing: "StandingDataset") -> dict[str, Any]:
    """A dataset with its newest version; null where it was never written."""
    newest = standing.newest and dataset_version(standing.newest)
    return plain(standing.dataset) | {"newest": newest}


def dataset_version(version: DatasetVersion) -> dict[str, Any]:
    """What a dataset was from one write to the next."""
    return plain(version)


def placed(row: "ProjectRow", fault: str | None) -> dict[str, Any]:
    """A project, where it lies, and why it cannot be read, if it cannot."""
    return {"id": row.id, "uid": row.uid, "name": row.name, "path": row.path, "fault": fault}


def version(version: "VersionRow") -> dict[str, Any]:
    """A version in a list: when its like was first and last pinned."""
    return plain(version)


def engine(standing: "Standing") -> dict[str, Any]:
    """An engine: where it runs, until when it is known to live, and how many open runs it has."""
    row = standing.row
    told = {name: getattr(row, name) for name in ("name", "machine", "pid", "own", "started_at", "lease_until")}
    return {**told, "drain_requested_at": row.drain_requested_at, "lives": standing.lives, "runs": standing.runs}


def secret(secret: "Secret") -> dict[str, Any]:
    """What may be known of a secret."""
    return plain(secret)
