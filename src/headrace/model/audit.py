"""Audit: who did what, or wanted to."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Outcome(StrEnum):
    OK = "ok"
    REFUSED = "refused"  # whoever asked may not do it
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """One thing that somebody did; nothing of what was said with it. Who it was stays told when they are gone."""

    at: datetime
    who: str
    deed: str  # noun and verb: runs.cancel
    noun: str
    outcome: Outcome
    via: str  # the API or tool that it came by
    user_id: int | None = None
    token_id: int | None = None
    object: str | None = None  # which of that noun
    run_id: int | None = None
    project: str | None = None
    problem: str | None = None  # the kind of error
    address: str | None = None
    count: int = 1  # how often, where many are told as one


@dataclass(frozen=True, slots=True)
class Entry:
    """A deed as it is written down."""

    id: int
    deed: Deed
