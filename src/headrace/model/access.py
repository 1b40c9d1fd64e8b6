"""Access: who calls, and what somebody of each role may do. A role may what those before it may."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Role(StrEnum):
    """The words of the Mage format."""

    VIEWER = "viewer"  # looks at everything but secrets and tokens
    EDITOR = "editor"  # and begins, cancels and retries runs; defines triggers and backfills
    ADMIN = "admin"  # and keeps secrets and tokens, and looks after engines
    OWNER = "owner"  # and keeps users

    def may(self, needed: "Role") -> bool:
        return _RANKS[self] >= _RANKS[needed]


_RANKS = {role: rank for rank, role in enumerate(Role)}


@dataclass(frozen=True, slots=True)
class Grant:
    """A role, for the pipelines that carry the tag; without one, for all of them."""

    role: Role
    tag: str | None = None


class TokenKind(StrEnum):
    API = "api"  # of a program
    SESSION = "session"  # of a program that somebody has logged in with
    BROWSER = "browser"  # in the cookie of a browser


@dataclass(frozen=True, slots=True)
class Token:
    """What lets a program or a browser in. What it says is known to its holder alone; here is its hash."""

    id: int
    uid: str
    name: str
    role: Role  # of a user's token: the most it may, whatever the user may
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    used_at: datetime | None = None  # to the minute
    kind: TokenKind = TokenKind.API
    user_id: int | None = None  # whose it is

    def stands(self, at: datetime) -> bool:
        """Whether it lets anybody in."""
        return self.revoked_at is None and (self.expires_at is None or at < self.expires_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Somebody who may log in, by username or email, and the roles that were granted to them."""

    id: int
    uid: str
    username: str
    email: str | None
    first_name: str
    last_name: str
    avatar: str
    active: bool
    grants: tuple[Grant, ...]
    created_at: datetime
    updated_at: datetime
    last_login_at: datetime | None

    @property
    def everywhere(self) -> Role | None:
        """The role for all pipelines."""
        return highest(grant.role for grant in self.grants if grant.tag is None)

    @property
    def role(self) -> Role | None:
        """The highest role anywhere."""
        return highest(grant.role for grant in self.grants)

    @property
    def owner(self) -> bool:
        return self.everywhere is Role.OWNER


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, as the token tells."""

    name: str
    role: Role  # the highest that the caller has for any pipeline
    token_id: int
    expires_at: datetime | None = None
    everywhere: Role | None = None  # the role for all pipelines
    user_id: int | None = None
    grants: tuple[Grant, ...] = ()  # those for pipelines of a tag


def highest(roles: Iterable[Role]) -> Role | None:
    """None of none."""
    return max(roles, key=list(Role).index, default=None)


def lower(one: Role, other: Role) -> Role:
    """The lower of both."""
    return one if other.may(one) else other
