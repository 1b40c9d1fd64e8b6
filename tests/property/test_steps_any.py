"""Whatever steps read and write: who reads what another writes is below it, and nothing else of the graph changes."""

from hypothesis import given
from hypothesis import strategies as st

from headrace.model import dataset, steps
from headrace.model.pipeline import Block, BlockType

NAMES = st.sampled_from(["a", "b", "c", "A", "B", "d", "outside"])


@st.composite
def pipelines(draw: st.DrawFn) -> tuple[Block, ...]:
    count = draw(st.integers(1, 6))
    names = [f"s{number}" for number in range(count)]
    return tuple(
        Block(
            name,
            BlockType.TRANSFORMER,
            upstream=tuple(draw(st.lists(st.sampled_from(names), unique=True, max_size=3))),
            reads=tuple(draw(st.lists(NAMES, unique_by=dataset.key, max_size=3))),
            writes=tuple(draw(st.lists(NAMES, max_size=1))),
        )
        for name in names
    )


@given(pipelines())
def test_readers_are_below_writers(blocks: tuple[Block, ...]) -> None:
    found = steps.joined(blocks)
    last = {dataset.key(name): block for block in blocks for name in block.writes}
    for before, after in zip(blocks, found, strict=True):
        above = {last[dataset.key(name)].uuid for name in before.reads if dataset.key(name) in last}
        assert after.upstream[: len(before.upstream)] == before.upstream
        assert set(after.upstream) == {*before.upstream, *above}
        assert [dataset.key(name) for name in after.reads] == [dataset.key(name) for name in before.reads]
        written = {name for block in blocks for name in block.writes if block == last[dataset.key(name)]}
        assert all(name in written for name in after.reads if dataset.key(name) in last)
    assert steps.joined(found) == found


@given(pipelines())
def test_a_clash_is_told_for_each_further_writer(blocks: tuple[Block, ...]) -> None:
    told = list(steps.clashes(blocks))
    writers: dict[str, list[str]] = {}
    for block in blocks:
        for name in block.writes:
            writers.setdefault(dataset.key(name), []).append(block.uuid)
    assert {(clash.first, clash.second) for clash in told} == {
        (those[0], other) for those in writers.values() for other in those[1:]
    }
