"""Readings of a clock that match an expression, from both sides."""

import itertools
from datetime import datetime

import pytest
from cronsim import CronSimError

from headrace.model import cron

NOON = datetime(2026, 3, 1, 12)


def after(text: str, reading: datetime, count: int = 3) -> list[str]:
    return [f"{found:%m-%d %H:%M:%S}" for found in itertools.islice(cron.parse(text).after(reading), count)]


def back(text: str, reading: datetime, count: int = 3) -> list[str]:
    return [f"{found:%m-%d %H:%M:%S}" for found in itertools.islice(cron.parse(text).back(reading), count)]


def test_what_is_shown_now_is_behind_and_not_ahead() -> None:
    assert after("0 0 12 * * *", NOON) == ["03-02 12:00:00", "03-03 12:00:00", "03-04 12:00:00"]
    assert back("0 0 12 * * *", NOON) == ["03-01 12:00:00", "02-28 12:00:00", "02-27 12:00:00"]
    instant = NOON.replace(microsecond=1)
    assert after("* * * * * *", instant) == ["03-01 12:00:01", "03-01 12:00:02", "03-01 12:00:03"]
    assert back("* * * * * *", instant) == ["03-01 12:00:00", "03-01 11:59:59", "03-01 11:59:58"]


def test_minutes_and_seconds_begin_anew_with_each_hour() -> None:
    reading = NOON.replace(minute=40, second=30)
    assert after("15,45 20,50 10-14/2 * * *", reading, 5) == [
        "03-01 12:50:15",
        "03-01 12:50:45",
        "03-01 14:20:15",
        "03-01 14:20:45",
        "03-01 14:50:15",
    ]
    assert back("15,45 20,50 10-14/2 * * *", reading, 5) == [
        "03-01 12:20:45",
        "03-01 12:20:15",
        "03-01 10:50:45",
        "03-01 10:50:15",
        "03-01 10:20:45",
    ]


def test_five_fields_are_whole_minutes_of_days_in_their_months() -> None:
    assert after("0 6 31 * *", NOON, 2) == ["03-31 06:00:00", "05-31 06:00:00"]
    assert after("0 6 * 2 *", NOON, 1) == ["02-01 06:00:00"]
    assert back("0 6 * 2 *", NOON, 1) == ["02-28 06:00:00"]


def test_readings_end_with_the_calendar() -> None:
    assert list(cron.parse("0 0 * * *").after(datetime(9999, 12, 30))) == [datetime(9999, 12, 31)]
    assert list(cron.parse("0 0 * * *").back(datetime(1, 1, 2))) == [datetime(1, 1, 2), datetime(1, 1, 1)]


def test_what_comes_once_in_twenty_eight_years_comes_and_what_never_does_does_not() -> None:
    assert cron.parse("0 0 * 2 mon#5").comes
    assert not cron.parse("0 0 */14 * mon#2").comes
    with pytest.raises(CronSimError):
        cron.parse("0 0 30 2 *")
