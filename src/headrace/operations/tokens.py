"""Tokens are made, listed and revoked; whoever shows one is told what it lets him do."""

import secrets
from dataclasses import dataclass
from datetime import timedelta

from headrace import clock, errors, vault
from headrace.app import App
from headrace.model.access import Role, Token

PREFIX = "hr_"  # by which a token that was left lying about is known for what it is
BOOTSTRAP = "bootstrap"
SESSION = timedelta(hours=12)  # that a browser stays let in
SHORTEST = 32  # characters of a token that is given, not made


@dataclass(frozen=True, slots=True)
class Made:
    """A new token, and its text, which is not kept and cannot be shown again."""

    token: Token
    text: str


def create(app: App, name: str, role: Role = Role.EDITOR, *, lasts: timedelta | None = None) -> Made:
    """A token of that role, good for that long, or until it is revoked."""
    if not name.strip() or not name.isprintable():
        raise errors.BadTokenName(given=name)
    at, text = clock.now(), f"{PREFIX}{secrets.token_urlsafe(32)}"
    return Made(app.store.tokens.create(name, vault.digest(text), role, at, at + lasts if lasts else None), text)


def bootstrap(app: App, text: str) -> None:
    """The token that automation brings along is an administrator's, from the first start on."""
    if len(text) < SHORTEST:
        expected = f"{SHORTEST} characters or more, which nobody can guess"
        raise errors.BadSetting(
            name="bootstrap_token", source="HEADRACE_BOOTSTRAP_TOKEN", given="shorter", expected=expected
        )
    app.store.tokens.ensure(BOOTSTRAP, vault.digest(text), Role.ADMIN, clock.now())


def admit(app: App, text: str) -> Token | None:
    """The token of that text, if it is good; its use is noted."""
    at, token = clock.now(), app.store.tokens.of_hash(vault.digest(text))
    if token is None or not token.is_good(at):
        return None
    app.store.tokens.note_use(token, at)
    return token


def latest(app: App) -> list[Token]:
    """Every token, the first one first."""
    return app.store.tokens.all()


def revoke(app: App, token_id: int) -> Token:
    """It lets nobody in from now on; TokenNotFound if there is none of that id."""
    return app.store.tokens.revoke(token_id, clock.now())
