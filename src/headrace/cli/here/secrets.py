"""Secrets: set, listed and deleted. A project is named by its folder, too, where a server knows names alone."""

from headrace.app import App
from headrace.operations import secrets
from headrace.operations.secrets import Secret


class Secrets:
    def __init__(self, app: App) -> None:
        self._app = app

    def list(self, project: str | None) -> list[Secret]:
        """All, or a project's own. ProjectUnknown."""
        return secrets.listed(self._app, secrets.scope(self._app, project))

    def set(self, name: str, value: str, project: str | None) -> str | None:
        """The project's name, None for all of them. BadSecret, ProjectUnknown."""
        of = secrets.scope(self._app, project)
        secrets.set(self._app, name, value, of)
        return of.name if of else None

    def delete(self, name: str, project: str | None) -> str | None:
        """As `set`; SecretNotFound."""
        of = secrets.scope(self._app, project)
        secrets.delete(self._app, name, of)
        return of.name if of else None
