"""The same as `here`, of a server: tokens."""

from collections.abc import Sequence

from headrace.client.front import Client
from headrace.model.access import Role, Token


class Tokens:
    def __init__(self, client: Client) -> None:
        self._client = client

    def create(self, name: str, role: Role, *, days: float | None) -> tuple[Token, str]:
        return self._client.tokens.create(name, role, days=days)

    def list(self) -> Sequence[Token]:
        return self._client.tokens.list()

    def revoke(self, number: int) -> Token:
        return self._client.tokens.revoke(number)
