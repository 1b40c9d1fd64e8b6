"""Secrets: what blocks may know and logs must not show, opened in the engine's memory and read anew once it changes.

A look costs one short question of the database, and nothing is opened twice. What was seen at the last look is there
for the loop, which reads nothing itself.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from headrace import errors, project
from headrace.store import Store
from headrace.store.secrets import Marks, SecretRow
from headrace.vault import Vault
from headrace.worker import wire


@dataclass(frozen=True, slots=True)
class Seen:
    """The secrets of a project as they were under those marks: by name, its own before those of all projects.

    One that cannot be opened is its error, in its place.
    """

    marks: Marks = ()
    values: Mapping[str, str | errors.CannotUnseal] = field(default_factory=dict[str, str | errors.CannotUnseal])
    masks: tuple[str, ...] = ()
    whole: bool = True  # each of them could be opened


class Secrets:
    """Any thread may use it."""

    def __init__(self, store: Store, vault: Vault) -> None:
        self._store = store
        self._vault = vault
        self._seen: dict[int, Seen] = {}  # by project

    def masks(self, project_id: int) -> tuple[str, ...]:
        """What is to be masked in logs of that project, as it was at the last look."""
        return self._seen.get(project_id, Seen()).masks

    def answer(self, project_id: int, name: str) -> wire.Secret:
        """The secret of that name as it is now. CannotUnseal for one that cannot be opened, StoreUnavailable."""
        found = self.look(project_id).values.get(name)
        if isinstance(found, errors.CannotUnseal):
            raise found
        return wire.Secret(found, () if found is None else project.masks_of([found]))

    def look(self, project_id: int) -> Seen:
        """The secrets of that project as they are now. What could not be opened is tried again: its key may have come."""
        return self.see(project_id, self._store.secrets.marks(project_id))

    def see(self, project_id: int, marks: Marks) -> Seen:
        """The same by their marks, for who has just asked for these."""
        seen = self._seen.get(project_id, Seen())
        if seen.marks != marks or not seen.whole:
            seen = self._seen[project_id] = self._open(marks, self._store.secrets.of(project_id))
        return seen

    def _open(self, marks: Marks, rows: Iterable[SecretRow]) -> Seen:
        opened = [(row.name, self._opened(row)) for row in rows]
        texts = [value for _, value in opened if isinstance(value, str)]
        return Seen(marks, dict(opened), project.masks_of(texts), len(texts) == len(opened))

    def _opened(self, row: SecretRow) -> str | errors.CannotUnseal:
        try:
            return self._vault.open(row.sealed, row.purpose)
        except errors.CannotUnseal as error:
            return error
        except (errors.BadSetting, OSError) as error:
            return errors.CannotUnseal(purpose=row.purpose, why=f"the keys cannot be read ({error})")
