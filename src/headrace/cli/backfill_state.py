"""What `headrace backfill start`, `pause`, `resume` and `cancel` do and say."""

import click

from headrace.app import App
from headrace.cli import backfill_show, leaving, paths, quantities, tables
from headrace.model.run import FINAL_RUN
from headrace.model.trigger import Backfill
from headrace.operations import backfills, documents


def start(app: App, number: int, planned: str | None, *, as_json: bool) -> None:
    """Its runs are made once this returns, or are being made by an engine."""
    started = backfills.start(app, backfills.get(app, number), planned=planned)
    show = paths.command("backfill", "show", number)
    count = quantities.counted(len(started.dates or ()), "run")
    _say(app, started, f"Started {_named(started)}: {count}. {show} tells how far it is.", as_json=as_json)
    leaving.hint(app, "make its runs")


def pause(app: App, number: int, *, as_json: bool) -> None:
    paused = backfills.pause(app, backfills.get(app, number))
    waiting = "Its runs that have not begun wait, and what has begun goes on."
    _say(app, paused, f"Paused {_named(paused)}. {waiting}", as_json=as_json)


def resume(app: App, number: int, *, as_json: bool) -> None:
    resumed = backfills.resume(app, backfills.get(app, number))
    _say(app, resumed, f"Resumed {_named(resumed)}.", as_json=as_json)
    leaving.hint(app, "make its runs")


def cancel(app: App, number: int, *, as_json: bool) -> None:
    cancelled = backfills.cancel(app, backfills.get(app, number))
    counts = backfills.counts(app, cancelled)
    going = sum(count for status, count in counts.items() if status not in FINAL_RUN)
    left = f" {quantities.counted(going, 'run')} of it are being stopped." if going else ""
    _say(app, cancelled, f"Cancelled {_named(cancelled)}.{left}", as_json=as_json)
    if going:
        leaving.hint(app, "stop them")


def _say(app: App, backfill: Backfill, sentence: str, *, as_json: bool) -> None:
    click.echo(documents.written(backfill_show.document(app, backfill)) if as_json else sentence)


def _named(backfill: Backfill) -> str:
    return f"backfill {backfill.id}, {tables.bare(backfill.name)}"
