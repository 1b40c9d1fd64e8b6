"""Output: what a row keeps of a value that a block returned."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

DATASET = "dataset"  # the kind of an output whose rows are to become a version of a dataset
CLEANED = "cleaned"  # the codec of an output that has become old, of which nothing but its row was kept


@dataclass(frozen=True, slots=True)
class Output:
    """One kept value. `path` is relative to the home; `codec` says how the bytes there are read.

    `kind` is the word for people (`pandas.DataFrame`, `polars.DataFrame`, `dict`, …); `rows` and `bytes` count what
    is kept (`rows` is None where there are none to count); `schema` lists `{"name", "type"}` of a frame's columns;
    `bytes` counts the parts of a document with it. `profile` maps a column to its `nulls`, `min` and `max`, or to None
    when there was no time for it; `hash` (xxh3-128 in hex) is equal for equal content wherever it was made.
    """

    name: str
    kind: str
    codec: str
    path: str
    bytes: int
    rows: int | None = None
    schema: tuple[Mapping[str, Any], ...] | None = None
    profile: Mapping[str, Any] | None = None
    hash: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])  # what the codec needs to give the value back
