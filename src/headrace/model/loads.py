"""Loads: what a run of a job moves, from how far the job has got; and what a change of its load type means for that."""

from dataclasses import dataclass
from enum import StrEnum

from headrace.model.transfer import LoadType, Transfer

Value = str | int | float  # of the column that tells what is new, as its database writes it


class Mode(StrEnum):
    """What becomes of the rows that the target has."""

    REPLACE = "replace"
    APPEND = "append"
    UPSERT = "upsert"


@dataclass(frozen=True, slots=True)
class Bookmark:
    """How far a job has got under a state: the greatest value that was loaded, and of what kind of values it was.

    `attempt` loaded it, by its uid.
    """

    state: str
    value: Value | None = None
    attempt: str | None = None
    kind: str | None = None


@dataclass(frozen=True, slots=True)
class Load:
    """`since` is where the rows begin: behind it, or with `inclusive` at it. None: all of them. `kind` is that of `since`."""

    mode: Mode
    since: Value | None = None
    inclusive: bool = False
    kind: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What a new load type does to the bookmark."""

    initialises: bool = False
    resets: bool = False

    @property
    def keeps(self) -> bool:
        return not (self.initialises or self.resets)


def decide(transfer: Transfer, bookmark: Bookmark | None) -> Load:
    """The first load is a full one. A load that replaces by key begins at the bookmark itself: what is there again does
    no harm, and a row that came late with the same value is not missed."""
    known = bookmark if bookmark and bookmark.state == transfer.state else None
    if transfer.load is LoadType.FULL or known is None or known.value is None:
        return Load(Mode.REPLACE)
    if transfer.load is LoadType.QUALIFIED:
        return Load(Mode.UPSERT, known.value, inclusive=True, kind=known.kind)
    return Load(Mode.APPEND, known.value, kind=known.kind)


def change(before: LoadType, after: LoadType, *, force: bool = False, moved: bool = False) -> Change:
    """`moved`: another column tells what is new, whose values the bookmark says nothing of."""
    if after is LoadType.FULL:
        return Change(resets=True)
    if before is LoadType.FULL:
        return Change(initialises=True)
    return Change(resets=force or moved)
