"""Voiding: an attempt whose commit has failed commits no more, whoever is still at it.

An engine that was stopped in the middle of a commit may go on with it long after another has taken its run up. Where that
one cannot commit the attempt, it writes into the table's log that the attempt is void. The commit that was decided
before cannot land any more, and who looks at the log again finds it so.
"""

from typing import Any

from headrace import errors
from headrace.datasets import committing, tables
from headrace.datasets.committing import Committed, Staged
from headrace.datasets.tables import VOID

TRIES = 100  # each time another has written the table


def commit(place: str, staged: Staged, newest: int | None = None) -> Committed:
    """As `committing.commit`; DatasetRefused, too, for an attempt that is void."""
    found = committing.commit(place, staged, newest)
    if found.version == VOID:
        raise errors.DatasetRefused(place=place, why="that they are not committed was settled before")
    return found


def void(place: str, staged: Staged) -> Committed | None:
    """From now on the attempt cannot be committed; or, where it has been, the version that it has made.

    DatasetUnwritable when neither can be brought about, DatasetInDoubt when nobody knows any more what it has made: then
    nobody knows what becomes of it.
    """
    try:
        for _ in range(TRIES):
            table = tables.ensure(place)
            number = tables.transaction(table, place, staged.attempt, staged.at)
            if number is not None:
                return committing.commit(place, staged) if number != VOID else None
            if _is_marked(table, place, staged):
                return None
    except OSError as error:
        raise errors.DatasetUnwritable(place=place, why=tables.why(error)) from error
    raise errors.DatasetUnwritable(place=place, why=f"others have written it each of {TRIES} times that it was tried")


def _is_marked(table: Any, place: str, staged: Staged) -> bool:
    """Whether the mark is in the log, or another has written the log meanwhile."""
    deltalake, seen = tables.delta(), table.version()
    told = tables.marked(staged.attempt, VOID, staged.at, {"void": staged.attempt})
    try:
        table.create_write_transaction([], "append", table.schema(), commit_properties=told)
    except deltalake.exceptions.DeltaError as error:
        if tables.ensure(place).version() == seen:
            raise errors.DatasetUnwritable(place=place, why=tables.why(error)) from error
        return False
    committing.settle(place, seen + 1)
    return True
