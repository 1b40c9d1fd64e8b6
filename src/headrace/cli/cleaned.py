"""What `headrace clean` says."""

from collections.abc import Sequence

import click

from headrace.cli import exits, out, quantities, tables
from headrace.cli.places import Place
from headrace.cli.tables import Column
from headrace.operations import documents
from headrace.operations.cleaning import Share

_COLUMNS = (
    Column("project", cuts=True),
    Column("pipeline", cuts=True),
    Column("what"),
    Column("rows", right=True),
    Column("files", right=True),
)
_WORDS = {"block_runs": "block runs", "dataset_versions": "dataset versions", "run_datasets": "pinned datasets"}


def write(place: Place, *, dry: bool, as_json: bool) -> int:
    """The exit code tells whether all could be cleaned; what could not is said on stderr."""
    found = place.cleaning.clean(dry=dry)
    if as_json:
        click.echo(documents.written(documents.cleaned(found)))
    else:
        click.echo(_told(found.cleaned, dry=dry))
        for fault in found.faults:
            exits.complain(tables.bare(fault))
    return exits.FAILED if found.faults else exits.COMPLETED


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
