"""Sessions: somebody logs in, and is known by a token from then on, until it ends or they log out."""

import math
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from headrace import clock, errors, passwords, vault
from headrace.app import App
from headrace.model.access import Role, Token, TokenKind, User
from headrace.operations import tokens, users
from headrace.store.users import key

Kind = Literal[TokenKind.SESSION, TokenKind.BROWSER]
LASTS = {TokenKind.SESSION: timedelta(days=30), TokenKind.BROWSER: timedelta(hours=12)}


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is in, and the token they show; what it says is told this once."""

    token: Token
    said: str = field(repr=False)
    user: User


def login(app: App, name: str, password: str, where: str, kind: Kind = TokenKind.SESSION) -> Session:
    """Lets in who goes by that name and has that password; `where` is the address that it comes from.

    LoginRefused, which takes as long for a name that nobody has as for a wrong password; TooManyLogins once too many
    have failed, for the name or from the address. It blocks for as long as a password takes to try.
    """
    subjects, at = (f"name {key(name)[: users.LONGEST]}", f"address {where}"), clock.monotonic()
    _begin_try(app, subjects, at)
    user = users.known(app, name)
    kept = app.store.users.password(user.id) if user else None
    right = passwords.same(password[: passwords.MOST + 1], kept)
    if not right or user is None or kept is None or not _may_enter(user):
        raise errors.LoginRefused
    app.failures.forgive(subjects, at)
    if passwords.is_dated(kept):
        app.store.users.rehash(user.id, kept, passwords.digest(password))
    return begin(app, user, kind)


def is_confirmed(app: App, user_id: int, password: str) -> bool:
    """Whether who is in as that user has said their password, too. TooManyLogins once too many were wrong.

    Those tries are counted on their own: whoever has a token of somebody does not keep them from logging in.
    """
    subjects, at = (f"user {user_id}",), clock.monotonic()
    _begin_try(app, subjects, at)
    if right := users.has_password(app, user_id, password):
        app.failures.forgive(subjects, at)
    return right


def begin(app: App, user: User, kind: Kind = TokenKind.SESSION) -> Session:
    """A session of a user who has shown who they are in another way. LoginRefused for one who may not come in."""
    if not _may_enter(user):
        raise errors.LoginRefused
    now, said = clock.now(), vault.new_token()
    token = app.store.tokens.create(
        user.username, Role.OWNER, vault.digest(said), now, now + LASTS[kind], kind=kind, user_id=user.id
    )
    app.store.users.note_login(user.id, now)
    return Session(token, said, app.store.users.get(user.id))


def logout(app: App, token_id: int) -> Token:
    """The token lets nobody in any more. TokenNotFound."""
    return tokens.revoke(app, token_id)


def _begin_try(app: App, subjects: Collection[str], at: float) -> None:
    if wait := app.failures.begin(subjects, at):
        raise errors.TooManyLogins(seconds=math.ceil(wait))


def _may_enter(user: User) -> bool:
    return user.active and user.role is not None
