"""Access: who may do what. A role may whatever the roles before it may."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Role(StrEnum):
    VIEWER = "viewer"  # looks at everything but what is secret
    EDITOR = "editor"  # begins, cancels and retries runs; writes triggers and backfills
    ADMIN = "admin"  # looks after projects, secrets and tokens
    OWNER = "owner"  # makes other owners

    def may(self, needed: "Role") -> bool:
        """Whether it is that role, or one above it."""
        roles = list(Role)
        return roles.index(self) >= roles.index(needed)


@dataclass(frozen=True, slots=True)
class Token:
    """What a program or a person shows to be let in. The text itself is shown once, and not kept."""

    id: int
    uid: str
    name: str
    role: Role
    created_at: datetime
    expires_at: datetime | None
    used_at: datetime | None
    revoked_at: datetime | None

    def is_good(self, at: datetime) -> bool:
        """Whether it lets anybody in at that moment."""
        return self.revoked_at is None and (self.expires_at is None or at < self.expires_at)
