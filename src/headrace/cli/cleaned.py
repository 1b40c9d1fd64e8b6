"""What `headrace clean` says."""

from collections.abc import Sequence

import click

from headrace.app import App
from headrace.cli import exits, out, quantities, tables
from headrace.cli.tables import Column
from headrace.operations import cleaning, documents
from headrace.operations.cleaning import Share

_COLUMNS = (
    Column("project", cuts=True),
    Column("pipeline", cuts=True),
    Column("what"),
    Column("rows", right=True),
    Column("files", right=True),
)
_WORDS = {"block_runs": "block runs"}


def write(app: App, *, dry: bool, as_json: bool) -> int:
    """The exit code tells whether all could be cleaned; what could not is said on stderr."""
    faults = list[str]()
    shares = cleaning.clean(app, faults.append, dry=dry)
    if as_json:
        click.echo(documents.written({"dry_run": dry, "cleaned": shares, "faults": faults}))
    else:
        click.echo(_told(shares, dry=dry))
        for fault in faults:
            exits.complain(tables.bare(fault))
    return exits.FAILED if faults else exits.COMPLETED


def _told(shares: Sequence[Share], *, dry: bool) -> str:
    if not shares:
        return "There is nothing to clean."
    rows = [
        (
            tables.bare(each.project or ""),
            tables.bare(each.pipeline or ""),
            _WORDS.get(each.kind, each.kind),
            *_amounts(each),
        )
        for each in shares
    ]
    count, size = sum(each.rows for each in shares), sum(each.bytes for each in shares)
    said = (
        f"{quantities.counted(count, 'row')} and {quantities.size(size)} of files {'would go' if dry else 'have gone'}."
    )
    return f"{tables.render(_COLUMNS, rows, out.width())}\n\n{said}"


def _amounts(share: Share) -> tuple[str, str]:
    return quantities.count(share.rows) if share.rows else "", quantities.size(share.bytes) if share.bytes else ""
