"""Types: whatever a query may find has a type in a table, or is refused by the name of its column."""

from pathlib import Path

import duckdb
import pytest
from tests.datasets.conftest import AT

from headrace import errors
from headrace.datasets import columns, staging, types
from headrace.datasets.committing import Staged, commit
from headrace.model.dataset import WriteMode

FOUND = {
    "1::UTINYINT": ("SMALLINT", "int16"),
    "1::USMALLINT": ("INTEGER", "int32"),
    "1::UINTEGER": ("BIGINT", "int64"),
    "18446744073709551615::UBIGINT": ("DECIMAL(20,0)", "decimal128(20, 0)"),
    "sum(range)": ("DECIMAL(38,0)", "decimal128(38, 0)"),
    "1::UHUGEINT": ("DECIMAL(38,0)", "decimal128(38, 0)"),
    "1::BIGNUM": ("VARCHAR", "string"),
    "1::TINYINT": ("TINYINT", "int8"),
    "1::FLOAT": ("FLOAT", "float"),
    "1.5::DECIMAL(10,2)": ("DECIMAL(10,2)", "decimal128(10, 2)"),
    "TIME '10:00:00'": ("VARCHAR", "string"),
    "INTERVAL 1 DAY": ("VARCHAR", "string"),
    "uuid()": ("VARCHAR", "string"),
    "'x'::ENUM('x', 'y')": ("VARCHAR", "string"),
    "'101'::BIT": ("VARCHAR", "string"),
    "'{}'::JSON": ("VARCHAR", "string"),
    "'a'::BLOB": ("BLOB", "binary"),
    "DATE '2026-01-31'": ("DATE", "date32[day]"),
    "TIMESTAMP_S '2026-01-31'": ("TIMESTAMP", "timestamp[us]"),
    "TIMESTAMP_NS '2026-01-31'": ("TIMESTAMP", "timestamp[us]"),
    "TIMESTAMPTZ '2026-01-31'": ("TIMESTAMP WITH TIME ZONE", "timestamp[us, tz=UTC]"),
    "NULL": ("INTEGER", "int32"),
    "[1::UINTEGER]": ("BIGINT[]", "list<element: int64>"),
    "[1, 2]::INTEGER[2]": ("INTEGER[]", "list<element: int32>"),
    "{'a b': 1::UBIGINT, 'c': {'d': TIME '10:00:00'}}": (
        'STRUCT("a b" DECIMAL(20,0), "c" STRUCT("d" VARCHAR))',
        "struct<a b: decimal128(20, 0), c: struct<d: string>>",
    ),
    "MAP {'k': 1::UTINYINT}": ("MAP(VARCHAR, SMALLINT)", "map<string, int16>"),
}


@pytest.mark.parametrize("written", FOUND)
def test_a_column_has_a_type_that_a_table_can_have(tmp_path: Path, written: str) -> None:
    cast, arrow = FOUND[written]
    with duckdb.connect() as database:
        found = database.sql(f"SELECT {written} AS c FROM range(3)")
        assert types.kept("c", found.types[0]) == cast
        file = tmp_path / "c.parquet"
        query = f"SELECT {written} AS c FROM range(3)"
        database.execute(f"COPY (SELECT c::{cast} AS c FROM ({query})) TO '{file}' (FORMAT parquet)")
    staged = Staged(attempt="a", files=[file], mode=WriteMode.REPLACE, at=AT)
    (column,) = commit(str(tmp_path / "table"), staged).schema
    assert column["type"].replace(" ('m')", "") == arrow


def test_what_has_no_place_is_refused_by_the_name_of_its_column() -> None:
    with duckdb.connect() as database:
        (found,) = database.sql("SELECT union_value(n := 1) AS c").types
        with pytest.raises(errors.CannotKeep, match="shape"):
            types.kept("shape", found)


def test_whether_a_column_may_be_without_a_value_is_not_kept(tmp_path: Path) -> None:
    """A query that finds a constant says that it is never missing; the next may find NULL."""
    for number, value in enumerate(("1", "NULL::INTEGER")):
        file = tmp_path / f"{number}.parquet"
        duckdb.sql(f"COPY (SELECT {value} AS c) TO '{file}' (FORMAT parquet)")
        staged = Staged(attempt=str(number), files=[file], mode=WriteMode.APPEND, at=AT)
        assert commit(str(tmp_path / "table"), staged).rows == number + 1
        assert columns.delta(staging.look("x", staged).schema).fields[0].nullable
