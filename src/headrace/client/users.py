"""Users: who may log in, and what they may do."""

from collections.abc import Collection
from typing import Any

from headrace import errors
from headrace.client.connection import Connection
from headrace.client.decoding import value
from headrace.model.access import Grant, User


class Users:
    def __init__(self, connection: Connection) -> None:
        self._server = connection

    def create(self, username: str, password: str, grants: Collection[Grant] = (), **given: Any) -> User:
        """Somebody who may log in from now on; `given` are email, first_name, last_name, avatar and active.

        BadUser, UserExists.
        """
        body = {"username": username, "password": password, "roles": _roles(grants), **given}
        return _user(self._server.do("POST", "/users", body))

    def list(self) -> "list[User]":
        """The oldest first."""
        return [_user(each) for each in self._server.read("/users")["users"]]

    def find(self, named: int | str) -> User:
        """The user of that number, username or email, however that is written. UserNotFound."""
        if isinstance(named, int):
            return _user(self._server.read(f"/users/{named}"))
        wanted = named.strip().casefold()
        for user in self.list():
            if wanted in (user.username.casefold(), (user.email or "").casefold()):
                return user
        raise errors.UserNotFound(user=named)

    def change(self, user_id: int, **changes: Any) -> User:
        """The fields that are given are so from now on: those of `create`, and `grants`. BadUser, UserNotFound."""
        body = {("roles" if name == "grants" else name): each for name, each in changes.items()}
        if "grants" in changes:
            body["roles"] = _roles(changes["grants"])
        return _user(self._server.do("PATCH", f"/users/{user_id}", body))

    def delete(self, user_id: int) -> None:
        """No token of theirs lets anybody in from now on. UserNotFound."""
        self._server.do("DELETE", f"/users/{user_id}")


def _roles(grants: Collection[Grant]) -> list[dict[str, Any]]:
    return [{"role": each.role.value, "tag": each.tag} for each in grants]


def _user(told: Any) -> User:
    return value({**told, "grants": told["roles"]}, User)
