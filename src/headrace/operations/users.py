"""Users are made, looked up, changed and deleted."""

import os
import re
from collections.abc import Collection, Mapping
from typing import Any

from headrace import clock, errors, passwords
from headrace.app import App
from headrace.model.access import Grant, Role, User
from headrace.store.users import NewUser, key

LONGEST = 255  # characters of a name
CHANGEABLE = frozenset(("username", "email", "first_name", "last_name", "avatar", "active", "password", "grants"))
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


def create(app: App, username: str, password: str | None = None, grants: Collection[Grant] = (), **given: Any) -> User:
    """Somebody who may log in from now on; `given` are email, first_name, last_name, avatar, active and subject.

    Without a password they come by a provider of identities alone. BadUser, UserExists.
    """
    values = _fitting({"username": username, "email": None, **given})
    _refuse_at(values["username"], values["email"])
    new = NewUser(**values, password=None if password is None else _hashed(password), grants=_fitting_grants(grants))
    return app.store.users.create(new, clock.now())


def get(app: App, user: int | str) -> User:
    """The user of that id, username or email. UserNotFound."""
    return app.store.users.get(user) if isinstance(user, int) else app.store.users.named(user)


def known(app: App, name: str) -> User | None:
    """Who goes by that username or email, if anybody does."""
    try:
        return app.store.users.named(name)
    except errors.UserNotFound:
        return None


def all_of(app: App) -> list[User]:
    """Every user, the oldest first."""
    return app.store.users.list()


def change(app: App, user_id: int, changes: Mapping[str, Any]) -> User:
    """The fields of CHANGEABLE that are given are so from now on. BadUser, UserExists, UserNotFound.

    Whoever has another password, or is not active any more, has to log in again: no token of theirs lets in. Who comes by a
    provider of identities has no password, and is given none.
    """
    user = app.store.users.get(user_id)
    if "password" in changes and app.store.users.subject(user_id) is not None:
        given = "that of one who comes by a provider of identities"
        raise errors.BadUser(field="password", given=given, expected="left to that")
    values = _fitting({name: value for name, value in changes.items() if name not in ("password", "grants")})
    _refuse_at(values.get("username", user.username), values.get("email", user.email))
    if "password" in changes:
        values["password"] = _hashed(changes["password"])
    grants = _fitting_grants(changes["grants"]) if "grants" in changes else None
    return app.store.users.change(user_id, values, clock.now(), grants)


def delete(app: App, user_id: int) -> None:
    """No token of theirs lets anybody in from now on. UserNotFound."""
    if not app.store.users.delete(user_id, clock.now()):
        raise errors.UserNotFound(user=user_id)


def has_password(app: App, user_id: int, password: str) -> bool:
    """Whether it is the user's."""
    return passwords.same(password, app.store.users.password(user_id))


def ensure_owner(app: App) -> User | None:
    """Where nobody may log in yet, the owner whom DEFAULT_OWNER_USERNAME, _EMAIL and _PASSWORD tell of. BadUser."""
    password, email = os.environ.get("DEFAULT_OWNER_PASSWORD"), os.environ.get("DEFAULT_OWNER_EMAIL")
    name = os.environ.get("DEFAULT_OWNER_USERNAME") or email
    if not password or not name or app.store.users.any():
        return None
    return create(app, name, password, [Grant(Role.OWNER)], email=email or None)


def is_email(text: str) -> bool:
    """Whether it has the form of one."""
    return _EMAIL.fullmatch(text) is not None and len(text) <= LONGEST and text.isprintable()


def _fitting(values: dict[str, Any]) -> dict[str, Any]:
    for field, value in values.items():
        if isinstance(value, str):
            values[field] = _text(field, value)
    if values.get("email") is not None and not is_email(values["email"]):
        raise errors.BadUser(field="email", given=repr(values["email"]), expected="of the form name@domain")
    if not values.get("username", "?"):
        raise errors.BadUser(field="username", given="empty", expected=f"1 to {LONGEST} characters")
    return values


def _text(field: str, value: str) -> str:
    if len(value) > LONGEST or not all(each.isprintable() for each in value):
        raise errors.BadUser(field=field, given=f"{value!r:.80}", expected=f"at most {LONGEST} printable characters")
    return value.strip()


def _refuse_at(username: str, email: str | None) -> None:
    """A username that looks like an email is the user's own: else somebody could go by that of another."""
    if "@" in username and key(username) != key(email or ""):
        raise errors.BadUser(field="username", given=repr(username), expected="without @, or the same as the email")


def _hashed(password: str) -> str:
    if not passwords.LEAST <= len(password) <= passwords.MOST:
        expected = f"{passwords.LEAST} to {passwords.MOST} characters long"
        raise errors.BadUser(field="password", given=f"{len(password)} characters long", expected=expected)
    return passwords.digest(password)


def _fitting_grants(grants: Collection[Grant]) -> Collection[Grant]:
    """One role for each tag, and one for all pipelines."""
    tags = [grant.tag for grant in grants]
    for tag in tags:
        if tag is not None and (not tag.strip() or _text("roles", tag) != tag):
            raise errors.BadUser(field="roles", given=f"for the tag {tag!r}", expected="for a tag as pipelines have it")
        if tags.count(tag) > 1:
            expected = "one for each tag, and one for all pipelines"
            raise errors.BadUser(field="roles", given=f"several for {tag or 'all pipelines'}", expected=expected)
    return grants
