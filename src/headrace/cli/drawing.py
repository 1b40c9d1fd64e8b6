"""A pipeline on a page: title, graph, blocks, variables."""

import json
from collections.abc import Iterator

import click

from headrace.cli import lanes, quantities, tables
from headrace.cli.tables import Column
from headrace.model.pipeline import Block, Pipeline
from headrace.operations import documents

_COLOURS = {"data_loader": "blue", "transformer": "magenta", "data_exporter": "yellow"}
_BLOCKS = (
    Column("block"),
    Column("type"),
    Column("file"),
    Column("reads", cuts=True),
    Column("timeout", right=True),
    Column("retries", right=True),
)


def pipeline(pipeline: Pipeline, width: int | None) -> str:
    return "\n\n".join(_parts(pipeline, width))


def _parts(pipeline: Pipeline, width: int | None) -> Iterator[str]:
    yield _title(pipeline)
    if pipeline.blocks:
        yield graph(pipeline, width)
        yield tables.render(_BLOCKS, [_row(pipeline, block) for block in pipeline.blocks], width)
    for kind, attached in (("callback", pipeline.callbacks), ("conditional", pipeline.conditionals)):
        if attached:
            columns = (Column(kind), Column("of", cuts=True))
            yield tables.render(columns, [(tables.bare(each.uuid), _names(each.upstream)) for each in attached], width)
    if pipeline.variables:
        columns = (Column("variable"), Column("value", cuts=True))
        yield tables.render(
            columns, [(tables.bare(name), _value(value)) for name, value in pipeline.variables.items()], width
        )


def graph(pipeline: Pipeline, width: int | None) -> str:
    """A line for each block: lanes, name and type."""
    drawn = lanes.draw(pipeline.graph)
    columns = (Column(""), Column(""), Column("", cuts=True))
    rows = [(each.lanes, _names_of(each), _type(pipeline.block(each.blocks[0]))) for each in drawn]
    return tables.render(columns, rows, width)


def _title(pipeline: Pipeline) -> str:
    name = click.style(tables.bare(pipeline.name), bold=True)
    title = f" ({tables.bare(pipeline.title)})" if pipeline.title not in ("", pipeline.name) else ""
    line = f"{name}{title}, {quantities.counted(len(pipeline.blocks), 'block')}"
    return f"{line}\n{tables.bare(pipeline.description)}" if pipeline.description else line


def _names_of(drawn: lanes.Drawn) -> str:
    first, last = drawn.blocks[0], drawn.blocks[-1]
    if first == last:
        return tables.bare(first)
    return f"{tables.bare(first)} … {tables.bare(last)} ({len(drawn.blocks):,} alike)"


def _type(block: Block) -> str:
    return click.style(block.type.value, fg=_COLOURS.get(block.type, "cyan"))


def _row(pipeline: Pipeline, block: Block) -> tuple[str, ...]:
    retries = pipeline.retry_policy(block.uuid).retries
    return (
        tables.bare(block.uuid),
        block.type.value,
        tables.bare(block.file or ""),
        _names(block.upstream),
        quantities.duration(block.timeout),
        quantities.count(retries) if retries else "",
    )


def _names(blocks: tuple[str, ...]) -> str:
    return tables.bare(", ".join(blocks))


def _value(value: object) -> str:
    return tables.bare(json.dumps(documents.plain(value), ensure_ascii=False, default=str))
