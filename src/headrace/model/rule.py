"""Rules: which occurrences begin a run of an event trigger."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class RuleKind(StrEnum):
    PAYLOAD = "payload"  # something was posted to headrace
    FILE = "file"  # a file or object has appeared, or has changed
    PIPELINE = "pipeline"  # a run of another pipeline has ended
    DATASET = "dataset"  # a dataset has a new version


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What an occurrence must be like.

    `subject` is, of a file rule, the URL or path, which may have wildcards; of a pipeline rule the pipeline's name, after
    `PROJECT/` where it is another project's; of a dataset rule the dataset's name, in small letters, since names that differ
    in case alone are of one dataset; of a payload rule a name for people.
    """

    kind: RuleKind
    subject: str = ""
    pattern: Mapping[str, Any] = field(default_factory=dict[str, Any])  # of a payload: see `matches`
    statuses: tuple[str, ...] = ("completed",)  # of a pipeline rule: those its run may have ended with
    every: float = 10.0  # of a file rule: seconds between two looks
    settle: float = 5.0  # of a file rule: seconds that the file must have kept its size and time of change

    def __post_init__(self) -> None:
        if self.kind is RuleKind.DATASET:
            object.__setattr__(self, "subject", self.subject.lower())
