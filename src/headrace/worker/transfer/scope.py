"""Scope: what a job may use while it moves its table."""

import re
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from headrace import errors
from headrace.model.loads import Bookmark
from headrace.model.transfer import End
from headrace.worker.transfer.connections import Address, ReadSecret, address


@dataclass(frozen=True, slots=True)
class Scope:
    """`place` is the attempt's own folder, `memory` how many bytes the job may hold in all."""

    attempt: str  # its uid
    job: str  # the job's public id
    state: str
    place: Path
    home: Path  # that paths of outputs are relative to
    folder: Path  # that paths of files are relative to
    memory: int
    secret: ReadSecret
    bookmark: Callable[[], Bookmark | None]  # that headrace keeps, for targets that keep none

    def address(self, end: End) -> Address:
        """Where that end is. NoConnection, BadConnection."""
        return address(end, self.secret, self.folder)


@contextmanager
def told(what: str, where: Address, *kinds: type[Exception]) -> Generator[None]:
    """Errors of a database's library become LoadFailed, in its words, and without what nobody may read."""
    try:
        yield
    except kinds as error:
        said = _QUERY.split(where.hidden(str(error)))[0]
        why = " ".join(said.split()).rstrip(".") or type(error).__name__
        raise errors.LoadFailed(what=what, why=why) from None


_QUERY = re.compile(r"\n+LINE \d+:")  # what follows repeats the statement, which is none of the user's
