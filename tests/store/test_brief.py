"""What an engine is to know of a run is asked in one go, and is what it would find piece by piece."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.store.conftest import AT, limits_of

from headrace import errors
from headrace.model.limits import Limits
from headrace.model.pipeline import Block, BlockType, Pipeline
from headrace.model.run import Run
from headrace.model.trigger import TriggerSettings
from headrace.store import Store
from headrace.store.projects import Pinned

BLOCKS = (Block("a", BlockType.CUSTOM), Block("b", BlockType.CUSTOM, upstream=("a",)))


@pytest.fixture
def limited(store: Store) -> Pinned:
    limits = Limits(project_blocks=7, pipeline_runs=3, trigger_runs=2, blocks={"b": 1})
    pipeline = Pipeline("limited", blocks=BLOCKS, limits=limits)
    return store.projects.pin(Path("/projects/other"), "other", pipeline, "version-1", "snapshot-1", 3, AT)


def test_it_is_what_is_kept_of_the_run(store: Store, create: Callable[..., Run], limited: Pinned) -> None:
    create()  # of another project, whose limits and secrets are its own
    run = create(pins=limited)
    store.secrets.set(limited.project.id, "K", "sealed", AT)
    store.secrets.set(None, "ALL", "sealed", AT)
    brief = store.runs.brief(run.id)
    assert (brief.run, brief.project) == (run, limited.project)
    assert brief.blocks == store.runs.block_runs(run.id)
    assert brief.secrets == store.secrets.marks(limited.project.id)
    assert len(brief.secrets) == 2
    assert brief.limits == limits_of(store, limited.pipeline_id)
    assert brief.limits.blocks.keys() == {"b"}
    assert brief.limits.trigger and brief.limits.trigger.cap == 2


def test_a_limit_of_the_trigger_itself_counts_for_its_runs(
    store: Store, create: Callable[..., Run], limited: Pinned, trigger: Callable[..., int]
) -> None:
    own = trigger(limited, "mill", settings=TriggerSettings(pipeline_run_limit=5))
    ours, others = create(pins=limited, trigger_id=own), create(pins=limited)
    caps = [store.runs.brief(run.id).limits.trigger for run in (ours, others)]
    assert [cap and cap.cap for cap in caps] == [5, 2]


def test_there_is_none_of_a_run_that_is_not_there(store: Store) -> None:
    with pytest.raises(errors.RunNotFound):
        store.runs.brief(1)
