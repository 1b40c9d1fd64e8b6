"""Users: who may log in, the hash of what they say then, and the roles that were granted to them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

from headrace import errors, identity
from headrace.model.access import Grant, Role, User
from headrace.store.columns import ID
from headrace.store.database import Database
from headrace.store.script import Statement
from headrace.store.tables import tokens, user_roles, users


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUser:
    """What is needed for a user to exist; `password` is a hash, `subject` who it is to a provider of identities."""

    username: str
    email: str | None = None
    first_name: str = ""
    last_name: str = ""
    avatar: str = ""
    password: str | None = field(default=None, repr=False)
    subject: str | None = None
    active: bool = True
    grants: Collection[Grant] = ()


class Users:
    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, new: NewUser, at: datetime) -> User:
        """UserExists when somebody goes by one of the names."""
        row = {name: getattr(new, name) for name in _GIVEN} | {"uid": identity.new(), "created_at": at}
        row |= _keys({"username": new.username, "email": new.email}) | {"updated_at": at}
        try:
            with self._database.write() as connection:
                _refuse_taken(connection, 0, row)
                made = sa.insert(users).values(row).returning(users.c.id)
                user_id = connection.execute(made).scalar_one()
                _grant(connection, user_id, new.grants)
                return _one(connection, users.c.id == user_id, user_id)
        except exc.IntegrityError as error:  # somebody has just taken it
            raise errors.UserExists(name=new.username) from error

    def get(self, user_id: int) -> User:
        """UserNotFound if there is none of that id."""
        with self._database.read() as connection:
            return _one(connection, users.c.id == user_id, user_id)

    def named(self, name: str) -> User:
        """The user who goes by that username or email, however it is written. UserNotFound."""
        with self._database.read() as connection:
            return _one(connection, _called(name), name)

    def known(self, subject: str) -> User | None:
        """Who that is to a provider of identities."""
        with self._database.read() as connection:
            return next(iter(_those(connection, users.c.subject == subject)), None)

    def subject(self, user_id: int) -> str | None:
        """Who the user is to a provider of identities; None for who has never come by one."""
        with self._database.read() as connection:
            return connection.scalar(sa.select(users.c.subject).where(users.c.id == user_id))

    def list(self) -> "list[User]":
        """All of them, the oldest first."""
        with self._database.read() as connection:
            return _those(connection, sa.true())

    def any(self) -> bool:
        """Whether there is one."""
        with self._database.read() as connection:
            return connection.scalar(sa.select(users.c.id).limit(1)) is not None

    def password(self, user_id: int) -> str | None:
        """The hash of the user's password; None where there is none, or no such user."""
        found = self._database.ask(_PASSWORD, id=user_id)
        return found[0]["password"] if found else None

    def role_of(self, user_id: int) -> "tuple[str, Sequence[Grant]] | None":
        """The name and grants of that user; None for one who is gone or not active."""
        found = self._database.ask(_ROLE, id=user_id)
        if not found:
            return None
        grants = [Grant(Role(row["role"]), row["tag"]) for row in found if row["role"]]
        return found[0]["username"], grants

    def change(
        self, user_id: int, values: Mapping[str, Any], at: datetime, grants: Collection[Grant] | None = None
    ) -> User:
        """Those columns, and the grants if any are given, are so from now on. UserNotFound, UserExists.

        With another password, or none of the tokens of one who is not active any more, lets anybody in.
        """
        row = {**values, **_keys(values), "updated_at": at}
        try:
            with self._database.write() as connection:
                _refuse_taken(connection, user_id, row)
                connection.execute(sa.update(users).where(users.c.id == user_id).values(row))
                changed = _one(connection, users.c.id == user_id, user_id)
                if grants is not None:
                    connection.execute(sa.delete(user_roles).where(user_roles.c.user_id == user_id))
                    _grant(connection, user_id, grants)
                if "password" in values or not changed.active:
                    _revoke_all(connection, user_id, at)
                return _one(connection, users.c.id == user_id, user_id)
        except exc.IntegrityError as error:
            raise errors.UserExists(name=values.get("username") or values.get("email")) from error

    def delete(self, user_id: int, at: datetime) -> bool:
        """The user is gone and comes in no more; whether there was one.

        The row is locked before his tokens end: one that is made meanwhile would be nobody's once it is gone.
        """
        with self._database.write() as connection:
            connection.execute(sa.select(users.c.id).where(users.c.id == user_id).with_for_update())
            _revoke_all(connection, user_id, at)
            return bool(connection.execute(sa.delete(users).where(users.c.id == user_id)).rowcount)

    def rehash(self, user_id: int, was: str, now: str) -> None:
        """The same password, kept in another way."""
        kept = sa.update(users).where(users.c.id == user_id, users.c.password == was)
        with self._database.write() as connection:
            connection.execute(kept.values(password=now))

    def note_login(self, user_id: int, at: datetime) -> None:
        with self._database.write() as connection:
            connection.execute(sa.update(users).where(users.c.id == user_id).values(last_login_at=at))


def key(name: str) -> str:
    """A name as it is looked up: the same however it is written."""
    return name.strip().casefold()


_GIVEN = [name for name in NewUser.__dataclass_fields__ if name != "grants"]
_USER = [users.c[name] for name in User.__dataclass_fields__ if name != "grants"]
_ID = users.c.id == sa.bindparam("id", type_=ID)
_PASSWORD = Statement(sa.select(users.c.password).where(_ID))
_ROLE = Statement(
    sa.select(users.c.username, user_roles.c.role, user_roles.c.tag)
    .select_from(users.outerjoin(user_roles))
    .where(_ID, users.c.active)
)


def _keys(values: Mapping[str, Any]) -> dict[str, str | None]:
    """How those of the names that are given are looked up."""
    given = {name: values[name] for name in ("username", "email") if name in values}
    return {f"{name}_key": key(value) if value else None for name, value in given.items()}


def _called(name: str) -> sa.ColumnElement[bool]:
    return sa.or_(users.c.username_key == key(name), users.c.email_key == key(name))


def _refuse_taken(connection: sa.Connection, user_id: int, row: Mapping[str, Any]) -> None:
    """Nobody's username is another's email, so that each name is one user's. UserExists."""
    for name in ("username", "email"):
        if (given := row.get(name)) and connection.scalar(
            sa.select(users.c.id).where(_called(given), users.c.id != user_id).limit(1)
        ):
            raise errors.UserExists(name=given, parameter=name)


def _grant(connection: sa.Connection, user_id: int, grants: Collection[Grant]) -> None:
    rows = [{"user_id": user_id, "role": grant.role.value, "tag": grant.tag} for grant in grants]
    if rows:
        connection.execute(sa.insert(user_roles), rows)


def _revoke_all(connection: sa.Connection, user_id: int, at: datetime) -> None:
    theirs = sa.update(tokens).where(tokens.c.user_id == user_id, tokens.c.revoked_at.is_(None))
    connection.execute(theirs.values(revoked_at=at))


def _one(connection: sa.Connection, that: sa.ColumnElement[bool], user: int | str) -> User:
    if found := _those(connection, that):
        return found[0]
    raise errors.UserNotFound(user=user)


def _those(connection: sa.Connection, that: sa.ColumnElement[bool]) -> list[User]:
    found = connection.execute(sa.select(*_USER).where(that).order_by(users.c.id)).mappings().all()
    grants: dict[int, list[Grant]] = {}
    query = sa.select(user_roles.c.user_id, user_roles.c.role, user_roles.c.tag).join(users).where(that)
    for user_id, role, tag in connection.execute(query.order_by(user_roles.c.tag.is_not(None), user_roles.c.tag)):
        grants.setdefault(user_id, []).append(Grant(Role(role), tag))
    return [User(**row, grants=tuple(grants.get(row["id"], ()))) for row in found]
