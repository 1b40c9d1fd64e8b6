"""What `headrace runs show` says."""

from collections.abc import Iterator

import click

from headrace import clock
from headrace.cli import (
    blocks,
    closing,
    marks,
    occasions,
    out,
    paths,
    quantities,
    runs_why,
    tables,
)
from headrace.cli.places import Place
from headrace.cli.tables import Column
from headrace.model.run import FINAL_RUN, Run
from headrace.operations import documents, reasons
from headrace.operations.runs import Shown

_FACTS = (Column(""), Column(""))
_ATTEMPTS = (
    Column("block"),
    Column("attempt", right=True),
    Column("status"),
    Column("took", right=True),
    Column("cpu", right=True),
    Column("memory", right=True),
    Column("tests", right=True),
    Column("log lines", right=True),
    Column("reason", cuts=True),
)
_OUTPUTS = (
    Column("block"),
    Column("output"),
    Column("kind"),
    Column("rows", right=True),
    Column("size", right=True),
    Column("hash", cuts=True),
)
_EVENTS = (Column("at"), Column("block"), Column("status"), Column("reason", cuts=True))


def write(place: Place, run: int, *, as_json: bool) -> None:
    shown = place.runs.show(run)
    if as_json:
        click.echo(documents.written(documents.shown(shown)))
    else:
        click.echo("\n\n".join(part for part in _parts(place, shown, out.width()) if part))


def _parts(place: Place, shown: Shown, width: int | None) -> Iterator[str]:
    yield _headline(shown)
    yield tables.render(_FACTS, [(click.style(name, dim=True), what) for name, what in _facts(shown) if what])
    if shown.run.status not in FINAL_RUN:
        yield _titled("why", runs_why.told(place.runs.explain(shown), width))
    yield blocks.table(shown, width)
    yield from blocks.failures(place, shown)
    yield _titled("attempts", tables.render(_ATTEMPTS, list(_attempts(shown)), width))
    yield _titled("outputs", tables.render(_OUTPUTS, list(_outputs(shown)), width))
    yield _titled("events", tables.render(_EVENTS, list(_events(shown)), width))


def _headline(shown: Shown) -> str:
    run = shown.run
    if run.status in FINAL_RUN:
        return closing.verdict(shown)
    if shown.abandoned:
        name = f"Run {run.id} of {tables.bare(shown.pipeline.name)}"
        told = f"{name} is not going on: its engine is gone. Go on with it: {closing.resume(run.id)}"
        return marks.styled(told, "abandoned")
    return runs_why.headline(shown)


def _facts(shown: Shown) -> Iterator[tuple[str, str]]:
    run = shown.run
    yield "project", f"{tables.bare(shown.project)} in {paths.near(shown.folder)}"
    yield "asked for", ", ".join(f"{word} {_names(what)}" for word, what in run.selection.items())
    told = documents.written(documents.masked(run.variables), indent=None)
    yield "variables", tables.bare(told) if run.variables else ""
    events = documents.written(documents.masked(run.event_variables or {}), indent=None)
    yield "event", tables.bare(events) if run.event_variables else ""
    yield "timeout", _timeout(run)
    yield "started by", _starter(run)
    yield "due at", quantities.moment(run.fire_time)
    yield "for", occasions.date(run.execution_date) if run.trigger_id else ""
    yield "sla", _sla(run)
    yield "status", _status(shown)
    yield "created", quantities.moment(run.created_at)
    yield "admitted", quantities.moment(run.admitted_at)
    yield "began", quantities.moment(run.started_at)
    yield "cancel asked", quantities.moment(run.cancel_requested_at)
    yield "ended", quantities.moment(run.ended_at)
    yield "code", paths.near(shown.code)
    yield "pinned", f"version {shown.version}, snapshot {shown.snapshot}"
    yield "uid", run.uid


def _timeout(run: Run) -> str:
    if run.settings.timeout is None:
        return ""
    return f"{quantities.duration(run.settings.timeout)} after its start it ends as {run.settings.timeout_status}"


def _starter(run: Run) -> str:
    if run.trigger_id is None:
        return "hand"
    if run.backfill_id is not None:
        return f"backfill {run.backfill_id}"
    name = f", {tables.bare(run.occasion.trigger)}" if run.occasion.trigger else ""
    return f"trigger {run.trigger_id}{name}"


def _sla(run: Run) -> str:
    if run.sla_at is None:
        return ""
    passed = marks.styled("passed: ", "failed") if run.passed_sla else ""
    return f"{passed}it is to have ended by {quantities.moment(run.sla_at)}"


def _status(shown: Shown) -> str:
    status = shown.run.status.value
    if shown.abandoned:
        return f"abandoned while {marks.word(status)}: its engine is gone"
    return f"{status}: {tables.bare(reasons.in_words(shown.run.reason))}"


def _names(what: object) -> str:
    return tables.bare(", ".join(what) if isinstance(what, list) else str(what))  # pyright: ignore[reportUnknownArgumentType]


def _attempts(shown: Shown) -> Iterator[tuple[str, ...]]:
    for block, tries in shown.attempts.items():
        for attempt in tries:
            passed = sum(test.passed for test in attempt.tests)
            yield (
                tables.bare(block),
                str(attempt.number),
                marks.of_block(attempt.status, shown.abandoned),
                quantities.duration(clock.between(attempt.started_at, attempt.ended_at)),
                quantities.duration(attempt.cpu_seconds),
                quantities.size(attempt.peak_bytes),
                f"{passed} of {len(attempt.tests)}" if attempt.tests else "",
                quantities.count(attempt.log_lines or None),
                tables.bare(reasons.in_words(attempt.reason)),
            )


def _outputs(shown: Shown) -> Iterator[tuple[str, ...]]:
    for block, tries in shown.attempts.items():
        for output in (each for attempt in tries for each in attempt.outputs):
            facts = (tables.bare(output.kind), quantities.count(output.rows), quantities.size(output.bytes))
            yield tables.bare(block), tables.bare(output.name), *facts, output.hash or ""


def _events(shown: Shown) -> Iterator[tuple[str, ...]]:
    for event in shown.events:
        status = marks.word(event.status) + (f", attempt {event.attempt}" if event.attempt else "")
        subject = tables.bare(event.block) if event.block else click.style("run", bold=True)
        yield quantities.time_of_day(event.at), subject, status, tables.bare(reasons.in_words(event.reason))


def _titled(title: str, table: str) -> str:
    return f"{click.style(title, bold=True)}\n{table}" if table else ""
