"""Variables as they are given on the command line."""

import itertools
import json
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from headrace import errors
from headrace.cli import variables
from headrace.operations import documents


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("2.5", 2.5),
        ("-0", 0),
        ("true", True),
        ("null", None),
        ("[1, {}]", [1, {}]),
        ('{"a": [null]}', {"a": [None]}),
        ('"3"', "3"),
        ("True", "True"),
        ("", ""),
        ("2026-01-31", "2026-01-31"),
        ("007", "007"),
        ("NaN", "NaN"),
        ("-Infinity", "-Infinity"),
        ("[NaN]", "[NaN]"),
        ("a=b", "a=b"),
        ("[" * 100_000, "[" * 100_000),
    ],
)
def test_a_value_is_json_or_text(text: str, value: Any) -> None:
    found = variables.parse([f"x={text}"])
    assert found == {"x": value}
    assert type(found["x"]) is type(value)


def test_the_last_counts_and_goes_over_the_whole() -> None:
    assert variables.parse(["a=1", "b=2", "a=3"], '{"a": 0, "c": 4}') == {"a": 3, "b": 2, "c": 4}


@pytest.mark.parametrize(
    "given", ["days", "=3", " =3", "", f"n={2**63}", f"n=[{-(2**63) - 1}]", "n=1e999", 'n="\\ud800"', "n=\udcff"]
)
def test_what_is_refused(given: str) -> None:
    with pytest.raises(errors.BadVariable):
        variables.parse([given])


@pytest.mark.parametrize("whole", ["", "{", "[1]", "3", '{"n": NaN}', f'{{"n": {2**64}}}'])
def test_a_whole_that_is_refused(whole: str) -> None:
    with pytest.raises(errors.BadVariable):
        variables.parse([], whole)


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(values)
def test_any_json_comes_through(value: Any) -> None:
    assert variables.parse([f"x={json.dumps(value)}"]) == {"x": value}


@given(st.dictionaries(st.text(), values, max_size=4))
def test_the_words_for_variables_give_them_again(those: dict[str, Any]) -> None:
    assume(documents.masked(those) == those)  # what looks secret is left for people to fill in
    words = variables.words(those)
    given = [value for option, value in itertools.pairwise(words) if option == "--var"]
    whole = words[1] if words[:1] == ["--runtime-vars"] else None
    assert variables.parse(given, whole) == those


def test_words_are_as_short_as_people_would_write_them() -> None:
    those = {"day": "2026-01-31", "n": 3, "digits": "3", "a=b": [1], "api_key": "opensesame"}
    assert variables.words(those) == [
        *("--runtime-vars", '{"a=b": [1]}'),
        *("--var", "day=2026-01-31", "--var", "n=3", "--var", 'digits="3"', "--var", "api_key=***"),
    ]


def test_what_looks_secret_is_masked_at_any_depth() -> None:
    those = {"token": 123456, "db": {"password": "hunter22", "host": "here"}, "keys": ["first", {"a": "second"}]}
    assert documents.masked(those) == {
        "token": "***",
        "db": {"password": "***", "host": "here"},
        "keys": ["***", {"a": "***"}],
    }
    assert documents.masked({"url": "db://me:s3cr3t@here"}) == {"url": "db://me:***@here"}
