"""Steps: blocks that read and write datasets, and what order that puts them in."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple, cast

from headrace.model import dataset
from headrace.model.dataset import WriteMode
from headrace.model.graph import Graph
from headrace.model.pipeline import Block


def inputs(configuration: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The datasets that a step says it reads; None where it leaves that to its query."""
    listed = configuration.get("input_datasets")
    return None if listed is None else tuple(each if isinstance(each, str) else each["name"] for each in listed)


def mode(configuration: Mapping[str, Any]) -> WriteMode:
    """What becomes of the rows that a step's dataset has: they are replaced where nothing else is written."""
    return WriteMode(configuration.get("write_mode") or WriteMode.REPLACE)


def keys(configuration: Mapping[str, Any]) -> tuple[str, ...]:
    """The columns by which rows are updated: those of a list, or of a text with commas between them."""
    written = configuration.get("row_unique_identifier")
    if isinstance(written, str):
        return tuple(each.strip() for each in written.split(","))
    return tuple(cast("list[str]", written)) if isinstance(written, list) else () if written is None else (written,)


def description(configuration: Mapping[str, Any]) -> str:
    """What a step says of the dataset that it writes; nothing where that is named alone."""
    listed = cast("list[Mapping[str, str] | str]", configuration.get("output_datasets") or [])
    return next((each.get("description") or "" for each in listed if not isinstance(each, str)), "")


class Edge(NamedTuple):
    """The block `below` reads a dataset that the block `above` writes, under the name that is given it there."""

    above: str
    below: str
    dataset: str


class Clash(NamedTuple):
    """Two blocks write one dataset."""

    first: str
    second: str
    dataset: str


def edges(blocks: Iterable[Block]) -> Iterator[Edge]:
    """Who reads what another writes. A block that reads what it writes itself is above itself."""
    those = tuple(blocks)
    written = {dataset.key(name): (block.uuid, name) for block in those for name in block.writes}
    for block in those:
        for key in dict.fromkeys(map(dataset.key, block.reads)):
            if key in written:
                writer, name = written[key]
                yield Edge(writer, block.uuid, name)


def clashes(blocks: Iterable[Block]) -> Iterator[Clash]:
    """Each block that writes what one before it writes."""
    first: dict[str, str] = {}
    for block in blocks:
        for name in block.writes:
            writer = first.setdefault(dataset.key(name), block.uuid)
            if writer != block.uuid:
                yield Clash(writer, block.uuid, name)


def joined(blocks: Iterable[Block]) -> tuple[Block, ...]:
    """The blocks, each below those that write what it reads, and speaking of that by the name that it is written by."""
    those = tuple(blocks)
    found = list(edges(those))
    return tuple(_below(block, [edge for edge in found if edge.below == block.uuid]) for block in those)


def _below(block: Block, above: list[Edge]) -> Block:
    if not above:
        return block
    upstream = dict.fromkeys([*block.upstream, *(edge.above for edge in above)])
    written = {dataset.key(edge.dataset): edge.dataset for edge in above}
    reads = tuple(written.get(dataset.key(name), name) for name in block.reads)
    return replace(block, upstream=tuple(upstream), reads=reads)


def handing_over(blocks: Iterable[Block]) -> Graph:
    """Each block, and those whose outputs it is given as arguments: a step is given none, it reads datasets."""
    return {block.uuid: () if block.reads or block.writes else block.upstream for block in blocks}
