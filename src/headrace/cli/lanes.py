"""A graph drawn as text: a line for each block, and a lane for each output on its way to the blocks that read it.

●    load
├─●  clean        ├ ┤ the lane goes on, ╯ ╰ it ends here, ┴ it ends and the line goes on to the block
● │  count        ┼   the lane goes on, and so does the line
●─╯  report       ─│─ the line passes a lane that has nothing to do with it
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from headrace.model import graph

NODE = "●"


@dataclass(frozen=True, slots=True)
class Drawn:
    """A line of the drawing: its lanes, and the blocks it stands for (several where they are alike)."""

    lanes: str
    blocks: tuple[str, ...]


@dataclass(slots=True)
class _Lanes:
    """Which block's output each lane carries, None for a free one; and who has still to read it."""

    carries: list[str | None] = field(default_factory=list[str | None])
    leaf: int | None = None  # the lane of the line before, where it held a block that nobody reads

    def free(self) -> int:
        """The first lane to begin in: not right below a block that it has nothing to do with."""
        for lane, block in enumerate(self.carries):
            if block is None and lane != self.leaf:
                return lane
        self.carries.append(None)
        if len(self.carries) - 1 == self.leaf:
            self.carries.append(None)
        return len(self.carries) - 1


def draw(pipeline: graph.Graph, alike: int = 8) -> list[Drawn]:
    """The graph, every block below its upstreams. More than `alike` blocks between the same neighbours are one line."""
    groups = _groups(pipeline, alike)
    of = {block: first for first, blocks in groups.items() for block in blocks}
    small = {first: tuple(dict.fromkeys(of[up] for up in pipeline[first])) for first in groups}
    lanes, readers = _Lanes(), {block: set(those) for block, those in graph.downstream(small).items()}
    return [Drawn(_line(lanes, readers, block, small[block]), groups[block]) for block in _order(small)]


def _groups(pipeline: graph.Graph, alike: int) -> Mapping[str, tuple[str, ...]]:
    """The blocks by the first of each group, a group being those alike, or one block."""
    below = graph.downstream(pipeline)
    twins: dict[object, list[str]] = {}
    for block, upstreams in pipeline.items():
        twins.setdefault((frozenset(upstreams), frozenset(below[block])), []).append(block)
    groups = [group for group in twins.values() if len(group) > alike]
    first = {block: group[0] for group in groups for block in group}
    return {
        block: tuple(next((group for group in groups if group[0] == block), [block]))
        for block in pipeline
        if first.get(block, block) == block
    }


def _order(small: graph.Graph) -> list[str]:
    """Every block after its upstreams, and as soon after the latest of them as can be: so lanes are short."""
    below = graph.downstream(small)
    ordered: dict[str, None] = {}
    waiting = [*small][::-1]
    while waiting:
        block = waiting.pop()
        if block not in ordered and all(up in ordered for up in small[block]):
            ordered[block] = None
            waiting += below[block][::-1]
    return list(ordered)


def _line(lanes: _Lanes, readers: Mapping[str, set[str]], block: str, upstreams: Sequence[str]) -> str:
    for upstream in upstreams:
        readers[upstream].discard(block)
    joined = [lane for lane, carried in enumerate(lanes.carries) if carried in upstreams]
    ends = [lane for lane in joined if not readers[str(lanes.carries[lane])]]
    node = ends[0] if ends else lanes.free()
    row = _row(lanes.carries, node, joined, ends)
    for lane in ends:
        lanes.carries[lane] = None
    lanes.carries[node] = block if readers[block] else None
    lanes.leaf = None if readers[block] else node
    while lanes.carries and lanes.carries[-1] is None:
        lanes.carries.pop()
    return row


def _row(carries: Sequence[str | None], node: int, joined: Sequence[int], ends: Sequence[int]) -> str:
    left, right = min([node, *joined]), max([node, *joined])
    row = ""
    for lane, carried in enumerate(carries):
        within = left <= lane <= right
        if lane == node:
            mark = NODE
        elif lane in joined:
            mark = _join(lane in ends, lane == left, lane == right)
        else:
            mark = "│" if carried else "─" if within else " "
        row += mark + ("─" if left <= lane < right else " ")
    return row.rstrip()


def _join(ends: bool, first: bool, last: bool) -> str:
    if first:
        return "╰" if ends else "├"
    if last:
        return "╯" if ends else "┤"
    return "┴" if ends else "┼"
