"""What blocks left behind, as Mage's clients look at it: of frames the first rows, of all else its text."""

import json
from typing import Any

from typing_extensions import TypedDict

from headrace.app import App
from headrace.model import output
from headrace.operations import documents, values

MOST = 1000  # rows


class Sample(TypedDict):
    columns: list[str]
    rows: list[list[Any]]


class Output(TypedDict):
    outputs: list[Any] | None
    sample_data: Sample | None
    shape: list[int] | None
    text_data: str | None
    type: str
    variable_uuid: str


def shape(home: App, left: output.Output, count: int | None = None) -> Output:
    """At most `count` rows of a frame, and never more than MOST. CannotRead, OutputTooLarge."""
    if not values.has_rows(left):
        return _told(left, "text", text=_text(values.whole(home, left)))
    head = values.rows(home, left, 0, MOST if count is None else min(count, MOST))
    sample: Sample = {"columns": head.columns, "rows": documents.plain(head.rows)}
    return _told(left, "table", sample=sample, extent=[left.rows or 0, len(head.columns)])


def _told(
    left: output.Output,
    kind: str,
    *,
    sample: Sample | None = None,
    extent: list[int] | None = None,
    text: str | None = None,
) -> Output:
    return {
        "outputs": None,
        "sample_data": sample,
        "shape": extent,
        "text_data": text,
        "type": kind,
        "variable_uuid": left.name,
    }


def _text(value: object) -> str:
    """Text as it is, all else as JSON."""
    return value if isinstance(value, str) else json.dumps(documents.plain(value), default=str)
