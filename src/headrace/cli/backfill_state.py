"""What `headrace backfill start`, `pause`, `resume` and `cancel` do and say."""

import click

from headrace.cli import backfill_show, leaving, paths, quantities, tables
from headrace.cli.places import Place
from headrace.model.run import FINAL_RUN
from headrace.model.trigger import Backfill
from headrace.operations import documents


def start(place: Place, number: int, planned: str | None, *, as_json: bool) -> None:
    """Its runs are made once this returns, or are being made by an engine."""
    started = place.backfills.start(number, planned=planned)
    show = paths.command("backfill", "show", number)
    count = quantities.counted(len(started.dates or ()), "run")
    _say(place, started, f"Started {_named(started)}: {count}. {show} tells how far it is.", as_json=as_json)
    leaving.hint(place, "make its runs")


def pause(place: Place, number: int, *, as_json: bool) -> None:
    paused = place.backfills.pause(number)
    waiting = "Its runs that have not begun wait, and what has begun goes on."
    _say(place, paused, f"Paused {_named(paused)}. {waiting}", as_json=as_json)


def resume(place: Place, number: int, *, as_json: bool) -> None:
    resumed = place.backfills.resume(number)
    _say(place, resumed, f"Resumed {_named(resumed)}.", as_json=as_json)
    leaving.hint(place, "make its runs")


def cancel(place: Place, number: int, *, as_json: bool) -> None:
    cancelled = place.backfills.cancel(number)
    counts = place.backfills.counts(cancelled)
    going = sum(count for status, count in counts.items() if status not in FINAL_RUN)
    left = f" {quantities.counted(going, 'run')} of it are being stopped." if going else ""
    _say(place, cancelled, f"Cancelled {_named(cancelled)}.{left}", as_json=as_json)
    if going:
        leaving.hint(place, "stop them")


def _say(place: Place, backfill: Backfill, sentence: str, *, as_json: bool) -> None:
    click.echo(documents.written(backfill_show.document(place, backfill)) if as_json else sentence)


def _named(backfill: Backfill) -> str:
    return f"backfill {backfill.id}, {tables.bare(backfill.name)}"
