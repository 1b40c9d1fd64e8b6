"""Rows that were sent: each value becomes what its column's type has, or is named."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from headrace import errors
from headrace.datasets import sent

MADE: list[tuple[pa.DataType, Any, Any]] = [
    (pa.bool_(), False, False),
    (pa.int8(), 127, 127),
    (pa.int64(), -(2**63), -(2**63)),
    (pa.float64(), 1, 1.0),
    (pa.float32(), 0.5, 0.5),
    (pa.string(), "ä", "ä"),
    (pa.decimal128(10, 2), 1.5, Decimal("1.50")),
    (pa.decimal128(10, 2), "12345678.90", Decimal("12345678.90")),
    (pa.decimal128(20, 2), "12345678901234567.89", Decimal("12345678901234567.89")),
    (pa.decimal128(20, 2), 1234567890123.25, Decimal("1234567890123.25")),
    (pa.decimal128(20, 2), 12345678901234567, Decimal(12345678901234567)),
    (pa.timestamp("ms"), "2026-01-31T06:00:00.123000", datetime(2026, 1, 31, 6, 0, 0, 123000)),
    (pa.timestamp("us"), "2026-01-31T06:00:00.123456000", datetime(2026, 1, 31, 6, 0, 0, 123456)),
    (pa.timestamp("us"), "2026-01-31T06:00:00", datetime(2026, 1, 31, 6)),
    (pa.timestamp("us", "UTC"), "2026-01-31T06:00:00+01:00", datetime(2026, 1, 31, 5, tzinfo=UTC)),
    (pa.timestamp("us", "UTC"), "2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
    (pa.date32(), "2026-01-31", date(2026, 1, 31)),
    (pa.binary(), "AAE=", b"\0\1"),
    (pa.list_(pa.int64()), [1, None], [1, None]),
    (pa.struct({"a": pa.string()}), {"a": "x"}, {"a": "x"}),
    (pa.struct({"a": pa.string(), "b": pa.date32()}), {"b": "2026-01-31"}, {"a": None, "b": date(2026, 1, 31)}),
    (pa.list_(pa.struct({"a": pa.decimal128(4, 2)})), [{"a": "1.5"}, None], [{"a": Decimal("1.50")}, None]),
    (pa.map_(pa.string(), pa.int64()), {"k": 1, "l": None}, [("k", 1), ("l", None)]),
    (pa.float64(), 2**60, float(2**60)),
    (pa.float32(), 0.1, 0.10000000149011612),
]
WRONG: list[tuple[pa.DataType, Any]] = [
    (pa.bool_(), 1),
    (pa.bool_(), "true"),
    (pa.int8(), 128),
    (pa.int64(), 1.0),
    (pa.int64(), True),
    (pa.int64(), 2**63),
    (pa.float64(), "1"),
    (pa.float64(), True),
    (pa.float64(), float("nan")),
    (pa.string(), 1),
    (pa.string(), "\ud800"),
    (pa.decimal128(4, 2), 100),
    (pa.decimal128(4, 2), "1.555"),
    (pa.decimal128(4, 2), "much"),
    (pa.decimal128(20, 2), 12345678901234567.89),
    (pa.list_(pa.decimal128(20, 2)), [12345678901234567.89]),
    (pa.timestamp("us"), "2026-01-31T06:00:00.123456789"),
    (pa.timestamp("us", "UTC"), "2026-01-31T06:00:00.1234561Z"),
    (pa.timestamp("ms"), "2026-01-31T06:00:00.123456"),
    (pa.timestamp("us"), "2026-01-31T06:00:00+01:00"),
    (pa.timestamp("us"), 5),
    (pa.timestamp("us", "UTC"), "soon"),
    (pa.date32(), "2026-02-30"),
    (pa.date32(), "2026-01-31T00:00:00"),
    (pa.binary(), "?"),
    (pa.list_(pa.int64()), ["x"]),
    (pa.list_(pa.int64()), 1),
    (pa.list_(pa.int64()), [1.5]),
    (pa.list_(pa.int64()), [True]),
    (pa.list_(pa.float64()), [2**53 + 1]),
    (pa.float64(), 2**53 + 1),
    (pa.float64(), 10**400),
    (pa.float32(), 2**24 + 1),
    (pa.float32(), 1e39),
    (pa.struct({"a": pa.int64()}), {"a": 1, "b": 2}),
    (pa.struct({"a": pa.list_(pa.struct({"b": pa.int64()}))}), {"a": [{"b": 1}, {"c": 2}]}),
    (pa.struct({"a": pa.int64()}), [("a", 1)]),
    (pa.map_(pa.string(), pa.int64()), {"k": 1.5}),
    (pa.map_(pa.string(), pa.int64()), [["k", 1]]),
]


@pytest.mark.parametrize(("kind", "value", "found"), MADE, ids=str)
def test_a_value_becomes_what_its_column_has(kind: pa.DataType, value: Any, found: Any) -> None:
    table = sent.table("sales", [{"c": value}, {"c": None}], pa.schema({"c": kind}))
    assert table.column("c").to_pylist() == [found, None]
    assert table.schema.field("c").type == kind


@pytest.mark.parametrize(("kind", "value"), WRONG, ids=str)
def test_what_is_none_of_its_type_is_named(kind: pa.DataType, value: Any) -> None:
    with pytest.raises(errors.BadRows, match=r"^rows\[1\]\.c for the dataset sales is "):
        sent.table("sales", [{"c": None}, {"c": value}], pa.schema({"c": kind}))


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([None, 1], pa.int64()),
        ([1, 1.5], pa.float64()),
        ([True, None], pa.bool_()),
        (["x"], pa.string()),
        ([None, None], pa.string()),
        ([[1, 2], None, []], pa.list_(pa.int64())),
        ([{"a": 1}, {"b": "x"}], pa.struct({"a": pa.int64(), "b": pa.string()})),
    ],
    ids=str,
)
def test_a_type_is_found_where_none_is_said(values: list[Any], kind: pa.DataType) -> None:
    assert sent.table("sales", [{"c": value} for value in values], None).schema.field("c").type == kind


@pytest.mark.parametrize("values", [[1, "x"], [True, 1], [1, True], [[1], 1], [{"a": 1}, {"a": "x"}]], ids=str)
def test_values_that_are_not_alike_are_named(values: list[Any]) -> None:
    with pytest.raises(errors.BadRows, match=r"^rows\[\d\]\.c "):
        sent.table("sales", [{"c": value} for value in values], None)


@pytest.mark.parametrize("name", ["", "ID"])
def test_columns_differ_in_more_than_case(name: str) -> None:
    with pytest.raises(errors.BadRows, match="in whatever case"):
        sent.table("sales", [{"id": 1, name: 2}], None)


def test_types_are_said_in_words() -> None:
    found = sent.schema("sales", {"a": "Integer", "b": "datetime", "c": "text", "d": "date", "e": "float", "f": "bool"})
    assert found.types == [pa.int64(), pa.timestamp("us", "UTC"), pa.string(), pa.date32(), pa.float64(), pa.bool_()]
    with pytest.raises(errors.BadRows, match=r"types\.a .*'money'; expected one of bigint, bool"):
        sent.schema("sales", {"a": "money"})


def test_identifiers_are_there_and_differ() -> None:
    sent.refuse_identifier("sales", [{"id": 1}, {"id": "1"}], "id")
    for rows in ([{"id": 1}, {"id": 1}], [{"id": 1}, {"id": None}], [{"id": 1}, {"id": [1]}]):
        with pytest.raises(errors.BadRows, match=r"^rows\[1\]\.id "):
            sent.refuse_identifier("sales", rows, "id")
    with pytest.raises(errors.BadRows, match=r"^identifier for .* is 'key'; expected one of the columns id, item\."):
        sent.refuse_identifier("sales", [{"id": 1, "item": "oats"}], "key")
