"""Voiding: an attempt whose commit has failed commits no more, whoever is still at it.

An engine that was stopped in the middle of a commit may go on with it long after another has taken its run up. Where that
one cannot commit the attempt, it writes into the table's log that the attempt is void. The commit that was decided
before cannot land any more, and who looks at the log again finds it so.
"""

from typing import Any

from headrace import errors
from headrace.datasets import committing, disk, names, tables
from headrace.datasets.committing import Committed, Staged

VOID = 0  # what stands in the log for the version that such an attempt has made: those that were made begin at 1
TRIES = 100  # each time another has written the table


def commit(place: str, staged: Staged, newest: int | None = None) -> Committed:
    """As `committing.commit`; DatasetRefused, too, for an attempt that is void."""
    found = committing.commit(place, staged, newest)
    if found.version == VOID:
        raise errors.DatasetRefused(place=place, why="that they are not committed was settled before")
    return found


def void(place: str, staged: Staged) -> Committed | None:
    """From now on the attempt cannot be committed; or, where it has been, the version that it has made.

    DatasetUnwritable when neither can be brought about: then nobody knows what becomes of it.
    """
    try:
        for _ in range(TRIES):
            table = tables.ensure(place)
            number = table.transaction_version(staged.attempt)
            if number is not None:
                return committing.commit(place, staged) if number != VOID else None
            if _is_marked(table, place, staged):
                return None
    except OSError as error:
        raise errors.DatasetUnwritable(place=place, why=error.strerror or error) from error
    raise errors.DatasetUnwritable(place=place, why=f"others have written it each of {TRIES} times that it was tried")


def _is_marked(table: Any, place: str, staged: Staged) -> bool:
    """Whether the mark is in the log, or another has written the log meanwhile."""
    deltalake, seen = tables.delta(), table.version()
    mark = deltalake.Transaction(staged.attempt, VOID, int(staged.at.timestamp() * 1000))
    told = deltalake.CommitProperties(
        custom_metadata={"headrace.void": staged.attempt}, max_commit_retries=0, app_transactions=[mark]
    )
    try:
        table.create_write_transaction([], "append", table.schema(), commit_properties=told)
    except deltalake.exceptions.DeltaError as error:
        if tables.ensure(place).version() == seen:
            raise errors.DatasetUnwritable(place=place, why=error) from error
        return False
    if not names.is_url(place):
        disk.sync(tables.log(place) / f"{seen + 1:020}.json")
        disk.sync(tables.log(place))
    return True
