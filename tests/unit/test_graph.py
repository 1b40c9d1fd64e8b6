"""The set algebra on a pipeline's graph."""

import graphlib
import itertools

import pytest

from headrace.model import graph

DIAMOND = {"d": ("b", "c"), "b": ("a",), "c": ("a",), "a": (), "lone": ()}


def test_order_has_every_block_after_its_upstreams_and_keeps_to_what_is_written() -> None:
    assert graph.order(DIAMOND) == ("a", "lone", "b", "c", "d")


def test_order_of_nothing_is_nothing() -> None:
    assert graph.order({}) == ()


def test_order_refuses_a_cycle() -> None:
    with pytest.raises(graphlib.CycleError):
        graph.order({"a": ("b",), "b": ("a",)})


def test_a_cycle_is_told_from_upstream_to_downstream() -> None:
    found = graph.cycle({"x": (), "a": ("c",), "b": ("a",), "c": ("b",)})
    assert found is not None
    assert found[0] == found[-1]
    assert all(pair in {("a", "b"), ("b", "c"), ("c", "a")} for pair in itertools.pairwise(found))


def test_a_block_that_needs_itself_is_a_cycle() -> None:
    assert graph.cycle({"a": ("a",)}) == ("a", "a")


def test_a_graph_without_a_cycle_has_none() -> None:
    assert graph.cycle(DIAMOND) is None


def test_downstream_turns_the_edges_round() -> None:
    turned = graph.downstream(DIAMOND)
    assert turned == {"d": (), "b": ("d",), "c": ("d",), "a": ("b", "c"), "lone": ()}


def test_an_upstream_named_twice_is_one_edge() -> None:
    assert graph.downstream({"a": (), "b": ("a", "a")}) == {"a": ("b",), "b": ()}


def test_reach_is_what_the_graph_leads_to() -> None:
    assert graph.reach(DIAMOND, ["b"]) == {"a", "b"}
    assert graph.reach(graph.downstream(DIAMOND), ["b", "lone"]) == {"b", "d", "lone"}
    assert graph.reach(DIAMOND, []) == frozenset()


def test_from_a_block_is_it_and_all_below() -> None:
    assert graph.from_block(DIAMOND, "a") == {"a", "b", "c", "d"}
    assert graph.from_block(DIAMOND, "d") == {"d"}


def test_inputs_are_the_upstreams_outside() -> None:
    assert graph.inputs(DIAMOND, ["d", "b"]) == {"a", "c"}
    assert graph.inputs(DIAMOND, DIAMOND) == frozenset()


def test_between_two_blocks_are_those_on_the_ways_from_one_to_the_other() -> None:
    assert graph.between(DIAMOND, "a", "b") == {"a", "b"}
    assert graph.between(DIAMOND, "b", None) == {"b", "d"}
    assert graph.between(DIAMOND, None, "c") == {"a", "c"}
    assert graph.between(DIAMOND, "b", "c") == frozenset()
    assert graph.between(DIAMOND, None, None) == set(DIAMOND)
