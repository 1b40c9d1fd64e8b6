"""How often a block is tried, and how long is waited between."""

from typing import Any

import pytest

from headrace.model import retry
from headrace.model.retry import Policy


def waits(policy: Policy) -> list[float]:
    """Every wait until the policy has no further try."""
    found: list[float] = []
    while (wait := policy.wait_after(len(found) + 1)) is not None:
        found.append(wait)
    return found


def test_nothing_written_is_no_retry() -> None:
    assert Policy.read({}) == Policy()
    assert waits(Policy()) == []


def test_waits_double_unless_told_otherwise() -> None:
    assert waits(Policy(retries=3, delay=5)) == [5, 10, 20]
    assert waits(Policy(retries=3, delay=5, exponential=False)) == [5, 5, 5]


def test_the_sum_of_the_waits_stays_below_the_longest_delay() -> None:
    assert waits(Policy(retries=100, delay=5, max_delay=60)) == [5, 10, 20]  # the next 40 would make 75
    assert waits(Policy(retries=100, delay=20, max_delay=60, exponential=False)) == [20, 20]  # a third reaches 60
    assert waits(Policy(retries=100, delay=5, max_delay=0)) == []


def test_no_delay_is_tried_again_at_once_as_often_as_told() -> None:
    assert waits(Policy(retries=70, delay=0)) == [0] * 70


def test_a_wait_beyond_all_clocks_is_cut() -> None:
    endless = Policy(retries=2000, delay=1e300, max_delay=1.7e308, exponential=True)
    assert endless.wait_after(1) == retry.LONGEST
    assert endless.wait_after(2000) == retry.LONGEST


def test_every_field_is_read() -> None:
    written = {"retries": "3", "delay": 1, "max_delay": "9.5", "exponential_backoff": False, "other": object()}
    assert Policy.read(written) == Policy(retries=3, delay=1.0, max_delay=9.5, exponential=False)


def test_null_is_the_default() -> None:
    nothing = dict.fromkeys(("retries", "delay", "max_delay", "exponential_backoff"))
    assert Policy.read(nothing) == Policy()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("retries", -1),
        ("retries", 1.5),
        ("retries", True),
        ("retries", "many"),
        ("retries", "²"),
        ("retries", [1]),
        ("delay", -0.1),
        ("delay", "soon"),
        ("delay", float("nan")),
        ("delay", float("inf")),
        ("delay", True),
        ("delay", 10**400),
        ("delay", {}),
        ("max_delay", "-1"),
        ("exponential_backoff", "yes"),
        ("exponential_backoff", 1),
    ],
)
def test_what_is_no_number_of_its_kind_is_refused_by_name(field: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"^{field} is "):
        Policy.read({field: value})
