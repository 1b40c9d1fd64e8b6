"""Dataset: a named table outside, which has a version for each time that it was written."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from headrace import errors

LONGEST = 128  # characters of a name
NAMES = f"a letter and then letters, digits and underscores, at most {LONGEST} in all"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)


class WriteMode(StrEnum):
    """What becomes of the rows that a dataset has when others are written."""

    REPLACE = "replace"  # they go
    APPEND = "append"  # they stay
    UPSERT = "upsert"  # those go that have the identifier of a new one


class Operation(StrEnum):
    """What has made a version of a dataset: a write, or that its files were merged, which leaves its rows as they are."""

    REPLACE = "replace"
    APPEND = "append"
    UPSERT = "upsert"
    COMPACT = "compact"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """A dataset, by whatever name it is asked for: `key` is the same for names that differ in case alone."""

    id: int
    uid: str
    name: str
    description: str
    row_identifier: str | None  # the columns by which rows are updated, with commas between; None: none was ever named
    location: str  # a URL, or a path relative to the home
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """What a dataset was from one write to the next. `rows` and `bytes` are of all of it, not of what was written."""

    version: int  # as the table's own log numbers it
    operation: Operation
    run_id: int | None  # what made it, which need not be there any more; None: rows that were sent, or files merged
    block: str | None
    attempt: str | None  # its uid
    rows: int
    bytes: int
    schema: tuple[Mapping[str, Any], ...]  # `{"name", "type"}` of each column
    profile: Mapping[str, Any] | None
    created_at: datetime
    cleaned_at: datetime | None  # since when its rows cannot be read any more
    lost_at: datetime | None = None  # the same where they were not cleaned, but lost with the table


def is_name(name: str) -> bool:
    """Whether a dataset can have that name: see NAMES."""
    return len(name) <= LONGEST and bool(_NAME.fullmatch(name))


def check(name: str) -> str:
    """The name, which a dataset can have. BadDatasetName for any other."""
    if not is_name(name):
        raise errors.BadDatasetName(given=name, expected=NAMES)
    return name


def key(name: str) -> str:
    """By which the dataset is found: names that differ in case alone are of one."""
    return check(name).lower()
