"""A pipeline is paused and resumed, and whoever pins it is told."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from tests.store.conftest import AT, PIPELINE

from headrace import errors
from headrace.model.access import Grant, Role
from headrace.model.reach import Reach
from headrace.store import Store
from headrace.store.projects import Pinned

Pin = Callable[[str], Pinned]


@pytest.fixture
def pin(store: Store) -> Pin:
    """Pins a version of the pipeline."""
    return lambda version: store.projects.pin(Path("/projects/demo"), "demo", PIPELINE, version, "s", 3, AT)


def test_it_is_paused_once_and_resumed_once(store: Store, pin: Pin) -> None:
    pipeline = pin("v1").pipeline_id
    known = store.pipelines
    assert known.get(pipeline).paused_at is None
    assert [known.pause(pipeline, AT), known.pause(pipeline, AT + timedelta(hours=1))] == [True, False]
    assert known.get(pipeline).paused_at == AT
    later = AT + timedelta(hours=2)
    assert [known.resume(pipeline, later), known.resume(pipeline, later + timedelta(hours=1))] == [True, False]
    assert known.get(pipeline).paused_at is None


def test_when_it_was_switched_is_known(store: Store, pin: Pin) -> None:
    pipeline, later = pin("v1").pipeline_id, AT + timedelta(hours=1)
    assert store.pipelines.get(pipeline).switched_at is None
    store.pipelines.pause(pipeline, AT)
    store.pipelines.pause(pipeline, later)  # which it is
    assert store.pipelines.get(pipeline).switched_at == AT
    store.pipelines.resume(pipeline, later)
    assert [each.switched_at for each in store.pipelines.all()] == [later]


def test_whoever_pins_it_is_told_of_versions_that_are_there_and_of_new_ones(store: Store, pin: Pin) -> None:
    pipeline = pin("v1").pipeline_id
    assert not pin("v1").paused
    store.pipelines.pause(pipeline, AT)
    assert pin("v1").paused
    assert pin("v2").paused
    store.pipelines.resume(pipeline, AT)
    assert not pin("v1").paused
    assert not pin("v3").paused


def test_nobody_pauses_what_is_beyond_their_reach(store: Store, pin: Pin) -> None:
    pipeline = pin("v1").pipeline_id
    other = store.within(Reach(1, False, Role.EDITOR, frozenset({Grant(Role.OWNER, "of nothing")})))
    with pytest.raises(errors.PipelineNotFound):
        other.pipelines.pause(pipeline, AT)
    assert store.pipelines.get(pipeline).paused_at is None
