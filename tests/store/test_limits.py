"""Limits are rows that follow what the project says; what they bound is counted under their lock."""

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.store.conftest import AT, limits_of, together
from tests.store.test_moves import start

from headrace.model import transitions
from headrace.model.limits import Limits
from headrace.model.pipeline import Block, BlockType, Pipeline
from headrace.model.run import BlockRun, BlockStatus, Run
from headrace.store import Store
from headrace.store.changes import AttemptEnded, BlockMoved
from headrace.store.limits import Limit, LimitRows, Use
from headrace.store.projects import Pinned

Begin = Callable[..., tuple[Run, dict[str, BlockRun]]]
Live = Callable[..., None]


def pin(store: Store, name: str = "daily", path: str = "/projects/demo", **limits: object) -> Pinned:
    blocks = tuple(Block(block, BlockType.CUSTOM) for block in "abc")
    pipeline = Pipeline(name, blocks=blocks, limits=Limits(**limits))  # type: ignore[arg-type]
    return store.projects.pin(Path(path), "demo", pipeline, "v", "s", 1, AT)


def caps(rows: LimitRows) -> tuple[int | None, ...]:
    return tuple(each and each.cap for each in (rows.project, rows.pipeline, rows.trigger))


def test_a_pipeline_without_limits_has_none(store: Store) -> None:
    assert limits_of(store, pin(store).pipeline_id) == LimitRows()


def test_every_limit_has_a_row_and_keeps_it(store: Store) -> None:
    written = {"project_blocks": 9, "pipeline_runs": 3, "trigger_runs": 2, "blocks": {"a": 1, "b": 2}, "skip": True}
    first = limits_of(store, pin(store, **written).pipeline_id)
    assert caps(first) == (9, 3, 2)
    assert (first.pipeline and first.pipeline.skip, first.project and first.project.skip) == (True, False)
    assert {block: limit.cap for block, limit in first.blocks.items()} == {"a": 1, "b": 2}
    assert limits_of(store, pin(store, **written).pipeline_id) == first


def test_rows_follow_what_is_written(store: Store) -> None:
    first = limits_of(store, pin(store, pipeline_runs=3, blocks={"a": 1, "b": 2}).pipeline_id)
    later = limits_of(store, pin(store, pipeline_runs=5, trigger_runs=1, blocks={"b": 2}, skip=True).pipeline_id)
    assert first.pipeline is not None
    assert later.pipeline == Limit(first.pipeline.id, 5, True)
    assert caps(later) == (None, 5, 1)
    assert later.blocks == {"b": first.blocks["b"]}
    assert limits_of(store, pin(store).pipeline_id) == LimitRows()


def test_the_project_s_limit_is_one_for_all_its_pipelines(store: Store) -> None:
    one, two = pin(store, "one", project_blocks=4), pin(store, "two", project_blocks=4)
    assert limits_of(store, one.pipeline_id).project == limits_of(store, two.pipeline_id).project
    elsewhere = pin(store, "one", path="/projects/other", project_blocks=7)
    assert caps(limits_of(store, elsewhere.pipeline_id)) == (7, None, None)
    assert caps(limits_of(store, one.pipeline_id)) == (4, None, None)


@pytest.mark.parametrize("rounds", range(3))
def test_those_who_write_a_limit_at_once_write_one_row(store: Store, rounds: int) -> None:
    pinned = together(*[lambda: pin(store, project_blocks=2, pipeline_runs=2, blocks={"a": 1})] * 4)
    found = [limits_of(store, each.pipeline_id) for each in pinned]
    assert caps(found[0]) == (2, 2, None)
    assert found == [found[0]] * 4


def room(store: Store, *limits: Limit | None) -> list[int]:
    ids = [limit.id for limit in limits if limit]
    with store.runs.turn() as turn:
        free = turn.room(ids)
    return [free[each] for each in ids]


def test_open_attempts_count_whoever_s_they_are(store: Store, begin: Begin) -> None:
    limited, other = pin(store, project_blocks=9, blocks={"a": 2}), pin(store, "other", project_blocks=9)
    rows = limits_of(store, limited.pipeline_id)
    assert room(store, rows.project, rows.blocks["a"]) == [9, 2]
    run, blocks = begin("ab", limited)
    changes, attempt = start(blocks["a"], run.epoch)
    store.runs.write({run.id: run.epoch}, [*changes, *start(blocks["b"], run.epoch)[0]])
    assert room(store, rows.project, rows.blocks["a"]) == [7, 1]
    beside, its = begin("a", other)
    store.runs.write({beside.id: beside.epoch}, start(its["a"], beside.epoch)[0])
    assert room(store, rows.project, rows.blocks["a"]) == [6, 1], "a block of that name of another pipeline is another"
    store.engines.bury("engine-1")
    assert room(store, rows.project, rows.blocks["a"]) == [6, 1], "they may still go on"
    ended = replace(attempt, status=BlockStatus.COMPLETED, reason="returned", ended_at=AT)
    row = next(row for row in store.runs.block_runs(run.id) if row.block == "a")
    complete = transitions.complete_block(AT, attempt=row.attempt)
    store.runs.write({run.id: run.epoch}, [AttemptEnded(ended), BlockMoved(row, complete)])
    assert room(store, rows.project, rows.blocks["a"]) == [7, 2]


def test_a_limit_that_is_gone_is_left_out(store: Store) -> None:
    limited = pin(store, blocks={"a": 1, "b": 1})
    rows = limits_of(store, limited.pipeline_id)
    pin(store, blocks={"b": 1})
    with store.runs.turn() as turn:
        assert turn.room([each.id for each in rows.blocks.values()]) == {rows.blocks["b"].id: 1}
        assert turn.room([]) == {}


@pytest.mark.parametrize("rounds", range(3))
def test_a_limit_of_blocks_holds_at_every_instant_whoever_begins(store: Store, begin: Begin, rounds: int) -> None:
    """Four engines begin attempts at once, each as far as it was told there is room."""
    limited = pin(store, project_blocks=5, blocks={"a": 3})
    rows = limits_of(store, limited.pipeline_id)
    assert rows.project
    ids = [rows.project.id, rows.blocks["a"].id]
    begun = [begin("ab", limited) for _ in range(8)]
    counted, lock = list[int](), threading.Lock()

    def work(mine: list[tuple[Run, dict[str, BlockRun]]]) -> int:
        began = 0
        for run, blocks in mine:
            with store.runs.turn() as turn:
                free = turn.room(ids)
                if min(free.values()) > 0:
                    turn.write({run.id: run.epoch}, start(blocks["a"], run.epoch)[0])
                    began += 1
            with lock:
                counted.append(3 - room(store, rows.blocks["a"])[0])
        return began

    assert sum(together(*(lambda mine=begun[n::4]: work(mine) for n in range(4)))) == 3
    assert max(counted) == 3


def test_who_holds_the_places_of_a_limit_is_told(
    store: Store, begin: Begin, live: Live, trigger: Callable[[Pinned, str], int], create: Callable[..., Run]
) -> None:
    limited = pin(store, project_blocks=2, pipeline_runs=9, trigger_runs=3, blocks={"a": 1})
    (first, blocks), (second, _) = begin("ab", limited), begin("ab", limited)
    of_trigger = create(pins=limited, trigger_id=trigger(limited, "nightly"), owner="engine-1")
    store.runs.write({first.id: 1}, [each for block in "ab" for each in start(blocks[block], 1)[0]])
    assert store.limits.used(second.id) == [
        Use("project_blocks", "", 2, 2, (first.id,)),
        Use("pipeline_runs", "", 9, 3, (first.id, second.id, of_trigger.id)),
        Use("trigger_runs", "", 3, 2, (first.id, second.id)),
        Use("block_runs", "a", 1, 1, (first.id,)),
    ]
    assert store.limits.used(of_trigger.id)[2] == Use("trigger_runs", "", 3, 1, (of_trigger.id,))
