"""A graph drawn as text says exactly which block reads which."""

from hypothesis import given
from hypothesis import strategies as st

from headrace.cli import lanes

Graph = dict[str, tuple[str, ...]]


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    names = [f"b{n}" for n in range(draw(st.integers(0, 9)))]
    chosen: Graph = {}
    for n, name in enumerate(names):
        chosen[name] = tuple(draw(st.lists(st.sampled_from(names[:n]), unique=True, max_size=4))) if n else ()
    return {name: chosen[name] for name in draw(st.permutations(names))}


def _read(drawn: list[lanes.Drawn]) -> Graph:
    """The graph, as an eye follows the lines: down a lane to where a line leaves it, along that line to a dot."""
    carried: dict[int, str] = {}
    found: Graph = {}
    for line in drawn:
        (block,) = line.blocks
        row = line.lanes
        node = row.index(lanes.NODE)
        assert row.count(lanes.NODE) == 1
        joined = {column for column in range(0, len(row), 2) if row[column] in "├┤┼╰╯┴"}
        reads = {carried[column] for column in joined}
        above = carried.pop(node, None)
        found[block] = tuple(sorted(reads | ({above} if above else set())))
        for column in joined:
            between = row[min(column, node) + 1 : max(column, node)]
            assert set(between) <= set("─│├┤┼╰╯┴")
            assert set(between[::2]) <= {"─"}
            if row[column] in "╰╯┴":
                del carried[column]
        assert {column for column in range(0, len(row), 2) if row[column] in "│├┤┼"} == set(carried)
        carried[node] = block
        _forget_unread(carried, drawn, line)
    return found


def _forget_unread(carried: dict[int, str], drawn: list[lanes.Drawn], line: lanes.Drawn) -> None:
    """A dot whose lane does not go on in the next line is read by nobody."""
    place = drawn.index(line)
    below = drawn[place + 1].lanes if place + 1 < len(drawn) else ""
    node = line.lanes.index(lanes.NODE)
    if below[node : node + 1] in ("", " ", "─"):
        del carried[node]


@given(graphs())
def test_the_drawing_can_be_read_back(graph: Graph) -> None:
    drawn = lanes.draw(graph, alike=9)
    assert _read(drawn) == {block: tuple(sorted(ups)) for block, ups in graph.items()}


def test_blocks_alike_are_one_line() -> None:
    parts = [f"part{n}" for n in range(9)]
    graph: Graph = {"root": (), **dict.fromkeys(parts, ("root",)), "join": tuple(parts)}
    assert [line.blocks for line in lanes.draw(graph)] == [("root",), tuple(parts), ("join",)]
    assert len(lanes.draw(graph, alike=9)) == 11


def test_a_diamond() -> None:
    graph: Graph = {"load": (), "left": ("load",), "right": ("load",), "join": ("left", "right")}
    assert [(line.lanes, line.blocks[0]) for line in lanes.draw(graph)] == [
        ("●", "load"),
        ("├─●", "left"),
        ("● │", "right"),
        ("●─╯", "join"),
    ]
