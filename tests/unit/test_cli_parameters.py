"""What options take: moments, durations, steps, counts, JSON objects."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace import errors
from headrace.cli import parameters
from headrace.cli.parameters import NOTHING


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        (" 2026-01-31T06:00 ", datetime(2026, 1, 31, 6, tzinfo=UTC)),
        ("2026-01-31 06:00:30+02:00", datetime(2026, 1, 31, 4, 0, 30, tzinfo=UTC)),
        ("2026-01-31T06:00Z", datetime(2026, 1, 31, 6, tzinfo=UTC)),
    ],
)
def test_a_moment_without_an_offset_is_in_utc(text: str, moment: datetime) -> None:
    found = parameters.moment(text)
    assert found == moment
    assert found.tzinfo is UTC


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("0.5", 0.5), ("15m", 900), ("1.5h", 5400), ("1h30m", 5400), ("2d", 172_800), ("1w", 604_800)],
)
def test_a_duration_is_seconds_or_amounts(text: str, seconds: float) -> None:
    assert parameters.duration(text) == seconds


@pytest.mark.parametrize(
    ("text", "step"),
    [
        ("1d", ("day", 1)),
        ("6h", ("hour", 6)),
        ("15m", ("minute", 15)),
        ("30s", ("second", 30)),
        ("2w", ("week", 2)),
        ("1mo", ("month", 1)),
        ("10y", ("year", 10)),
    ],
)
def test_a_step_is_a_kind_and_how_many(text: str, step: tuple[str, int]) -> None:
    assert parameters.step(text) == step


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (parameters.moment, "soon"),
        (parameters.moment, ""),
        (parameters.moment, "2026-02-30"),
        (parameters.moment, "0001-01-01T00:00+05:00"),
        (parameters.duration, ""),
        (parameters.duration, "0"),
        (parameters.duration, "-1"),
        (parameters.duration, "1x"),
        (parameters.duration, "1h30"),
        (parameters.duration, "30 1h"),
        (parameters.duration, "h"),
        (parameters.duration, "nan"),
        (parameters.duration, "9" * 400),
        (parameters.duration, "٣"),
        (parameters.whole_duration, "0.5"),
        (parameters.step, "1"),
        (parameters.step, "0d"),
        (parameters.step, "d"),
        (parameters.step, "1 day"),
        (parameters.step, "9" * 12 + "d"),
        (parameters.count, "0"),
        (parameters.count, "1.5"),
        (parameters.count, "-1"),
        (parameters.count, str(2**31)),
        (parameters.count, "9" * 5000),
        (parameters.text, "\udcff"),
        (parameters.json_object, "[1]"),
        (parameters.json_object, "{"),
        (parameters.json_object, '{"a": NaN}'),
        (parameters.json_object, "[" * 100_000),
    ],
)
def test_what_means_nothing_is_refused_with_what_was_expected(kind: Callable[[str], Any], text: str) -> None:
    with pytest.raises(click.BadParameter, match=r"is not (a|text) "):
        kind(text)


def test_a_json_object_that_cannot_be_kept_is_refused() -> None:
    assert parameters.json_object('{"a": [1, {"b": null}]}') == {"a": [1, {"b": None}]}
    with pytest.raises(errors.BadVariable, match="64 bits"):
        parameters.json_object(f'{{"a": {2**63}}}')
    with pytest.raises(errors.BadVariable, match="UTF-8"):
        parameters.json_object('{"a": "\\ud800"}')


def test_none_takes_back_what_was_said() -> None:
    either = parameters.or_none(parameters.count)
    assert either("none") is NOTHING
    assert either("3") == 3
    with pytest.raises(click.BadParameter):
        either("nothing")


@given(st.text(max_size=20))
def test_no_text_does_more_than_be_refused(text: str) -> None:
    for kind in (parameters.moment, parameters.duration, parameters.step, parameters.count, parameters.json_object):
        try:
            kind(text)
        except (click.BadParameter, errors.BadVariable):
            continue


@given(st.integers(1, 3000), st.sampled_from("smhdw"))
def test_amounts_add_up(amount: int, unit: str) -> None:
    assert parameters.duration(f"{amount}{unit}") == amount * parameters.duration(f"1{unit}")
