"""Access: who calls, and what somebody of each role may do. A role may what those before it may."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Role(StrEnum):
    """The words of the Mage format."""

    VIEWER = "viewer"  # looks at everything but secrets and tokens
    EDITOR = "editor"  # and begins, cancels and retries runs; defines triggers and backfills
    ADMIN = "admin"  # and keeps secrets and tokens, and looks after engines
    OWNER = "owner"

    def may(self, needed: "Role") -> bool:
        return _RANKS[self] >= _RANKS[needed]


_RANKS = {role: rank for rank, role in enumerate(Role)}


@dataclass(frozen=True, slots=True)
class Token:
    """What lets a program or a browser in. What it says is known to its holder alone; here is its hash."""

    id: int
    uid: str
    name: str
    role: Role
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    used_at: datetime | None = None  # to the minute

    def stands(self, at: datetime) -> bool:
        """Whether it lets anybody in."""
        return self.revoked_at is None and (self.expires_at is None or at < self.expires_at)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, as his token tells."""

    name: str
    role: Role
    token_id: int
    expires_at: datetime | None = None
