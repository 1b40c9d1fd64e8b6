"""Reach: which pipelines somebody sees, and which they may change, whose roles are for pipelines of some tags."""

from collections.abc import Collection
from dataclasses import dataclass

from headrace import errors
from headrace.model import access
from headrace.model.access import Caller, Grant, Role


@dataclass(frozen=True, slots=True)
class Reach:
    """A user sees the pipelines of whose tags a grant has the role `least`, and changes those for which it has `needed`.

    With `sees_all` a role for all pipelines is enough for seeing them, and too low for changing them.
    """

    user_id: int
    sees_all: bool
    needed: Role
    grants: frozenset[Grant]
    least: Role = Role.VIEWER

    def sees(self, tags: Collection[str]) -> bool:
        """Whether a pipeline of these tags is seen."""
        return self.sees_all or self._has(self.least, tags)

    def changes(self, tags: Collection[str]) -> bool:
        """Whether one of these tags may be changed."""
        return self._has(self.needed, tags)

    def _has(self, role: Role, tags: Collection[str]) -> bool:
        return any(grant.tag in tags and grant.role.may(role) for grant in self.grants)


def of(caller: Caller, needed: Role, least: Role = Role.VIEWER) -> Reach | None:
    """The caller's, for a deed that takes the role `needed`, and `least` to see what it is about; None: everything."""
    if caller.user_id is None or (caller.everywhere and caller.everywhere.may(needed)):
        return None
    sees_all = caller.everywhere is not None and caller.everywhere.may(least)
    return Reach(caller.user_id, sees_all, needed, frozenset(caller.grants), least)


def beyond(reach: Reach) -> errors.NotAllowed:
    """What is for those alone whose roles are for all pipelines, or for others."""
    held = access.highest(grant.role for grant in reach.grants) or reach.needed
    return errors.NotAllowed(role=f"{held} of some pipelines", needed=f"{reach.needed} of what it is about")
