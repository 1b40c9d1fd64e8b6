"""Tokens of those who are let in: made, looked up by their hash, revoked."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

from headrace import errors, identity
from headrace.model.access import Role, Token, TokenKind
from headrace.store.database import Database
from headrace.store.script import Statement
from headrace.store.tables import tokens

NOTED = timedelta(minutes=1)  # a use is written down again only after so long


class Tokens:
    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self,
        name: str,
        role: Role,
        digest: str,
        at: datetime,
        expires_at: datetime | None = None,
        *,
        kind: TokenKind = TokenKind.API,
        user_id: int | None = None,
    ) -> Token:
        """The token of which `digest` is the hash. UserNotFound when its user has just gone."""
        row = {"uid": identity.new(), "name": name, "role": role.value, "hash": digest, "created_at": at}
        row |= {"expires_at": expires_at, "kind": kind.value, "user_id": user_id}
        try:
            with self._database.write() as connection:
                token_id = connection.scalar(sa.insert(tokens).values(row).returning(tokens.c.id))
        except exc.IntegrityError as error:
            raise errors.UserNotFound(user=user_id) from error
        return self.get(token_id or 0)

    def ensure(self, name: str, role: Role, digest: str, at: datetime) -> None:
        """A token of that hash is there, and stands. One that was revoked stays so."""
        with self._database.write() as connection:
            if connection.scalar(sa.select(tokens.c.id).where(tokens.c.hash == digest)) is None:
                row = {"uid": identity.new(), "name": name, "role": role.value, "hash": digest, "created_at": at}
                connection.execute(sa.insert(tokens).values(row))

    def get(self, token_id: int) -> Token:
        """TokenNotFound if there is none of that id."""
        with self._database.read() as connection:
            found = connection.execute(sa.select(*_TOKEN).where(tokens.c.id == token_id)).mappings().first()
        if not found:
            raise errors.TokenNotFound(token=token_id)
        return _token(found)

    def of(self, digest: str) -> Token | None:
        """The token of that hash."""
        found = self._database.ask(_BY_HASH, hash=digest)
        return _token(found[0]) if found else None

    def list(self, user_id: int | None = None) -> "list[Token]":
        """All of them, or all of a user, the oldest first, with those that let nobody in any more."""
        query = sa.select(*_TOKEN).order_by(tokens.c.id)
        if user_id is not None:
            query = query.where(tokens.c.user_id == user_id)
        with self._database.read() as connection:
            return [_token(row) for row in connection.execute(query).mappings()]

    def any_stands(self, at: datetime) -> bool:
        """Whether there is one that lets somebody in, and does not end by itself within minutes."""
        stands = sa.select(tokens.c.id).where(tokens.c.revoked_at.is_(None))
        lasting = sa.or_(tokens.c.expires_at.is_(None), tokens.c.expires_at > at)
        with self._database.read() as connection:
            return connection.scalar(stands.where(lasting).limit(1)) is not None

    def note_use(self, token: Token, at: datetime) -> None:
        """It was used; to the minute, so that a busy caller costs no writes."""
        if token.used_at is None or at - token.used_at >= NOTED:
            with self._database.write() as connection:
                connection.execute(sa.update(tokens).where(tokens.c.id == token.id).values(used_at=at))

    def revoke(self, token_id: int, at: datetime) -> Token:
        """It lets nobody in from now on. TokenNotFound."""
        asked = sa.update(tokens).where(tokens.c.id == token_id, tokens.c.revoked_at.is_(None))
        with self._database.write() as connection:
            connection.execute(asked.values(revoked_at=at))
        return self.get(token_id)


_TOKEN = [tokens.c[name] for name in Token.__dataclass_fields__]
_BY_HASH = Statement(sa.select(*_TOKEN).where(tokens.c.hash == sa.bindparam("hash", type_=tokens.c.hash.type)))


def _token(row: Mapping[Any, Any]) -> Token:
    given: dict[str, Any] = {name: row[name] for name in Token.__dataclass_fields__}
    given |= {"role": Role(row["role"]), "kind": TokenKind(row["kind"])}
    return Token(**given)
