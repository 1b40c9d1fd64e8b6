"""What `headrace datasets show` says."""

from collections.abc import Iterator, Mapping
from typing import Any

import click

from headrace.cli import out, quantities, runs_output, tables
from headrace.cli.datasets_history import maker
from headrace.cli.places import Place
from headrace.cli.tables import Column
from headrace.model.dataset import Version
from headrace.operations import documents
from headrace.store.datasets import Standing

_COLUMNS = (
    Column("column", cuts=True, always=True),
    Column("type", cuts=True),
    Column("nulls", right=True),
    Column("min", cuts=True),
    Column("max", cuts=True),
)


def write(place: Place, name: str, *, as_json: bool) -> None:
    found = place.datasets.show(name)
    if as_json:
        click.echo(documents.written(documents.dataset(found)))
    else:
        click.echo("\n".join(_lines(found)))
        if found.newest:
            click.echo(f"\n{tables.render(_COLUMNS, _columns(found.newest), out.width())}")


def _lines(found: Standing) -> Iterator[str]:
    dataset, newest = found.dataset, found.newest
    yield click.style(dataset.name, bold=True)
    if dataset.description:
        yield tables.bare(dataset.description)
    if newest is None:
        yield "Nothing has been written to it."
    else:
        yield f"Version {newest.version}: {quantities.counted(newest.rows, 'row')}, {quantities.size(newest.bytes)}"
        yield f"{newest.operation.value} by {maker(newest)}, {quantities.moment(newest.created_at)}"
    if dataset.row_identifier:
        yield f"Its rows are told apart by {tables.bare(dataset.row_identifier)}."
    yield click.style(f"It lies at {tables.bare(dataset.location)}", dim=True)


def _columns(version: Version) -> list[tuple[str, ...]]:
    profile = version.profile or {}
    rows: list[tuple[str, ...]] = []
    for column in version.schema:
        told: Mapping[str, Any] = profile.get(column["name"]) or {}
        least, most = runs_output.cell(told.get("min")), runs_output.cell(told.get("max"))
        rows.append((tables.bare(column["name"]), column["type"], quantities.count(told.get("nulls")), least, most))
    return rows
