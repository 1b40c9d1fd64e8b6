"""The same as `here`, of a server: users."""

from collections.abc import Collection, Mapping
from typing import Any

from headrace.client.front import Client
from headrace.model.access import Grant, User


class Users:
    def __init__(self, client: Client) -> None:
        self._client = client

    def create(self, username: str, password: str, grants: Collection[Grant], given: Mapping[str, Any]) -> User:
        return self._client.users.create(username, password, grants, **given)

    def list(self) -> list[User]:
        return self._client.users.list()

    def find(self, named: int | str) -> User:
        return self._client.users.find(named)

    def change(self, user: User, changes: Mapping[str, Any]) -> User:
        return self._client.users.change(user.id, **changes)

    def delete(self, user: User) -> None:
        self._client.users.delete(user.id)
