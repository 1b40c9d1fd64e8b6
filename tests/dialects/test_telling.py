"""The comparison of stories with what is answered can fail."""

from typing import Any

import pytest
from tests.dialects import telling


@pytest.mark.parametrize(
    ("shown", "answer"),
    [
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"a": 1, telling.OTHERS: telling.OTHERS}, {"b": 2}),
        ([1], [1, 2]),
        ("completed", "failed"),
        ("2026-01-01 00:00:00+00:00", "yesterday"),
        ("3c90c3cc-0d44-4b50-8888-8dd25736052a", "3c90c3cc"),
        ("There is no run 1.", "There is no pipeline 1."),
        (None, "x"),
        ("x", None),
    ],
)
def test_the_comparison_sees_what_is_not_as_it_is_shown(shown: Any, answer: Any) -> None:
    telling.compare(shown, shown, "it")
    with pytest.raises(AssertionError):
        telling.compare(shown, answer, "it")
