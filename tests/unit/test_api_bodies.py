"""Bodies are strict JSON; what is wrong with one is told by its place."""

import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace import errors
from headrace.api import bodies

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner)
)


@given(VALUES, st.booleans())
def test_what_is_json_is_read_as_it_is(value: object, plain: bool) -> None:
    assert bodies.read(json.dumps(value, ensure_ascii=plain).encode()) == value


@pytest.mark.parametrize(
    ("body", "place", "given"),
    [
        ('{"a": NaN}', "a", "NaN"),
        ('{"a": {"b": [1, -Infinity]}}', "a.b[1]", "-Infinity"),
        ('{"a": 1e999}', "a", "1e999"),
        ('{"a": 9223372036854775808}', "a", "9223372036854775808"),
        ('{"a": -9223372036854775809}', "a", "-9223372036854775809"),
        ('{"a": 1, "b": 2, "a": 1}', "a", "given twice"),
        ('{"a": [{"b": 1, "b": 1}]}', "a[0].b", "given twice"),
        (r'{"a": "\ud800"}', "a", "half a character"),
        (r'{"a": "\u0000"}', "a", "a NUL"),
        (r'{"a": {"\udfff": 1}}', "a", "half a character"),
        ("NaN", "the whole", "NaN"),
        ("[1, 2", "the whole", "no JSON"),
        ("\ufeff{}", "the whole", "no JSON"),
        ("{'a': 1}", "the whole", "no JSON"),
    ],
)
def test_what_cannot_be_taken_is_named(body: str, place: str, given: str) -> None:
    with pytest.raises(errors.BadBody) as refused:
        bodies.read(body.encode())
    assert str(refused.value).startswith(f"{place} of the body is ")
    assert given in str(refused.value)


@pytest.mark.parametrize("digits", [5_000, 100_000])
def test_a_number_of_many_digits_is_refused_unread(digits: int) -> None:
    assert digits > sys.get_int_max_str_digits()
    with pytest.raises(errors.BadBody, match="a number of 64 bits"):
        bodies.read(b'{"a": ' + b"9" * digits + b"}")


@pytest.mark.parametrize("depth", [bodies.DEEPEST + 1, 10_000, 1_000_000])
@pytest.mark.parametrize(("opened", "closed"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_what_lies_too_deep_is_refused(depth: int, opened: bytes, closed: bytes) -> None:
    with pytest.raises(errors.BadBody, match="deeper than 64 levels"):
        bodies.read(opened * depth + b"1" + closed * depth)


def test_brackets_in_texts_and_beside_each_other_are_no_depth() -> None:
    wide = {"a": [[number] for number in range(1000)], "b": '["\\' * 1000}
    assert bodies.read(json.dumps(wide).encode()) == wide
    deep: object = 1
    for _ in range(bodies.DEEPEST):
        deep = [deep]
    assert bodies.read(json.dumps(deep).encode()) == deep


def test_text_that_is_not_utf8_is_no_json() -> None:
    with pytest.raises(errors.BadBody, match="no JSON"):
        bodies.read(b'{"a": "\xff"}')
