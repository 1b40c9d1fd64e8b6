"""Tokens are made, shown once, listed and revoked; and whoever shows one is told from it."""

from datetime import datetime, timedelta

from headrace import clock, errors, vault
from headrace.app import App
from headrace.model import access
from headrace.model.access import Caller, Grant, Role, Token

FIRST = "the administrator's of HEADRACE_BOOTSTRAP_TOKEN"
SHORTEST = 16  # characters of a token that somebody has thought up
LONGEST_NAME = 255


def create(
    app: App, name: str, role: Role, lifetime: timedelta | None = None, user_id: int | None = None
) -> tuple[Token, str]:
    """A new token, and what it says, which nobody can be told again. BadTokenTerms, UserNotFound.

    With a user it is that user's: it may what they may, but no more than the role, and ends with them.
    """
    if not name.strip() or len(name) > LONGEST_NAME or "\0" in name:
        raise errors.BadTokenTerms(field="name", given=name, expected=f"1 to {LONGEST_NAME} characters")
    now, said = clock.now(), vault.new_token()
    end = _end(now, lifetime)
    return app.store.tokens.create(name.strip(), role, vault.digest(said), now, end, user_id=user_id), said


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
    known = _whole(token) if token.user_id is None else _user_s(app, token, token.user_id)
    if known:
        app.store.tokens.note_use(token, now)
    return known


def _whole(token: Token) -> Caller:
    """Of a token that is nobody's own: its role is for all pipelines."""
    return Caller(token.name, token.role, token.id, token.expires_at, token.role)


def _user_s(app: App, token: Token, user_id: int) -> Caller | None:
    """What the user may now, as far as the token's role goes."""
    found = app.store.users.role_of(user_id)
    if found is None:
        return None
    name, granted = found
    grants = [Grant(access.lower(grant.role, token.role), grant.tag) for grant in granted]
    role = access.highest(grant.role for grant in grants)
    if role is None:
        return None
    everywhere = access.highest(grant.role for grant in grants if grant.tag is None)
    tagged = tuple(grant for grant in grants if grant.tag is not None)
    return Caller(name, role, token.id, token.expires_at, everywhere, user_id, tagged)


def highest(app: App, token: Token) -> Role:
    """The highest role with which it lets anybody in: of a user's, the user's, as far as its own goes. UserNotFound."""
    if token.user_id is None:
        return token.role
    return access.lower(token.role, app.store.users.get(token.user_id).role or Role.VIEWER)


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
