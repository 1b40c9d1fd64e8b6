"""Lines that blocks have written."""

from datetime import datetime
from typing import Any

from pydantic import Field

from headrace.api.v1.schemas.document import Document


class Line(Document):
    """A line that a block has written."""

    block: str
    attempt: int
    at: datetime
    level: str = Field(examples=["INFO"])
    stream: str = Field(description="stdout, stderr, log (Python's logging) or headrace (its own remarks).")
    message: str
    logger: str | None
    tags: dict[str, Any]


class Lines(Document):
    """A page of lines, and the cursors behind it and before it."""

    lines: list[Line]
    next: str
    previous: str
    more: bool = Field(description="Whether there is more, or may be, in the direction that was asked for.")
