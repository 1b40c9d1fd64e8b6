"""What blocks left behind, and what is in it."""

from typing import Any

from headrace.api.v1.schemas.document import Document
from headrace.api.v1.schemas.runs import Output


class Outputs(Document):
    outputs: list[Output]


class Head(Document):
    """As many cells in each row as there are columns."""

    columns: list[str]
    rows: list[list[Any]]


class Content(Document):
    """What is in an output: rows of a frame or array, or a plain value."""

    name: str
    kind: str
    columns: list[str] | None = None
    rows: list[list[Any]] | None = None
    offset: int | None = None
    total: int | None = None
    value: Any = None
