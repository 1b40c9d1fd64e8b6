"""What is shown with `***` in it, and given back, is what it was; what was given in its place is that."""

from typing import Any

import pytest

from headrace.operations import documents

A, B = {"host": "a", "password": "one of them"}, {"host": "b", "password": "another one"}
TOKENS = ["first token", "second token", "third token"]


def shown(value: Any) -> Any:
    return documents.masked({"databases": value})["databases"]


def kept(given: Any, was: Any) -> Any:
    """What becomes of a variable that was that, and is given so."""
    return documents.unmasked({"databases": given}, {"databases": was})["databases"]


@pytest.mark.parametrize(
    "was", ["plain", 3, True, None, [], {}, A, [A, B], {"deep": [[A], {"b": B}]}, {"tokens": TOKENS, "password": 12345}]
)
def test_what_is_given_as_it_is_shown_is_what_it_was(was: Any) -> None:
    assert kept(shown(was), was) == was


def test_a_field_that_changes_leaves_the_secrets_beside_it() -> None:
    assert shown(A) == {"host": "a", "password": "***"}
    assert kept({**shown(A), "host": "c"}, A) == {**A, "host": "c"}
    assert kept({**shown(A), "port": 1}, A) == {**A, "port": 1}
    assert kept({"password": "***"}, A) == {"password": A["password"]}
    assert kept({**shown(A), "password": "new"}, A) == {**A, "password": "new"}
    deep = {"deep": [{"of": A}], "plain": 1}
    assert kept({"deep": [{"of": {**shown(A), "host": "c"}}], "plain": 2}, deep) == {
        "deep": [{"of": {**A, "host": "c"}}],
        "plain": 2,
    }


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ([B], [B]),
        ([B, A], [B, A]),
        ([A, {"host": "new"}, B], [A, {"host": "new"}, B]),
        ([{**A, "host": "c"}, B], [{**A, "host": "c"}, B]),
        ([A, {**B, "host": "c"}, {"host": "new"}], [A, {**B, "host": "c"}, {"host": "new"}]),
        ([{**B, "host": "c"}, A], [{**B, "host": "c"}, A]),
    ],
)
def test_of_a_list_each_element_keeps_its_own_secret_wherever_it_goes(given: Any, meant: Any) -> None:
    assert kept(shown(given), [A, B]) == meant


def test_where_nobody_knows_whose_a_secret_is_it_is_nobody_s() -> None:
    assert kept([{**shown(B), "host": "c"}], [A, B]) == [{"host": "c", "password": "***"}], "of one of two"


def test_what_is_given_is_of_its_own_type() -> None:
    assert kept([True, 1, {"n": True}], [1, True, {"n": 1}]) == [True, 1, {"n": True}]
    found = kept({"n": True, "m": [1.0]}, {"n": 1, "m": [1]})
    assert (type(found["n"]), type(found["m"][0])) == (bool, float)


def test_what_is_given_of_another_shape_is_that() -> None:
    for given in ("text", ["text"], {"text": 1}, 3, None):
        for was in (A, [A, B], "text of old", 5):
            assert kept(given, was) == given


def test_a_long_list_is_no_burden() -> None:
    was = [{"number": number, "password": f"number {number}"} for number in range(5_000)]
    assert kept(shown(was[1:]), was) == was[1:]
