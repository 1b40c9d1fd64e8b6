"""What may be posted, and what is refused with the place where it is wrong."""

from typing import Any

import pytest

from headrace import errors
from headrace.model import payload as payloads


def nested(depth: int) -> dict[str, Any]:
    """So many objects within each other."""
    found: dict[str, Any] = {}
    for _ in range(depth - 1):
        found = {"a": found}
    return found


def sized(size: int) -> dict[str, Any]:
    return {"a": "ü" * ((size - 8) // 2) + "x" * (size % 2)}


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"a": None, "b": [True, 1, -1.5, "ü\0\n", {"c": []}]},
        {"a": 2**63 - 1, "b": -(2**63)},
        nested(payloads.DEEPEST),
        {"a": [[[]]], "": 0},
        sized(payloads.LARGEST),
    ],
)
def test_what_json_has_may_be_posted(payload: Any) -> None:
    payloads.refuse_wrong(payload)


@pytest.mark.parametrize(
    ("payload", "told"),
    [
        ([1], "payload of the event is list; expected an object"),
        (None, "payload of the event is null; expected an object"),
        ({"a": {"b": [0, float("nan")]}}, "payload.a.b[1] of the event is nan; expected a number that JSON has"),
        ({"a": float("-inf")}, "payload.a of the event is -inf"),
        ({"a": 2**63}, "payload.a of the event is a number of more than 64 bits; expected a smaller one, or text"),
        ({"a": ["\ud800"]}, r"payload.a[0] of the event is '\ud800'; expected text in UTF-8"),
        ({"\ud800": 1}, r"payload of the event is '\ud800'; expected text in UTF-8"),
        ({"a": {3: 1}}, "payload.a of the event is an object with the name 3; expected one whose names are text"),
        ({"a": {1, 2}}, "payload.a of the event is set; expected a value that JSON has"),
        (nested(payloads.DEEPEST + 1), "expected at most 32 objects and lists within each other"),
        ({"a": [nested(payloads.DEEPEST - 1)]}, "expected at most 32 objects and lists within each other"),
        (sized(payloads.LARGEST + 1), "payload of the event is 1,048,577 bytes long; expected at most 1,048,576"),
    ],
)
def test_what_cannot_be_kept_is_refused_with_its_place(payload: Any, told: str) -> None:
    with pytest.raises(errors.BadPayload) as refused:
        payloads.refuse_wrong(payload)
    assert told in str(refused.value)


@pytest.mark.parametrize("key", ["", "  ", "a\nb", "x" * 256])
def test_a_key_that_cannot_be_kept_is_refused(key: str) -> None:
    with pytest.raises(errors.BadPayload, match=r"^key of the event is "):
        payloads.refuse_wrong_key(key)
    payloads.refuse_wrong_key("order 17" * 31)
