"""Tokens: whoever shows one that is known is let in. Only hashes are kept."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from headrace import errors, identity
from headrace.model.access import Role, Token
from headrace.store.database import Database
from headrace.store.script import Statement
from headrace.store.tables import tokens

USED = timedelta(minutes=1)  # how exactly it is known when a token was used last


class Tokens:
    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, name: str, hashed: str, role: Role, at: datetime, expires_at: datetime | None = None) -> Token:
        """A token of that hash is good from now on."""
        given = {"uid": identity.new(), "name": name, "hash": hashed, "role": role}
        row = given | {"created_at": at, "expires_at": expires_at}
        with self._database.write() as connection:
            made = connection.execute(sa.insert(tokens).values(row).returning(*_TOKEN)).mappings().one()
            return _token(made)

    def ensure(self, name: str, hashed: str, role: Role, at: datetime) -> None:
        """A token of that hash is there, whoever made it."""
        with self._database.write() as connection:
            if connection.scalar(sa.select(tokens.c.id).where(tokens.c.hash == hashed)) is None:
                row = {"uid": identity.new(), "name": name, "hash": hashed, "role": role, "created_at": at}
                connection.execute(sa.insert(tokens).values(row))

    def of_hash(self, hashed: str) -> Token | None:
        """The token of that hash, good or not."""
        found = self._database.ask(_OF_HASH, hash=hashed)
        return _token(found[0]) if found else None

    def note_use(self, token: Token, at: datetime) -> None:
        """It was used now; what is known to the minute is not written again."""
        if token.used_at is None or at - token.used_at >= USED:
            with self._database.write() as connection:
                connection.execute(sa.update(tokens).where(tokens.c.id == token.id).values(used_at=at))

    def all(self) -> list[Token]:
        """Every token that was ever made, the first one first."""
        with self._database.read() as connection:
            return [_token(row) for row in connection.execute(sa.select(*_TOKEN).order_by(tokens.c.id)).mappings()]

    def any_good(self, at: datetime) -> bool:
        """Whether anybody could be let in."""
        return any(token.is_good(at) for token in self.all())

    def revoke(self, token_id: int, at: datetime) -> Token:
        """It lets nobody in from now on. TokenNotFound if there is none of that id."""
        revoking = sa.update(tokens).where(tokens.c.id == token_id)
        revoked = revoking.values(revoked_at=sa.func.coalesce(tokens.c.revoked_at, at)).returning(*_TOKEN)
        with self._database.write() as connection:
            row = connection.execute(revoked).mappings().first()
        if row is None:
            raise errors.TokenNotFound(token=token_id)
        return _token(row)


_TOKEN = [tokens.c[name] for name in Token.__dataclass_fields__]
_OF_HASH = Statement(sa.select(*_TOKEN).where(tokens.c.hash == sa.bindparam("hash", type_=tokens.c.hash.type)))


def _token(row: Mapping[Any, Any]) -> Token:
    given: dict[str, Any] = dict(row)
    given["role"] = Role(given["role"])
    return Token(**given)
