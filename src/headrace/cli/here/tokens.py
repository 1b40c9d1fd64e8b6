"""Tokens: what lets programs in."""

from collections.abc import Sequence
from datetime import timedelta

from headrace.app import App
from headrace.model.access import Role, Token
from headrace.operations import tokens


class Tokens:
    def __init__(self, app: App) -> None:
        self._app = app

    def create(self, name: str, role: Role, *, days: float | None) -> tuple[Token, str]:
        """A new token and what it says; it stands for so many days, or for ever. BadTokenTerms."""
        lifetime = None if days is None else timedelta(days=days)
        return tokens.create(self._app, name, role, lifetime)

    def list(self) -> Sequence[Token]:
        return self._app.store.tokens.list()

    def revoke(self, number: int) -> Token:
        """It lets nobody in from now on. TokenNotFound."""
        return tokens.revoke(self._app, number)
