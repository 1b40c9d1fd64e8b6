"""What `headrace runs output` says."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import click

from headrace import errors, outputs
from headrace.cli import out, paths, quantities, tables
from headrace.cli.places import Place
from headrace.cli.tables import Column
from headrace.model.output import DATASET, Output
from headrace.operations import documents
from headrace.operations.runs import Shown

MOST_COLUMNS = 40  # of a schema that are shown; -o json has all
LONGEST = 60  # characters of a cell


def write(place: Place, run: int, block: str, name: str | None, rows: int, *, as_json: bool) -> None:
    shown = place.runs.show(run)
    kept = _named(block, place.runs.kept(shown, block), name)
    if as_json:
        read = [_document(place, shown, block, each, rows) for each in kept]
        click.echo(documents.written({"run": run, "block": block, "outputs": read}))
    elif not kept:
        click.echo(f"The block {tables.bare(block)} left nothing behind in run {run}.")
    else:
        click.echo("\n\n\n".join("\n\n".join(_parts(place, shown, block, each, rows, out.width())) for each in kept))


def _named(block: str, kept: Sequence[Output], name: str | None) -> list[Output]:
    found = [each for each in kept if name is None or each.name == name]
    if name is not None and not found:
        names = ", ".join(each.name for each in kept) or "none"
        raise errors.OutputNotFound(what=f"The block {block}", name=name, names=names)
    return found


def _document(place: Place, shown: Shown, block: str, output: Output, rows: int) -> dict[str, Any]:
    head = place.runs.head(shown, block, output, rows)
    return {**documents.output(output), "head": {"columns": head.columns, "rows": head.rows}}


def _parts(place: Place, shown: Shown, block: str, output: Output, rows: int, width: int | None) -> Iterator[str]:
    facts = [output.kind]
    facts += [quantities.counted(output.rows, "row")] if output.rows is not None else []
    facts += [quantities.counted(len(output.schema), "column")] if output.schema is not None else []
    yield f"{click.style(tables.bare(output.name), bold=True)}: {', '.join([*facts, quantities.size(output.bytes)])}"
    if output.schema:
        yield _schema(output, width)
    if rows:
        head = place.runs.head(shown, block, output, rows)
        yield table(head.columns, head.rows, width)
    in_row = "document" in output.extra
    where = "kept in the database" if in_row else paths.near(shown.home / output.path)
    hashed = "" if output.kind == DATASET else f"\nhash {output.hash or 'not known yet'}"
    yield click.style(f"{where}{hashed}", dim=True)


def _schema(output: Output, width: int | None) -> str:
    """The columns with their types, and of a profile what it says of each."""
    schema, profile = output.schema or (), output.profile or {}
    columns = (Column("column", cuts=True, always=True), Column("type", cuts=True), Column("nulls", right=True))
    ranges = (Column("min", cuts=True), Column("max", cuts=True))
    profiled = outputs.different(str(each["name"]) for each in schema)
    found: list[Any] = [profile.get(name) or {} for name in profiled[:MOST_COLUMNS]]
    rows = [_column(*each) for each in zip(schema[:MOST_COLUMNS], found, strict=True)]
    left = len(schema) - MOST_COLUMNS
    more = click.style(f"\n… and {quantities.counted(left, 'column')} more", dim=True) if left > 0 else ""
    return tables.render((*columns, *ranges), rows, width) + more


def _column(column: Any, found: Any) -> tuple[str, ...]:
    nulls = quantities.count(found.get("nulls"))
    return (
        tables.bare(str(column["name"])),
        tables.bare(str(column["type"])),
        nulls,
        cell(found.get("min")),
        cell(found.get("max")),
    )


def table(names: Sequence[str], rows: Sequence[Sequence[Any]], width: int | None) -> str:
    """The rows as far as the width goes; what is left out is counted."""
    numeric = [all(_is_number(row[n]) for row in rows) and bool(rows) for n in range(len(names))]
    titles = [tables.cut(tables.bare(name), LONGEST) for name in names]
    cells = [[cell(value) for value in row] for row in rows]
    fitting = _fitting(titles, cells, width)
    columns = [Column(title, right=right, always=True) for title, right in zip(titles, numeric, strict=True)][:fitting]
    left = len(names) - fitting
    more = click.style(f"\n… and {quantities.counted(left, 'column')} more", dim=True) if left else ""
    return tables.render(columns, [row[:fitting] for row in cells]) + more


def cell(value: Any) -> str:
    """A value as it is shown in a cell; a missing one is empty, text is as it is, and nothing is long."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(documents.plain(value), ensure_ascii=False, default=str)
    return tables.cut(tables.bare(text[: LONGEST * 4]), LONGEST)


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _fitting(titles: Sequence[str], cells: Sequence[Sequence[str]], width: int | None) -> int:
    """How many columns there is room for, one at least."""
    taken = 0
    for n, title in enumerate(titles):
        taken += max([tables.span(title), *(tables.span(row[n]) for row in cells)]) + len(tables.GAP)
        if width and taken - len(tables.GAP) > width:
            return max(n, 1)
    return len(titles)
