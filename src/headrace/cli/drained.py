"""What `headrace drain` does and says."""

import time
from collections.abc import Collection, Sequence

import click

from headrace import clock
from headrace.cli import exits, quantities, tables
from headrace.cli.places import Place

LOOK = 0.2  # seconds between two looks at what they still have


def drain(place: Place, named: Sequence[str], wait: float | None) -> int:
    """The exit code. EngineNotFound, DrainRefused."""
    engines = place.engines
    names = list(dict.fromkeys(named)) or list(engines.holding())
    for name in names:
        engines.drain(name)
    if not names:
        click.echo("No engine runs.")
    if wait is not None:
        _wait(place, names, wait)
    left = engines.holding()
    for name in names:
        click.echo(_told(name, left.get(name)))
    return exits.FAILED if wait is not None and left.keys() & names else exits.COMPLETED


def _wait(place: Place, names: Collection[str], seconds: float) -> None:
    """Until all of them have left, or the time is over."""
    until = clock.monotonic() + seconds
    while place.engines.holding().keys() & names and clock.monotonic() < until:
        time.sleep(LOOK)


def _told(name: str, runs: int | None) -> str:
    """None: it has left."""
    left = "nothing of it is left" if runs is None else f"{quantities.counted(runs, 'run')} of it to end or to be left"
    return f"The engine {tables.bare(name)} begins nothing more; {left}."
