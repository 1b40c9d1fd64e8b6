"""Set algebra on a pipeline's graph: a mapping of each block to its upstream blocks."""

import graphlib
from collections.abc import Iterable, Mapping, Sequence

Graph = Mapping[str, Sequence[str]]


def cycle(graph: Graph) -> tuple[str, ...] | None:
    """The blocks of one cycle, each upstream of the next and the first named again at the end; None without one."""
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return tuple(error.args[1])
    return None


def order(graph: Graph) -> tuple[str, ...]:
    """Every block after its upstreams; among those that could come next, in the order they are written."""
    place = {block: n for n, block in enumerate(graph)}
    sorter = graphlib.TopologicalSorter(graph)
    sorter.prepare()
    ordered: list[str] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready(), key=place.__getitem__)
        ordered += ready
        sorter.done(*ready)
    return tuple(ordered)


def downstream(graph: Graph) -> dict[str, tuple[str, ...]]:
    """The graph with its edges turned round: each block's direct followers, in the order they are written."""
    followers: dict[str, list[str]] = {block: [] for block in graph}
    for block, upstreams in graph.items():
        for upstream in dict.fromkeys(upstreams):
            followers[upstream].append(block)
    return {block: tuple(those) for block, those in followers.items()}


def reach(graph: Graph, start: Iterable[str]) -> frozenset[str]:
    """Those blocks and all that the graph leads to from them: everything above, or below with `downstream(graph)`."""
    found: set[str] = set()
    waiting = list(start)
    while waiting:
        block = waiting.pop()
        if block not in found:
            found.add(block)
            waiting += graph[block]
    return frozenset(found)


def from_block(graph: Graph, block: str) -> frozenset[str]:
    """That block and everything downstream of it."""
    return reach(downstream(graph), [block])


def between(graph: Graph, start: str | None, end: str | None) -> frozenset[str]:
    """The blocks on the ways from the one to the other, both among them; a side that is None is open."""
    below = frozenset(graph) if start is None else from_block(graph, start)
    return below if end is None else below & reach(graph, [end])


def inputs(graph: Graph, selected: Iterable[str]) -> frozenset[str]:
    """The blocks outside a selection whose outputs it needs."""
    chosen = frozenset(selected)
    return frozenset(upstream for block in chosen for upstream in graph[block]) - chosen
