"""Resources: how what can be asked of one is declared, above the function that answers it.

    runs = Resource("pipeline_run", "pipeline_runs")

    @runs.detail("/pipeline_runs/{run_id}", shape=shapes.Run)
    def show(asked: Asked) -> shapes.Run:
        return shapes.run(operations.runs.show(asked.home, asked.id("run_id")))

What the function returns is put into the envelope of the verb: an object, or `Many` of a list; a Response is sent as it
is. It may be a coroutine; else it runs in a thread, and may block. Errors are raised.
"""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from anyio import to_thread
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from headrace.api import auditing, gate
from headrace.api.mage import asked as asking
from headrace.api.mage import description, envelopes, traversal
from headrace.api.mage import errors as told
from headrace.api.mage.asked import Asked
from headrace.api.mage.envelopes import Many
from headrace.api.mage.verbs import Verb
from headrace.model.access import Role

Function = Callable[[Asked], Any]
Decorator = Callable[[Function], Function]

METHODS = {"list": "GET", "detail": "GET", "create": "POST", "update": "PUT", "delete": "DELETE"}
LEAST = {"list": Role.VIEWER, "detail": Role.VIEWER}  # an editor's are all others


@dataclass(frozen=True)
class Resource:
    """A noun of Mage's, in both numbers; `router` has what was declared of it."""

    singular: str
    plural: str
    router: APIRouter = field(default_factory=APIRouter)

    def list(self, path: str, **given: Any) -> Decorator:
        """The function returns `Many`. `given`: role, query, shape (of one object)."""
        return self._declare("list", path, given)

    def detail(self, path: str, **given: Any) -> Decorator:
        return self._declare("detail", path, given)

    def create(self, path: str, **given: Any) -> Decorator:
        """`given`: role, writes, shape, whole_body, as in those that follow."""
        return self._declare("create", path, given)

    def update(self, path: str, **given: Any) -> Decorator:
        return self._declare("update", path, given)

    def delete(self, path: str, **given: Any) -> Decorator:
        """The function returns the object as it was."""
        return self._declare("delete", path, given)

    def _declare(self, operation: str, path: str, given: Mapping[str, Any]) -> Decorator:
        def declare(function: Function) -> Function:
            summary = (function.__doc__ or f"{operation.capitalize()} {self.plural}").strip().splitlines()[0]
            of: dict[str, Any] = {"role": LEAST.get(operation, Role.EDITOR), "summary": summary, **given}
            verb = Verb(self.plural, self.singular, operation, **of)
            endpoint = cast("Any", _endpoint(self, verb, function))
            endpoint.needs = verb.role
            self.router.add_api_route(
                path,
                endpoint,
                methods=[METHODS[operation]],
                name=f"{self.plural}_{function.__name__}",
                tags=[self.plural],
                response_class=Response,
                **description.of(self.singular, self.plural, path, verb),
            )
            return function

        return declare


def _endpoint(resource: Resource, verb: Verb, function: Function) -> Callable[[Request], Awaitable[Response]]:
    deed = auditing.Deed(verb.resource, verb.operation)

    async def answer(request: Request) -> Response:
        request.state.operation = verb.operation
        try:
            traversal.refuse(request)
            async with auditing.noting(request, deed) as done:
                await gate.enter(request, verb.least(request.app.state.home.settings))
                asked = await asking.read(request, verb.singular)
                verb.refuse_unlisted(asked)
                done.answer = _enveloped(resource, await _call(function, asked))
            return envelopes.marked(done.answer, request) if request.method == "GET" else done.answer
        except Exception as error:
            return await told.of(request, error)

    return answer


async def _call(function: Function, asked: Asked) -> Any:
    if inspect.iscoroutinefunction(function):
        return await function(asked)
    return await to_thread.run_sync(function, asked)


def _enveloped(resource: Resource, found: Any) -> Response:
    match found:
        case Response():
            return found
        case Many():
            return envelopes.many(resource.plural, found)
        case _:
            return envelopes.one(resource.singular, found)
