"""What `headrace runs retry` says: which blocks run again, and which are reused."""

from collections.abc import Iterator

import click

from headrace.cli import exits, leaving, out, quantities, tables
from headrace.cli.places import Place
from headrace.cli.tables import Column
from headrace.operations.asking import Again
from headrace.operations.retrying import Retry


def leave(place: Place, asked: Again) -> None:
    """Asks for the retry, which an engine carries out."""
    retry = place.runs.retry(asked)
    warn(retry)
    click.echo(told(retry))
    leaving.hint(place)


def told(retry: Retry) -> str:
    """The run and its blocks: those that run again, new ones, those that are reused, and those that are gone."""
    count = quantities.counted(len(retry.again), "block")
    first = f"Run {retry.run.id} of {tables.bare(retry.pipeline.name)} goes on; {count} to run"
    rows = [(click.style(word, dim=True), what) for word, what in _rows(retry)]
    return f"{first}\n{tables.render([Column(''), Column('', cuts=True)], rows, out.width())}"


def warn(retry: Retry) -> None:
    for warning in retry.warnings:
        exits.complain(f"warning: {tables.bare(warning)}")


def _rows(retry: Retry) -> Iterator[tuple[str, str]]:
    found = {
        "run again": retry.reopening.blocks,
        "new": retry.reopening.added,
        "reused": retry.reused,
        "gone": retry.gone,
    }
    for word, blocks in found.items():
        if blocks:
            yield word, tables.bare(", ".join(blocks))
