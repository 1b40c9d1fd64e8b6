"""Tokens: what lets programs in."""

from headrace.client.connection import Connection
from headrace.client.decoding import value
from headrace.model.access import Role, Token


class Tokens:
    def __init__(self, connection: Connection) -> None:
        self._server = connection

    def create(self, name: str, role: Role | str, *, days: float | None = None) -> tuple[Token, str]:
        """A new token and what it says, which is told this once; it stands for so many days, or for ever. BadTokenTerms."""
        body = {"name": name, "role": role, **({"days": days} if days is not None else {})}
        made = self._server.do("POST", "/tokens", body)
        return value(made, Token), made["token"]

    def list(self) -> tuple[Token, ...]:
        return value(self._server.read("/tokens")["tokens"], tuple[Token, ...])

    def revoke(self, token: int) -> Token:
        """It lets nobody in from now on. TokenNotFound."""
        return value(self._server.do("DELETE", f"/tokens/{token}"), Token)
