"""How often a block is tried, and how long is waited between."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LONGEST = 366 * 86_400.0  # seconds; a longer wait is cut to this


@dataclass(frozen=True, slots=True)
class Policy:
    """`retries` tries after the first, `delay` seconds apart, doubling when `exponential`.

    `max_delay` bounds the sum of the waits, as Mage 0.9.80 does: a try whose wait would reach it is not made.
    """

    retries: int = 0
    delay: float = 5.0
    max_delay: float = 60.0
    exponential: bool = True

    @classmethod
    def read(cls, written: Mapping[str, Any]) -> "Policy":
        """The policy of a `retry_config`; ValueError names the field that is no number of its kind."""
        plain = cls()
        return cls(
            retries=_whole("retries", written.get("retries"), plain.retries),
            delay=_seconds("delay", written.get("delay"), plain.delay),
            max_delay=_seconds("max_delay", written.get("max_delay"), plain.max_delay),
            exponential=_flag("exponential_backoff", written.get("exponential_backoff"), plain.exponential),
        )

    def wait_after(self, failures: int) -> float | None:
        """Seconds to wait after that many failed tries (1 or more), or None when there is no further try."""
        if failures > self.retries:
            return None
        if sum(map(self._wait, range(1, failures + 1))) >= self.max_delay:
            return None
        return self._wait(failures)

    def _wait(self, nth: int) -> float:
        doubled = 2.0 ** min(nth - 1, 64) if self.exponential else 1.0
        return min(self.delay * doubled, LONGEST)


def _whole(name: str, value: Any, default: int) -> int:
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | str) or not str(value).strip().isdecimal():
        raise ValueError(f"{name} is {value!r}; expected a whole number, 0 or more")
    return int(value)


def _seconds(name: str, value: Any, default: float) -> float:
    if value is None:
        return default
    try:
        seconds = float("nan") if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        seconds = float("nan")
    if not 0 <= seconds < float("inf"):
        raise ValueError(f"{name} is {value!r}; expected a number of seconds, 0 or more")
    return seconds


def _flag(name: str, value: Any, default: bool) -> bool:
    if value is None:
        return default
    if not isinstance(value, bool):
        raise ValueError(f"{name} is {value!r}; expected true or false")
    return value
