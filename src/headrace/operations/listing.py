"""Runs are listed page by page, and counted."""

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headrace import errors
from headrace.app import App
from headrace.model.query import Query, Span
from headrace.model.run import RunStatus
from headrace.operations import documents
from headrace.store.runs import Listed

MOST = 1000  # runs on a page
GREATEST = 2**63 - 1  # of ids
DIGITS = len(str(GREATEST))

NUMBER, TEXT = "an id: a whole number, 1 or more", "text in UTF-8, without NUL"


@dataclass(frozen=True, slots=True)
class Page:
    """Some runs of a list, in its order; `cursor` gets the next of them, and is None at the end of the list."""

    runs: Sequence[Listed]
    cursor: str | None


def page(app: App, query: Query, limit: int = 20, cursor: str | None = None, *, blocks: bool = False) -> Page:
    """The first runs of the list, or those after the page that the cursor is of; with `blocks`, with their block runs.

    There may be fewer than `limit`, even none, although the list goes on: then the page has a cursor. Raises BadFilter,
    and BadCursor for a cursor of another list.
    """
    refuse_wrong(query)
    if not 1 <= limit <= MOST:
        raise errors.BadFilter(field="limit", given=limit, expected=f"a whole number from 1 to {MOST}")
    found = app.store.runs.page(query, limit, _after(query, cursor), blocks=blocks)
    return Page(found.runs, None if found.after is None else _cursor(query, found.after))


def walk(app: App, query: Query, size: int) -> Iterator[Listed]:
    """All runs of the list, which may change meanwhile, however far one has to look for them; `size` to a page. BadFilter."""
    cursor = None
    while True:
        found = page(app, query, size, cursor)
        yield from found.runs
        if (cursor := found.cursor) is None:
            return


def count(app: App, query: Query) -> int | None:
    """How many runs the list has; None where only going through it would tell. Raises BadFilter."""
    refuse_wrong(query)
    return app.store.tallies.total(query) if query.is_tallied else None


def counts(app: App, query: Query) -> Mapping[str, int]:
    """How many runs of a project, a pipeline or a trigger have each status. Raises BadFilter."""
    refuse_wrong(query)
    found = app.store.tallies.of(query)
    return {status.value: found.get(status, 0) for status in RunStatus}


def refuse_wrong(query: Query) -> None:
    """Raises the BadFilter for which nothing can be listed."""
    for name in ("project", "pipeline", "trigger", "backfill"):
        given = getattr(query, name)
        if isinstance(given, int) and not 0 < given <= GREATEST:
            raise errors.BadFilter(field=name, given=given, expected=NUMBER)
    for name, text in _texts(query):
        if not _is_text(text):
            raise errors.BadFilter(field=name, given=text, expected=TEXT)
    _refuse_guesses(query)
    for name in ("created", "started", "ended", "execution_date"):
        span: Span = getattr(query, name)
        if span.since and span.until and span.until <= span.since:
            raise errors.BadFilter(field=f"{name}_to", given=str(span.until), expected=f"a moment after {span.since}")


def _refuse_guesses(query: Query) -> None:
    """What is masked when it is shown could be found out by asking for one value after the other."""
    for name, shown in documents.masked(query.variables).items():
        if shown != query.variables[name]:
            expected = "a variable that is not masked when it is shown"
            raise errors.BadFilter(field=f"variables.{name}", given=documents.MASK, expected=expected)


def _texts(query: Query) -> Iterator[tuple[str, Any]]:
    yield from (("project", query.project), ("pipeline", query.pipeline))
    yield from (("tags", tag) for tag in query.tags)
    yield from (("variables", name) for name in query.variables)
    yield from ((f"variables.{name}", _escaped(value)) for name, value in query.variables.items())


def _escaped(value: Any) -> Any:
    """As a document has it: there NUL is written in other characters."""
    return value.replace("\0", "") if isinstance(value, str) else value


def _is_text(given: Any) -> bool:
    try:
        return not isinstance(given, str) or b"\0" not in given.encode()
    except UnicodeEncodeError:
        return False


def _cursor(query: Query, after: int) -> str:
    return base64.urlsafe_b64encode(f"{after}:{query.digest}".encode()).decode().rstrip("=")


def _after(query: Query, cursor: str | None) -> int | None:
    """The id that the cursor stands for."""
    if cursor is None:
        return None
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        after, colon, digest = base64.b64decode(padded, b"-_", validate=True).decode("ascii").partition(":")
    except (ValueError, binascii.Error):
        raise errors.BadCursor(cursor=cursor) from None
    if not colon or digest != query.digest or not after.isdigit() or len(after) > DIGITS or int(after) > GREATEST:
        raise errors.BadCursor(cursor=cursor)
    return int(after)
