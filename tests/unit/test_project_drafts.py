"""What a pipeline is to say once something of it is changed: edges both ways, names everywhere, circles refused."""

from datetime import UTC, datetime
from typing import Any

import pytest

from headrace import errors
from headrace.model.pipeline import BlockType
from headrace.project import drafts

AT = datetime(2026, 1, 1, tzinfo=UTC)
Draft = dict[str, Any]


def entry(name: str, *upstream: str, type: BlockType = BlockType.CUSTOM) -> Draft:
    return drafts.block(name, name, type, "python", {"upstream_blocks": [*upstream]})


def pipeline(*entries: Draft) -> Any:
    whole: Any = drafts.pipeline("p", "P", "python", None, [], AT)
    for each in entries:
        whole = drafts.put(whole, each)
    return whole


def edges(whole: Any) -> dict[str, tuple[list[str], list[str]]]:
    return {each["uuid"]: (each["upstream_blocks"], each["downstream_blocks"]) for each in whole["blocks"]}


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Load Orders", "load_orders"),
        (" a-b.c ", "a_b_c"),
        ("sub/Load It", "sub/load_it"),
        ("Größe", "größe"),
        ("2x", "2x"),
    ],
)
def test_a_title_has_a_name(title: str, name: str) -> None:
    assert drafts.name_of(title) == drafts.name_of(name) == name


@pytest.mark.parametrize("title", ["", "  ", "..", "../x", "a//b", "/a", "a/", "_", "x" * 201, "a/../b"])
def test_a_title_of_which_nothing_is_left_has_none(title: str) -> None:
    with pytest.raises(errors.BadName):
        drafts.name_of(title)


def test_a_new_block_is_known_to_those_above_and_below() -> None:
    whole = pipeline(entry("a"), entry("c"))
    whole = drafts.lead(drafts.put(whole, entry("b", "a"), 1), "b", ["c"])
    assert edges(whole) == {"a": ([], ["b"]), "b": (["a"], ["c"]), "c": (["b"], [])}
    assert list(edges(whole)) == ["a", "b", "c"]


def test_blocks_go_where_their_type_belongs() -> None:
    whole = pipeline(
        entry("a"),
        entry("cb", "a", type=BlockType.CALLBACK),
        entry("if", "a", type=BlockType.CONDITIONAL),
        entry("plot", "a", type=BlockType.CHART),
    )
    assert [(kind, each["uuid"]) for kind, each in drafts.entries(whole)] == [
        ("blocks", "a"),
        ("callbacks", "cb"),
        ("conditionals", "if"),
        ("widgets", "plot"),
    ]
    assert edges(whole) == {"a": ([], [])}  # what is put to a block is not below it


def test_a_name_is_taken_once_and_an_edge_leads_to_what_is_there() -> None:
    whole = pipeline(entry("a"))
    with pytest.raises(errors.BlockExists):
        drafts.put(whole, entry("a"))
    with pytest.raises(errors.BlockNotFound):
        drafts.put(whole, entry("b", "nowhere"))
    with pytest.raises(errors.BlockNotFound):
        drafts.change(whole, "b", {})


def test_a_circle_is_refused() -> None:
    whole = pipeline(entry("a"), entry("b", "a"))
    with pytest.raises(errors.BadPipeline, match=r"a → b → a|b → a → b"):
        drafts.change(whole, "a", {"upstream_blocks": ["b"]})
    with pytest.raises(errors.BadPipeline, match="wait for each other"):
        drafts.lead(whole, "b", ["a"])


def test_what_is_dropped_is_named_no_more() -> None:
    whole = pipeline(entry("a"), entry("b", "a"), entry("c", "a", "b"), entry("cb", "b", type=BlockType.CALLBACK))
    left = drafts.drop(whole, "b")
    assert edges(left) == {"a": ([], ["c"]), "c": (["a"], [])}
    assert left["callbacks"][0]["upstream_blocks"] == []
    assert drafts.drop(left, "cb")["callbacks"] == []


def test_another_name_is_used_wherever_the_old_one_was() -> None:
    copy = entry("copy") | {"replicated_block": "a"}
    whole = pipeline(entry("a"), entry("b", "a"), copy, entry("cb", "a", type=BlockType.CALLBACK))
    renamed = drafts.rename(whole, "a", "x", "X")
    assert edges(renamed) == {"x": ([], ["b"]), "b": (["x"], []), "copy": ([], [])}
    assert [each.get("replicated_block") for each in renamed["blocks"]] == [None, None, "x"]
    assert renamed["callbacks"][0]["upstream_blocks"] == ["x"]
    assert renamed["blocks"][0]["name"] == "X"
    with pytest.raises(errors.BlockExists):
        drafts.rename(whole, "a", "b", "b")


def test_callbacks_are_put_to_a_block_and_taken_from_it() -> None:
    whole = pipeline(entry("a"), entry("b"), *(entry(name, type=BlockType.CALLBACK) for name in ("one", "two")))
    whole = drafts.attach(whole, "callbacks", "a", ["one", "two"])
    whole = drafts.attach(whole, "callbacks", "b", ["two"])
    whole = drafts.attach(whole, "callbacks", "a", ["two"])
    assert [each["upstream_blocks"] for each in whole["callbacks"]] == [[], ["a", "b"]]
    with pytest.raises(errors.BlockNotFound):
        drafts.attach(whole, "callbacks", "a", ["three"])


def test_blocks_are_put_in_order_and_those_that_are_not_named_come_last() -> None:
    whole = pipeline(entry("a"), entry("b"), entry("c"))
    assert list(edges(drafts.order(whole, ["c", "a"]))) == ["c", "a", "b"]


def test_an_edge_that_led_nowhere_before_is_left_as_it_is() -> None:
    whole = pipeline(entry("a"))
    whole["blocks"][0]["upstream_blocks"] = ["gone"]
    changed = drafts.change(whole, "a", {"timeout": 5})
    assert (changed["blocks"][0]["upstream_blocks"], changed["blocks"][0]["timeout"]) == (["gone"], 5)
