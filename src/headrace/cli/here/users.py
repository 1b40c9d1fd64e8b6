"""Users: who may log in, and what they may do."""

from collections.abc import Collection, Mapping
from typing import Any

from headrace.app import App
from headrace.model.access import Grant, User
from headrace.operations import users


class Users:
    def __init__(self, app: App) -> None:
        self._app = app

    def create(self, username: str, password: str, grants: Collection[Grant], given: Mapping[str, Any]) -> User:
        """Somebody who may log in from now on. BadUser, UserExists."""
        return users.create(self._app, username, password, grants, **given)

    def list(self) -> list[User]:
        return users.all_of(self._app)

    def find(self, named: int | str) -> User:
        """The user of that number, username or email. UserNotFound."""
        return users.get(self._app, named)

    def change(self, user: User, changes: Mapping[str, Any]) -> User:
        """BadUser, UserExists."""
        return users.change(self._app, user.id, changes)

    def delete(self, user: User) -> None:
        users.delete(self._app, user.id)
