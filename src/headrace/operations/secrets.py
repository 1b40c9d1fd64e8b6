"""Secrets: set, listed and deleted by people, read by blocks alone. Here a value goes in, and none comes out."""

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from headrace import clock, errors, vault
from headrace.app import App
from headrace.operations import projects
from headrace.store import secrets as rows
from headrace.store.projects import ProjectRow
from headrace.store.secrets import SecretRow
from headrace.vault import Vault

LARGEST = 64 * 2**10  # bytes of a value
_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")


@dataclass(frozen=True, slots=True)
class Secret:
    """What may be known of a secret. One without a `project` is there for all of them.

    `key` is the name of the key that it is sealed with; one that does not open cannot be read by blocks either.
    """

    id: int
    name: str
    project: str | None
    created_at: datetime
    updated_at: datetime
    key: str
    opens: bool


def listed(app: App, project: ProjectRow | None = None) -> list[Secret]:
    """Every secret, or a project's own, by name."""
    return [_seen(row, app.vault) for row in app.store.secrets.all(project.id if project else None)]


def readable(app: App, project: ProjectRow) -> list[Secret]:
    """Those that blocks of the project read, by name: of two of one name, its own."""
    found = {row.name: _seen(row, app.vault) for row in app.store.secrets.of(project.id)}
    return [found[name] for name in sorted(found)]


def create(app: App, name: str, value: str, project: ProjectRow) -> Secret:
    """A new one of the project. SecretExists when it has one of that name, and what `set` raises."""
    if any(each.name == name for each in listed(app, project)):
        raise errors.SecretExists(name=name, project=project.name)
    set(app, name, value, project)
    return next(each for each in listed(app, project) if each.name == name)


def remove(app: App, name: str, project: ProjectRow) -> Secret:
    """Deletes the one of that name that the project's blocks read, and says what it was. SecretNotFound."""
    for each in readable(app, project):
        if each.name == name:
            delete(app, name, project if each.project else None)
            return each
    raise errors.SecretNotFound(name=name, scope=f"the project {project.name}")


def set(app: App, name: str, value: str, project: ProjectRow | None = None) -> bool:
    """That is the secret's value from now on, of the project or of all of them; whether there was none of this name.

    Raises BadSecret, which does not repeat the value.
    """
    _check(name, value)
    keys, purpose = app.vault, rows.purpose(project.uid if project else None, name)
    sealed = keys.seal(value, purpose)
    is_new = app.store.secrets.set(project.id if project else None, name, sealed, clock.now())
    if vault.key_of(sealed) not in keys.names:  # it was dropped meanwhile, by who did not see this row
        app.store.secrets.set(project.id if project else None, name, keys.seal(value, purpose), clock.now())
    return is_new


def delete(app: App, name: str, project: ProjectRow | None = None) -> None:
    """Blocks that begin to read it from now on find none. SecretNotFound; one of all projects is none of the project's."""
    if not app.store.secrets.delete(project.id if project else None, name):
        scope = f"the project {project.name}" if project else "all projects"
        raise errors.SecretNotFound(name=name, scope=scope)


def scope(app: App, named: str | None) -> ProjectRow | None:
    """The project in that folder, or else the known one of that name; None for none, which is all projects.

    A folder is known from now on. Raises ProjectUnknown, and what `projects.register` raises.
    """
    if named is None:
        return None
    folder = Path(named).expanduser()
    return projects.register(app, folder) if folder.is_dir() else projects.named(app, named)


def _seen(row: SecretRow, keys: Vault) -> Secret:
    return Secret(
        row.id, row.name, row.project, row.created_at, row.updated_at, vault.key_of(row.sealed), _opens(row, keys)
    )


def _opens(row: SecretRow, keys: Vault) -> bool:
    try:
        keys.open(row.sealed, row.purpose)
    except errors.CannotUnseal:
        return False
    return True


def _check(name: str, value: str) -> None:
    if not _NAME.fullmatch(name):
        expected = "1 to 255 letters, digits, _ or -"
        raise errors.BadSecret(field="name", given=f"{name!r:.100}", expected=expected)
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        raise errors.BadSecret(field="value", given="no text that UTF-8 has", expected="text") from None
    if not 0 < size <= LARGEST:
        raise errors.BadSecret(field="value", given=f"of {size} bytes", expected=f"of 1 to {LARGEST} bytes")
    if "\0" in value:
        raise errors.BadSecret(field="value", given="with a NUL in it", expected="text without")
