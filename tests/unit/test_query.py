"""What a list of runs is of: its digest, and what counts as the same value."""

from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.model import query as queries
from headrace.model.query import Query, Span
from headrace.model.run import RunStatus

AT = datetime(2026, 3, 1, tzinfo=UTC)
OTHERS: dict[str, Any] = {
    "project": "mill",
    "pipeline": "one",
    "trigger": 1,
    "backfill": 1,
    "version": 7,
    "statuses": frozenset({RunStatus.FAILED}),
    "created": Span(AT),
    "started": Span(AT),
    "ended": Span(None, AT),
    "execution_date": Span(AT),
    "variables": {"n": 1},
    "tags": frozenset({"a"}),
    "passed_sla": False,
    "oldest_first": True,
}

values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-9, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
)


def test_every_word_of_a_question_is_in_its_digest() -> None:
    assert set(OTHERS) == {field.name for field in fields(Query)}
    asked = [Query(), Query(pipeline=1), *(Query(**{name: value}) for name, value in OTHERS.items())]
    assert len({query.digest for query in asked}) == len(asked)


def test_the_same_question_has_the_same_digest_in_whatever_order_it_is_put() -> None:
    one = Query(variables={"a": {"x": 1, "y": 2}, "b": 2}, tags=frozenset(["p", "q", "r"]))
    other = Query(variables={"b": 2, "a": {"y": 2, "x": 1}}, tags=frozenset(["r", "q", "p"]))
    assert one.digest == other.digest


def test_only_what_runs_are_tallied_by_is_tallied() -> None:
    tallied = {name for name, value in OTHERS.items() if Query(**{name: value}).is_tallied}
    assert tallied == {"project", "pipeline", "trigger", "statuses", "oldest_first"}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (1, 1.0, True),
        (1, True, False),
        (0.0, False, False),
        (None, False, False),
        ("1", 1, False),
        ([1, [True]], [1.0, [True]], True),
        ([1, 2], [2, 1], False),
        ([], {}, False),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ({"a": None}, {"b": None}, False),
        ({"a": [True]}, {"a": [1]}, False),
    ],
)
def test_values_are_the_same_as_json_has_them(one: Any, other: Any, same: bool) -> None:
    assert queries.same(one, other) is queries.same(other, one) is same


@given(values, values)
def test_a_value_is_the_same_as_itself_and_as_what_is_written_like_it(one: Any, other: Any) -> None:
    assert queries.same(one, one)
    assert queries.same(one, other) == (_canonical(one) == _canonical(other))


def _canonical(value: Any) -> Any:
    """A text that tells two values apart just where they differ."""
    match value:
        case dict():
            return "{" + ",".join(sorted(f"{name!r}:{_canonical(inner)}" for name, inner in value.items())) + "}"
        case list():
            return "[" + ",".join(map(_canonical, value)) + "]"
        case float() | int() if not isinstance(value, bool):
            return repr(float(value) + 0.0)
        case _:
            return repr(value)


def test_variables_may_be_more_than_those_wanted() -> None:
    given = {"a": 1, "b": None}
    assert queries.has(given, {"b": None})
    assert queries.has(given, {})
    assert not queries.has(given, {"c": None})
    assert not queries.has("undecoded", {"a": 1})
