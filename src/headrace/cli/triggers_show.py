"""What `headrace triggers show` says."""

import json
import shlex
from collections.abc import Iterator
from typing import Any

import click

from headrace.cli import home, marks, occasions, out, paths, quantities, tables
from headrace.cli.places import Place
from headrace.cli.tables import Column
from headrace.model.trigger import Definition, Trigger, TriggerType
from headrace.operations import documents
from headrace.operations.triggers import Shown

SERVER = "http://localhost:6789"

_FACTS = (Column(""), Column(""))
_GAPS = (
    Column("from"),
    Column("to"),
    Column("fire times", right=True),
    Column("noticed"),
    Column("reason", cuts=True),
)
_REASONS = {"paused": "it was paused", "no_engine": "no engine was there"}


def write(place: Place, trigger: Trigger, *, tokens: bool, as_json: bool) -> None:
    """Its token is shown only where `tokens` says so."""
    shown = place.triggers.show(trigger)
    token = place.triggers.token(trigger) if tokens else None
    if as_json:
        click.echo(documents.written(document(shown, token)))
    else:
        click.echo("\n\n".join(part for part in _parts(shown, token, out.width()) if part))


def document(shown: Shown, token: str | None = None) -> dict[str, Any]:
    return {**documents.shown_trigger(shown), **({"token": token} if token else {})}


def _parts(shown: Shown, token: str | None, width: int | None) -> Iterator[str]:
    yield _headline(shown)
    facts = [*_said(shown), *_stands(shown), ("token", token or "")]
    yield tables.render(_FACTS, [(click.style(name, dim=True), what) for name, what in facts if what])
    if token and shown.trigger.definition.type is TriggerType.API:
        yield _titled("call it, once a server runs", _call(shown.trigger, token))
    if shown.upcoming:
        yield _titled("next", occasions.table(shown.upcoming, shown.trigger.definition.zone, width))
    yield _titled("gaps", tables.render(_GAPS, list(_gaps(shown)), width))


def _headline(shown: Shown) -> str:
    status = marks.of_trigger(shown.trigger)
    name = click.style(tables.bare(shown.trigger.definition.name), bold=True)
    told = "cannot fire" if status == "fault" else f"is {status}"
    return f"Trigger {shown.trigger.id}, {name} of {tables.bare(shown.pipeline)}, {marks.styled(told, status)}."


def _said(shown: Shown) -> Iterator[tuple[str, str]]:
    """What somebody has written."""
    definition = shown.trigger.definition
    yield "project", f"{tables.bare(shown.project)} in {paths.near(shown.folder)}"
    yield "begins runs", occasions.when(definition)
    yield "from", occasions.zoned(definition.start_time, definition.zone) if definition.start_time else ""
    yield "description", tables.bare(definition.description)
    yield "tags", tables.bare(", ".join(definition.tags))
    given = documents.written(documents.masked(definition.variables), indent=None)
    yield "variables", tables.bare(given) if definition.variables else ""
    yield "sla", f"{quantities.duration(definition.sla)} from a run's execution date" if definition.sla else ""
    yield from _settings(definition)


def _settings(definition: Definition) -> Iterator[tuple[str, str]]:
    settings = definition.settings
    if settings.timeout is not None:
        yield (
            "timeout",
            f"{quantities.duration(settings.timeout)} after its start a run ends as {settings.timeout_status}",
        )
    if settings.pipeline_run_limit is not None:
        yield "limit", f"{quantities.counted(settings.pipeline_run_limit, 'run')} at once"
    yield "skips", "a fire time that finds a run under way" if settings.skip_if_previous_running else ""
    yield "forgives", "blocks that fail: what does not need them goes on" if settings.allow_blocks_to_fail else ""
    yield "initial run", "once it is enabled" if settings.create_initial_pipeline_run else ""
    yield "landing", "its fire times are when runs are to be over" if settings.landing_time_enabled else ""
    yield "retries", json.dumps(documents.plain(settings.retry_config)) if settings.retry_config else ""
    yield "catches up", settings.catch_up.value if definition.type is TriggerType.TIME else ""


def _stands(shown: Shown) -> Iterator[tuple[str, str]]:
    """How far it has got."""
    trigger, last = shown.trigger, shown.last
    yield "fault", tables.bare(trigger.fault or "")
    yield "latest run", f"{last.id}, {marks.status(last.status)}" if last else ""
    file = f"pipelines/{tables.bare(shown.pipeline)}/triggers.yaml"
    yield "written", f"in {file}, and kept in step with it" if trigger.in_code else "in the database alone"
    yield "enabled", quantities.moment(trigger.last_enabled_at)
    yield "created", quantities.moment(trigger.created_at)
    yield "changed", quantities.moment(trigger.updated_at)
    yield "uid", trigger.uid


def _call(trigger: Trigger, token: str) -> str:
    """The line that a shell takes."""
    body = json.dumps({"pipeline_run": {"variables": {}}})
    url = f"{home.server() or SERVER}/v1/triggers/{trigger.id}/call"
    return shlex.join(["curl", "-X", "POST", url, "-H", f"Authorization: Bearer {token}", "-d", body])


def _gaps(shown: Shown) -> Iterator[tuple[str, ...]]:
    for gap in shown.gaps:
        yield (
            occasions.zoned(gap.first, shown.trigger.definition.zone),
            occasions.zoned(gap.last, shown.trigger.definition.zone),
            quantities.count(gap.count),
            quantities.moment(gap.noticed_at),
            tables.bare(_REASONS.get(gap.reason, gap.reason)),
        )


def _titled(title: str, table: str) -> str:
    return f"{click.style(title, bold=True)}\n{table}" if table else ""
