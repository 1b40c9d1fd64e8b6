"""Names: from a dataset's name to where its table lies."""

import uuid
from pathlib import Path

from headrace.model import dataset


def location(datasets: str | None, name: str) -> str:
    """Where the table of a new dataset is to lie, as its row says it: a URL, or a path relative to the home.

    `datasets` is the setting. BadDatasetName for a name that is none: nothing unchecked becomes part of a path.
    """
    return f"{(datasets or 'datasets').rstrip('/')}/{dataset.key(name)}"


def anew(datasets: str | None, name: str) -> str:
    """As `location`, for a dataset whose table is lost: beside the usual place, where nothing has ever been."""
    return f"{location(datasets, name)}-{uuid.uuid4().hex[:8]}"


def absolute(home: Path, location: str) -> str:
    """The URL, or the absolute path, of the location in a dataset's row."""
    return location if is_url(location) else str(home / location)


def is_url(location: str) -> bool:
    """Whether it lies in an object store, and not in a folder."""
    return "://" in location
