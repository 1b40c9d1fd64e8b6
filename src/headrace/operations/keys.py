"""Keys: a new one takes over from the old, and all that is sealed is sealed with it, a few rows at a time.

The new key is in the file before anything is sealed with it, and the old ones are there until nothing needs them. So
whatever is killed at whatever instant, everything opens, and a rotation that was cut short is finished by the next.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from headrace import errors, vault
from headrace.app import App
from headrace.engine import registry
from headrace.store.seals import Resealed
from headrace.vault import Vault

BATCH = 100  # rows of one transaction


@dataclass(frozen=True, slots=True)
class Rotated:
    """`key` is the name of the key that seals now, `former` are those that are needed no more, and are gone unless
    HEADRACE_KEY has them. So many rows were `resealed`; what is `lost` could not be opened, and stays as it was.
    """

    key: str
    former: tuple[str, ...]
    managed: bool
    resealed: int
    lost: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Row:
    id: int
    sealed: str
    purpose: str
    named: str  # for people


@dataclass(frozen=True, slots=True)
class _Table:
    """Rows in which something is sealed: those beyond an id whose seal begins otherwise, and how they are written."""

    otherwise: Callable[[str, int, int], Sequence[_Row]]
    reseal: Callable[[list[Resealed]], int]


def rotate(app: App) -> Rotated:
    """A new key seals from now on, and everything is sealed with it; what an earlier rotation has begun is finished.

    With HEADRACE_KEY no key is made: everything is sealed with the first that it names.
    """
    keys = Vault(app.settings.home)
    if not keys.is_managed:
        return _reseal(app, keys)
    with keys.changing():
        if len(keys.names) == 1:
            keys.add_key()
        rotated = _reseal(app, keys)
        keys.drop_keys()
        _reseal(app, keys)  # what was sealed before there was the new key, and written since
    return rotated


def _reseal(app: App, keys: Vault) -> Rotated:
    first, *former = keys.names
    resealed, lost = 0, list[str]()
    for table in _tables(app):
        for rows in _batches(table, vault.mark(first)):
            changes = [_resealed(row, keys) for row in rows]
            resealed += table.reseal([each for each in changes if each])
            lost += [row.named for row, change in zip(rows, changes, strict=True) if change is None]
    return Rotated(first, tuple(former), keys.is_managed, resealed, tuple(lost))


def _batches(table: _Table, begins: str) -> Iterator[Sequence[_Row]]:
    after = 0
    while rows := table.otherwise(begins, after, BATCH):
        yield rows
        after = rows[-1].id


def _resealed(row: _Row, keys: Vault) -> Resealed | None:
    try:
        return Resealed(row.id, row.sealed, keys.seal(keys.open(row.sealed, row.purpose), row.purpose))
    except errors.CannotUnseal:
        return None


def _tables(app: App) -> tuple[_Table, ...]:
    secrets, triggers = app.store.secrets, app.store.triggers

    def of_secrets(begins: str, after: int, limit: int) -> list[_Row]:
        found = secrets.sealed_otherwise(begins, after, limit)
        return [_Row(row.id, row.sealed, row.purpose, f"the secret {row.name}") for row in found]

    def of_triggers(begins: str, after: int, limit: int) -> list[_Row]:
        found = triggers.sealed_otherwise(begins, after, limit)
        return [_Row(each, sealed, registry.PURPOSE, f"the token of trigger {each}") for each, sealed in found]

    return _Table(of_secrets, secrets.reseal), _Table(of_triggers, triggers.reseal)
