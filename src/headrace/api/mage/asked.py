"""Asked: what a request asks for, as the function that answers it reads it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

from starlette.requests import Request

from headrace import errors
from headrace.api import bodies
from headrace.api.feed import Feed
from headrace.api.mage.queries import GREATEST, Query
from headrace.app import App
from headrace.model.access import Caller, Role
from headrace.operations import projects
from headrace.store.projects import ProjectRow


@dataclass(frozen=True)
class Asked:
    """`body` is the whole JSON of the request, None where there is none; `given` the fields of the object in it."""

    request: Request
    home: App  # as far as who calls reaches
    query: Query
    body: Any
    singular: str

    @cached_property
    def project(self) -> ProjectRow:
        """The one in the address, else the first. ProjectUnknown."""
        return projects.first(self.home, self.request.path_params.get("project"))

    @property
    def caller(self) -> Caller | None:
        """None on routes that are open to all."""
        return getattr(self.request.state, "caller", None)

    @property
    def owns(self) -> bool:
        """Whether who calls is an owner, who may ask and write what others may not."""
        return self.caller is not None and self.caller.everywhere is Role.OWNER

    def may(self, role: Role) -> bool:
        """Whether who calls has the role, and for all pipelines."""
        return self.caller is not None and self.caller.everywhere is not None and self.caller.everywhere.may(role)

    @property
    def feed(self) -> Feed:
        return self.request.app.state.feed

    @property
    def given(self) -> Mapping[str, Any]:
        """BadBody where the body has no such object."""
        whole = _object(self.body)
        found = None if whole is None else _object(whole.get(self.singular))
        if found is None:
            expected = f'a JSON object of the form {{"{self.singular}": {{…}}}}'
            raise errors.BadBody(field="the whole", given="something else", expected=expected)
        return found

    @property
    def payload(self) -> Mapping[str, Any] | None:
        """The whole body, which is to be an object if there is one. BadBody."""
        found = _object(self.body)
        if found is None and self.body is not None:
            raise errors.BadBody(field="the whole", given="something else", expected="a JSON object")
        return found

    def path(self, name: str) -> str:
        """That part of the address."""
        return str(self.request.path_params[name])

    def id(self, name: str) -> int:
        """That part of the address, an id. NoSuchRecord for what is none."""
        said = self.path(name)
        if not (said.isascii() and said.isdigit() and len(said) <= 19 and int(said) <= GREATEST):
            raise errors.NoSuchRecord(noun=name.removesuffix("_id"), id=f"{said:.80}")
        return int(said)


async def read(request: Request, singular: str) -> Asked:
    """What the request asks for. BadBody, TooLarge."""
    bodies.refuse_large(request)
    whole = await request.body() if request.method in ("POST", "PUT") else b""
    body = bodies.read(whole) if whole.strip() else None
    return Asked(request, request.state.home, Query(request.query_params.multi_items()), body, singular)


def _object(value: Any) -> Mapping[str, Any] | None:
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else None
