"""Which columns of which datasets those that steps write come from."""

import pytest

from headrace.model import steps
from headrace.model.pipeline import Block, BlockType, Language, Pipeline
from headrace.project import lineage, queries

KNOWN = {"orders": ["id", "Item", "Price"], "items": ["id", "name"]}


def step(name: str, query: str, reads: tuple[str, ...] | None = None) -> Block:
    found = tuple(table.name for table in queries.read(query).tables) if reads is None else reads
    return Block(name, BlockType.TRANSFORMER, Language.SQL, text=query, reads=found, writes=(f"{name}_rows",))


def traced(*blocks: Block) -> list[dict[str, object]]:
    return lineage.trace(Pipeline("p", blocks=steps.joined(blocks)), KNOWN)


def columns(query: str) -> list[str] | None:
    """Each column as `name < dataset.column dataset.column`."""
    (told,) = traced(step("s", query))
    if told["columns"] is None:
        return None
    return [
        " < ".join([each["name"], " ".join(f"{of['dataset']}.{of['column']}" for of in each["from"])]).strip(" <")
        for each in told["columns"]  # pyright: ignore
    ]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("select id, upper(item) as Loud, price * 2 as twice from Orders", [
            "id < Orders.id", "Loud < Orders.Item", "twice < Orders.Price",
        ]),
        ("from orders", ["id < orders.id", "Item < orders.Item", "Price < orders.Price"]),
        ("select * exclude (id) from orders", ["Item < orders.Item", "Price < orders.Price"]),
        ("with w as (select id, sum(price) as s from orders group by id) select w.s, name from w join items using (id)", [
            "s < orders.Price", "name < items.name",
        ]),
        ("select id from orders union all select id from items", ["id < items.id orders.id"]),
        ("select (select max(price) from orders) as most, 1 as one", ["most < orders.Price", "one"]),
        ("select count(*) as n from orders", ["n"]),
        ("select price + id from orders", ["orders.price + orders.id < orders.id orders.Price"]),
        ("select * from others", ["* < others.*"]),
        ("select a, b + c as d from others", ["a < others.a", "d < others.b others.c"]),
        ("select o.id, x.y from orders o join others x on x.id = o.id", ["id < orders.id", "y < others.y"]),
        ("select y from orders join others using (id)", None),
        ("select columns('i.*') from orders", None),
        ("pivot orders on item in ('a') using sum(price)", None),
        ("select id, price as id from orders", None),
    ],
)  # fmt: skip
def test_columns_come_from_those_that_their_values_are_made_of(query, found):
    assert columns(query) == found


def test_what_a_step_writes_is_known_to_those_below():
    below, above = step("below", "select * from above_rows"), step("above", "select id as key, price from orders")
    first, second = traced(below, above)
    assert (first["block"], second["block"]) == ("above", "below")
    assert second["reads"] == ["above_rows"]
    assert second["columns"] == [
        {"name": "key", "from": [{"dataset": "above_rows", "column": "key"}]},
        {"name": "Price", "from": [{"dataset": "above_rows", "column": "Price"}]},
    ]


def test_why_columns_cannot_be_told():
    (told,) = traced(step("s", "select {{ what }} from orders", ("orders",)))
    assert (told["columns"], told["why"]) == (None, "the query is known only when it runs: it has variables")
    (told,) = traced(step("s", "select y from orders join others using (id)"))
    assert "not all of their columns are known yet" in str(told["why"])
    (told,) = traced(Block("job", BlockType.CUSTOM, Language.YAML, text="to: there", writes=("loaded",)))
    assert (told["writes"], told["columns"], told["why"]) == (["loaded"], None, "it has no query")


def test_blocks_that_write_no_dataset_are_not_told_of():
    assert traced(Block("python", BlockType.CUSTOM)) == []
