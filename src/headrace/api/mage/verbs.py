"""Verbs: what can be asked of a resource at one address, and who may ask it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from headrace import errors
from headrace.api.mage.asked import Asked
from headrace.model.access import Role
from headrace.settings import Settings


@dataclass(frozen=True, slots=True)
class Verb:
    """What is asked of a resource at an address: by whom it may be, and what others than owners may say with it."""

    resource: str
    singular: str
    operation: str
    role: Role | None  # None: whoever calls
    query: Sequence[str] = ()  # filters, besides those that begin with `_`
    writes: Sequence[str] | None = None  # fields of the body; None: any
    shape: Any = dict[str, Any]
    summary: str = ""
    whole_body: bool = False  # what is sent has no envelope, and what is answered no metadata
    opened_by: str | None = None  # the setting under which whoever calls is let in

    def least(self, settings: Settings) -> Role | None:
        """The role that a caller is to have, as the server is set."""
        return None if self.opened_by and getattr(settings, self.opened_by) else self.role

    def refuse_unlisted(self, asked: Asked) -> None:
        """QueryNotPermitted, WriteNotPermitted: whoever is no owner says what is listed, and nothing else."""
        if self.role is None or asked.owns:
            return
        if found := asked.query.unlisted(self.query):
            name, value = found
            raise errors.QueryNotPermitted(name=name, value=value, operation=self.operation, resource=self.resource)
        if self.writes is not None:
            for name in asked.given:
                if name not in self.writes:
                    raise errors.WriteNotPermitted(field=name, operation=self.operation, resource=self.resource)
