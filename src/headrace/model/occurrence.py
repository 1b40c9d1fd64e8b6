"""Occurrence: something has happened that event triggers may begin runs for."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from headrace.model.rule import RuleKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """One thing that has happened, and whether it was dealt with: it is once, and never again."""

    id: int
    uid: str
    kind: RuleKind
    subject: str  # of a pipeline, after `PROJECT/`; of a file, as its rule has it; of a payload, nothing
    payload: Mapping[str, Any]  # what the runs that it begins are told of it, as `event`
    rule_id: int | None  # of a file: the rule that it was seen for, as long as that is there
    at: datetime
    handled_at: datetime | None
    runs: int | None  # how many it has begun, once it was handled
    fault: str | None = None  # why it cannot be read
