"""A run as an Argo Workflow: valid whatever the pipeline, and told by the names that Argo would give."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.dialects.truestate import workflows

from headrace.api.truestate.argo import manifest, metadata, names
from headrace.model.pipeline import Block, BlockType, Pipeline
from headrace.model.run import Attempt, BlockRun, BlockStatus, Failure, Run, RunStatus

UID = "0192f0c1-7d3e-7a55-8b1e-2f6f0e9a4c11"
AT = datetime(2026, 1, 31, 6, tzinfo=UTC)

Names = st.text(st.characters(codec="utf-8", exclude_characters="\0{"), min_size=1, max_size=90)


@st.composite
def pipelines(draw: st.DrawFn) -> tuple[Pipeline, list[str]]:
    """Any graph of steps with any names, and some of its steps."""
    steps = draw(st.lists(Names, min_size=1, max_size=12, unique=True))
    blocks = [
        Block(
            uuid=name,
            type=BlockType.TRANSFORMER,
            upstream=tuple(draw(st.lists(st.sampled_from(steps[:place]), unique=True))) if place else (),
            timeout=draw(st.none() | st.floats(0.1, 1e6)),
            memory_limit=draw(st.none() | st.integers(1, 2**50)),
        )
        for place, name in enumerate(steps)
    ]
    chosen = draw(st.lists(st.sampled_from(steps), min_size=1, unique=True))
    return Pipeline(draw(Names), blocks=tuple(blocks)), chosen


@given(pipelines())
@settings(max_examples=40, deadline=None)
def test_any_pipeline_makes_a_workflow(drawn: tuple[Pipeline, list[str]]) -> None:
    pipeline, chosen = drawn
    made = manifest.of(pipeline, UID, chosen)
    workflows.refuse(made)
    tasks = made["spec"]["templates"][0]["dag"]["tasks"]
    assert {each["arguments"]["parameters"][0]["value"] for each in tasks} == {*chosen}
    assert made == manifest.of(pipeline, UID, chosen[::-1])


@given(st.text(), st.text())
def test_texts_that_differ_have_labels_that_differ(one: str, other: str) -> None:
    assert (names.label(one) == names.label(other)) == (one == other)
    assert workflows.LABEL.fullmatch(names.label(one))


def test_what_is_a_label_stays_as_it_is_and_what_is_none_can_be_told() -> None:
    assert names.label("clean-orders") == "clean-orders"
    assert names.label("Clean orders!").startswith("clean-orders-")
    assert names.tasks(["main", "a"]) == {"a": "a", "main": names.tasks(["main"])["main"]}
    assert names.tasks(["main"])["main"] != names.ENTRY
    clash = names.tasks(["1-clean", "step-1-clean"])
    assert clash["1-clean"] == "step-1-clean"
    assert clash["step-1-clean"].startswith("step-1-clean-")


@pytest.mark.parametrize(
    ("text", "hashed"), [("", 2166136261), ("a", 3826002220), ("foobar", 3214735720)]
)  # of the authors of FNV
def test_nodes_are_kept_by_argos_hash_of_their_names(text: str, hashed: int) -> None:
    assert names.hashed(text) == hashed
    assert names.node_id("wf", "wf") == "wf"
    assert names.node_id("wf", names.node("wf", "load", 0)) == f"wf-{names.hashed('wf.load(0)')}"


def test_what_is_no_workflow_would_be_seen() -> None:
    """The checks of this file can fail."""
    upstream = {"load": (), "clean": ("load",)}
    blocks = tuple(Block(uuid=name, type=BlockType.CUSTOM, upstream=above) for name, above in upstream.items())
    made = manifest.of(Pipeline("mill", blocks=blocks), UID, upstream)
    workflows.refuse(made)
    for place, broken in enumerate(workflows.mangled(made)):
        if place > 1 or workflows.CRD.exists():
            with pytest.raises((AssertionError, KeyError)):
                workflows.refuse(broken)


def test_what_the_engine_tells_hangs_together_as_argos_status_does() -> None:
    upstream = {"load": (), "clean": ("load",), "sum": ("clean",)}
    pipeline = Pipeline(
        "mill", blocks=tuple(Block(name, BlockType.CUSTOM, upstream=upstream[name]) for name in upstream)
    )
    rows = [
        _row(1, "load", BlockStatus.COMPLETED, "returned"),
        _row(2, "clean", BlockStatus.FAILED, "raised"),
        _row(3, "sum", BlockStatus.UPSTREAM_FAILED, "clean failed"),
    ]
    tries = {
        1: [_try(1, 1, BlockStatus.COMPLETED)],
        2: [_try(2, 1, BlockStatus.FAILED), _try(2, 2, BlockStatus.FAILED)],
    }
    run = Run(1, UID, 1, 1, 1, RunStatus.FAILED, "clean failed", {}, AT, AT, AT, AT + timedelta(minutes=1))
    told = metadata.of(pipeline, run, rows, tries)
    name, nodes = f"mill-{UID}", told["nodes"]
    assert (told["name"], told["uid"], told["phase"], told["progress"]) == (name, UID, "Failed", "1/3")
    assert set(nodes) == {
        name,
        *(names.node_id(name, f"{name}.{each}") for each in ("load", "clean", "clean(0)", "clean(1)", "sum")),
    }
    assert all(each["id"] == place for place, each in nodes.items())
    kinds = {each["displayName"]: (each["type"], each["phase"]) for each in nodes.values()}
    assert kinds == {
        name: ("DAG", "Failed"),
        "load": ("Pod", "Succeeded"),
        "clean": ("Retry", "Failed"),
        "clean(0)": ("Pod", "Failed"),
        "clean(1)": ("Pod", "Failed"),
        "sum": ("Skipped", "Omitted"),
    }
    assert _reached(nodes, name) == set(nodes)
    messages = {each["displayName"]: each["message"] for each in nodes.values()}
    assert messages == {
        name: "clean failed",
        "load": "",
        "clean": "it is dirty, 2",
        "clean(0)": "it is dirty, 1",
        "clean(1)": "it is dirty, 2",
        "sum": "clean failed",
    }


def test_what_may_yet_be_has_no_message_and_a_node_begins_before_what_is_below_it() -> None:
    """Of a run that was asked to go on the rows tell when it went on."""
    pipeline = Pipeline("mill", blocks=(Block("load", BlockType.CUSTOM),))
    later, now = AT + timedelta(hours=1), AT + timedelta(hours=2)
    run = Run(1, UID, 1, 1, 1, RunStatus.RUNNING, "retry_incomplete", {}, AT, AT, now, None)
    row = BlockRun(1, "uid-1", 1, "load", BlockStatus.RUNNING, "submitted", started_at=now)
    tries = [_try(1, 1, BlockStatus.FAILED), replace(_try(1, 2, BlockStatus.RUNNING), started_at=later, ended_at=None)]
    told = metadata.of(pipeline, run, [row], {1: tries})
    by_name = {each["displayName"]: each for each in told["nodes"].values()}
    root = by_name[f"mill-{UID}"]
    assert {each["message"] for each in (told, root, by_name["load"], by_name["load(1)"])} == {""}
    assert {told["startedAt"], root["startedAt"], by_name["load"]["startedAt"]} == {AT}
    assert told["progress"] == "0/1"


def _reached(nodes: Any, start: str) -> set[str]:
    return {start}.union(*(_reached(nodes, each) for each in nodes[start]["children"]))


def _row(id: int, block: str, status: BlockStatus, reason: str) -> BlockRun:
    return BlockRun(id, f"uid-{id}", 1, block, status, reason, started_at=AT, ended_at=AT)


def _try(of: int, number: int, status: BlockStatus) -> Attempt:
    failure = Failure("Dirt", f"it is dirty, {number}") if status is BlockStatus.FAILED else None
    return Attempt(number, f"try-{number}", of, number, 1, status, "raised", AT, AT, failure)
