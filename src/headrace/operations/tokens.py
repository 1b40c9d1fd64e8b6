"""Tokens are made, shown once, listed and revoked; and whoever shows one is told from it."""

from datetime import datetime, timedelta

from headrace import clock, errors, vault
from headrace.app import App
from headrace.model.access import Caller, Role, Token

FIRST = "the administrator's of HEADRACE_BOOTSTRAP_TOKEN"
SHORTEST = 16  # characters of a token that somebody has thought up
LONGEST_NAME = 255


def create(app: App, name: str, role: Role, lifetime: timedelta | None = None) -> tuple[Token, str]:
    """A new token, and what it says, which nobody can be told again. BadTokenTerms."""
    if not name.strip() or len(name) > LONGEST_NAME or "\0" in name:
        raise errors.BadTokenTerms(field="name", given=name, expected=f"1 to {LONGEST_NAME} characters")
    now = clock.now()
    said = vault.new_token()
    return app.store.tokens.create(name.strip(), role, vault.digest(said), now, _end(now, lifetime)), said


def bootstrap(app: App, said: str) -> None:
    """That token is an administrator's from now on, unless it was revoked before. BadTokenTerms for one too short."""
    if len(said) < SHORTEST:
        expected = f"{SHORTEST} characters or more"
        raise errors.BadTokenTerms(field="HEADRACE_BOOTSTRAP_TOKEN", given=f"{len(said)} characters", expected=expected)
    app.store.tokens.ensure(FIRST, Role.OWNER, vault.digest(said), clock.now())


def caller(app: App, said: str) -> Caller | None:
    """Whose token that is, if it lets anybody in. It is looked up by its hash, so that no time tells how much was right."""
    now = clock.now()
    token = app.store.tokens.of(vault.digest(said))
    if token is None or not token.stands(now):
        return None
    app.store.tokens.note_use(token, now)
    return Caller(token.name, token.role, token.id, token.expires_at)


def revoke(app: App, token_id: int) -> Token:
    """It lets nobody in from now on; who is in with it is out within seconds. TokenNotFound."""
    return app.store.tokens.revoke(token_id, clock.now())


def _end(now: datetime, lifetime: timedelta | None) -> datetime | None:
    if lifetime is None:
        return None
    try:
        end = now + lifetime
    except OverflowError:
        end = now
    if end <= now:
        raise errors.BadTokenTerms(field="lifetime", given=str(lifetime), expected="more than nothing, and no eternity")
    return end
