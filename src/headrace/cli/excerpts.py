"""As much of a long text as people read on a screen."""

import click

from headrace.cli import tables

LINES = 20
CHARACTERS = 2_000


def lines(text: str, whole: str) -> list[str]:
    """Its lines, one at least; where there are more than are shown, the last says that the command `whole` has all."""
    begin = text[:CHARACTERS].splitlines() or [""]
    shown = [tables.bare(line) for line in begin[:LINES]]
    if len(text) > CHARACTERS or len(begin) > LINES:
        shown.append(click.style(f"… `{whole}` has all of it", dim=True))
    return shown
