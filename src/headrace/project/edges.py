"""The edges between blocks: what is written, less what leads nowhere."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from headrace.model import graph, steps
from headrace.model.pipeline import NEVER_RUN, Block
from headrace.project import blocks
from headrace.project.fields import Field

Warn = Callable[[Field, str], None]


def settle(read: Iterable[tuple[Field, Block]], known: Iterable[Block], warn: Warn) -> tuple[Block, ...]:
    """The blocks with each upstream named once, in the order written, and only if it is there and is ever run."""
    runs = {block.uuid: block.type not in NEVER_RUN for block in known}
    return tuple(replace(block, upstream=_upstream(written, block, runs, warn)) for written, block in read)


def _upstream(written: Field, block: Block, runs: dict[str, bool], warn: Warn) -> tuple[str, ...]:
    kept: list[str] = []
    for name, field in zip(block.upstream, written.at("upstream_blocks").items(), strict=True):
        if name not in runs:
            warn(field, f"there is no block {name!r}; the edge to {block.uuid!r} is left out")
        elif not runs[name]:
            warn(field, f"{name!r} never runs; the edge to {block.uuid!r} is left out")
        elif name in kept:
            warn(field, f"{name!r} is named twice; once counts")
        else:
            kept.append(name)
    return tuple(kept)


def warn_one_sided(read: Sequence[tuple[Field, Block]], warn: Warn) -> None:
    """`upstream_blocks` decide; a `downstream_blocks` that they do not know of is said and left out."""
    upstream = {block.uuid: block.upstream for _, block in read}
    for written, block in read:
        for field in written.at("downstream_blocks").items():
            below = blocks.edge(field)
            if block.uuid not in upstream.get(below, ()):
                warn(field, f"{below!r} does not name {block.uuid!r} upstream; the edge is left out")


def refuse_cycle(settled: Sequence[Block], written: Field) -> None:
    """Raises Wrong that names the blocks of a cycle in their order, and the datasets for which they wait."""
    circle = graph.cycle({block.uuid: block.upstream for block in settled})
    if circle:
        why = [f"these blocks wait for each other: {' → '.join(circle)}", *_through(settled, set(pairwise(circle)))]
        raise written.refused("; ".join(why))


def _through(settled: Sequence[Block], pairs: set[tuple[str, str]]) -> Iterator[str]:
    for edge in steps.edges(settled):
        if (edge.above, edge.below) in pairs:
            yield f"{edge.below} reads {edge.dataset}, which {edge.above} writes"
