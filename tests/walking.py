"""Walks through every route of an application, as everybody who may come, by the straight way and by crooked ones.

An application says, in a table, which role each route takes; `Walk` has the table, the address under which it is
mounted, and what else is its own. `Walked` are the tests of all of them:

    class TestAccess(Walked):
        walk = Walk("/v1", LEAST)
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

import httpx
import pytest
from tests.api.conftest import Caller, Served

from headrace.model.access import Grant, Role
from headrace.operations import tokens, users

STRANGERS = ("nobody", "a guess", "revoked", "expired", "of nobody active", "of nobody any more", "without a role")
OTHERS = ("owner of another tag",)  # who see nothing of what is there
BODY: dict[str, Any] = {"not": "what is to be given"}
AWAY = 2**62  # an id that nothing has


@dataclass(frozen=True)
class Walk:
    """An application: its address, and the least role for each route; None is everybody, whoever he is."""

    prefix: str
    least: Mapping[str, Role | None]
    description: str = "/openapi.json"  # under that address
    ways: Callable[[str], Iterable[str]] = lambda path: (path,)  # all that lead where the path does
    ids: tuple[str, ...] = ("run_id", "trigger_id", "backfill_id", "token_id", "user_id")
    streams: tuple[str, ...] = ("stream", "changes")  # the last words of routes that are answered for ever
    own_token: tuple[str, ...] = ("/call",)  # how those routes end that a trigger's token lets in, and nobody's else
    of_all: tuple[str, ...] = ()  # routes that are about the whole home, which no role for a tag opens
    of_oneself: tuple[str, ...] = ()  # routes that tell viewers of themselves, and of others administrators alone
    ends: tuple[str, ...] = ()  # routes after which whoever has called them is nobody any more
    methods: tuple[str, ...] = ("HEAD", "OPTIONS", "TRACE", "PROPFIND", "get")  # that no route answers

    def path(self, route: str) -> tuple[str, str]:
        """The method, and a path with ids and names of what is not there."""
        method, path = route.split()
        for name in self.ids:
            path = path.replace(f"{{{name}}}", str(AWAY))
        while "{" in path:
            before, _, rest = path.partition("{")
            path = f"{before}nowhere{rest.partition('}')[2]}"
        return method, self.prefix + path

    def ask(self, caller: Caller, method: str, path: str, headers: Mapping[str, str] | None = None) -> int:
        """The status of the answer."""
        body = None if method in ("GET", "HEAD", "OPTIONS") else BODY
        return caller.request(method, path, headers=headers, json=body).status_code

    def streams_at(self, route: str) -> bool:
        return route.rpartition("/")[2] in self.streams

    def expected(self, route: str, name: str) -> str:
        """Whether that caller is to be `in`, `unknown` or `forbidden`."""
        least = Role.ADMIN if route in self.of_oneself else self.least[route]
        if least is None:
            return "unknown" if route.endswith(self.own_token) else "in"
        if name in STRANGERS:
            return "unknown"
        if name in OTHERS:
            return "forbidden" if least.may(Role.ADMIN) or route in self.of_all else "in"
        role = Role(name.partition(" ")[0])
        return "in" if role.may(least) else "forbidden"


class Walked:
    """Every route of an application × everybody who may come: who is let in is what its table says, and nothing else."""

    walk: ClassVar[Walk]

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """`route` is each of the table, `guarded` each that not everybody may ask for."""
        if "route" in metafunc.fixturenames:
            metafunc.parametrize("route", self.walk.least)
        if "guarded" in metafunc.fixturenames:
            metafunc.parametrize("guarded", [route for route, least in self.walk.least.items() if least])

    @pytest.fixture(scope="class")
    @classmethod
    def everybody(cls, served: Served) -> dict[str, Caller]:
        return callers(served)

    def test_the_table_has_every_route_and_the_description_says_the_same(self, served: Served) -> None:
        told = _described(served, self.walk)
        roles = {route: operation.get("x-role") for route, operation in told.items()}
        assert roles == {route: least and least.value for route, least in self.walk.least.items()}
        opened = {route for route, operation in told.items() if "security" in operation}
        assert opened == {route for route, least in self.walk.least.items() if least is None}

    def test_who_is_let_in(self, served: Served, everybody: dict[str, Caller], route: str) -> None:
        method, path = self.walk.path(route)
        for name, caller in (callers(served) if route in self.walk.ends else everybody).items():
            expected = self.walk.expected(route, name)
            if expected == "in" and self.walk.streams_at(route):
                continue  # its own tests ask who may follow
            for way in self.walk.ways(path):
                status = self.walk.ask(caller, method, way)
                assert verdict(status) == expected, (way, name, status)

    def test_no_crooked_way_lets_anybody_in(self, everybody: dict[str, Caller], guarded: str) -> None:
        """What is not as the straight path is not there, or is refused just so."""
        method, straight = self.walk.path(guarded)
        for path in _crooked(straight):
            for name in self._lacking(guarded):
                status = self.walk.ask(everybody[name], method, path)
                assert status in (400, 401, 403, 404, 405), (name, path, status)

    def test_no_header_is_a_way_in(self, everybody: dict[str, Caller], guarded: str) -> None:
        method, path = self.walk.path(guarded)
        for headers in (*DISGUISES, *TOKENS_OF_NONE):
            status = self.walk.ask(everybody["nobody"], method, path, headers)
            assert status == 401, (headers, status)
        for headers in DISGUISES if "viewer" in self._lacking(guarded) else ():
            status = self.walk.ask(everybody["viewer"], method, path, headers)
            assert status == 403, (headers, status)

    def test_no_other_method_is_a_way_in(self, everybody: dict[str, Caller], guarded: str) -> None:
        _, path = self.walk.path(guarded)
        for method in self.walk.methods:
            status = self.walk.ask(everybody["nobody"], method, path)
            assert status in (401, 404, 405), (method, status)

    def _lacking(self, guarded: str) -> tuple[str, ...]:
        """Some who are not let in there."""
        return ("nobody",) if self.walk.least[guarded] is Role.VIEWER else ("nobody", "viewer")


def _described(served: Served, walk: Walk) -> dict[str, Any]:
    """What the description says of each route."""
    document = served.client(None).get(walk.prefix + walk.description).json()
    return {
        f"{method.upper()} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def callers(served: Served) -> dict[str, Caller]:
    """Callers by what they are, each with a token of the caller's own; those of users begin with what they may."""
    revoked, said = served.token(Role.OWNER)
    tokens.revoke(served.app, revoked)
    _, expiring = served.token(Role.OWNER, timedelta(milliseconds=1))
    inactive, gone = user(served, Grant(Role.OWNER)), user(served, Grant(Role.OWNER))
    callers = {
        "nobody": served.client(None),
        "a guess": served.caller("n" * 43),
        "revoked": served.caller(said),
        "expired": served.caller(expiring),
        "of nobody active": of_user(served, inactive),
        "of nobody any more": of_user(served, gone),
        "without a role": of_user(served, user(served)),
        "owner of another tag": of_user(served, user(served, Grant(Role.OWNER, "of nothing"))),
        "viewer as a token says": of_user(served, user(served, Grant(Role.OWNER)), Role.VIEWER),
        "editor as the user may": of_user(served, user(served, Grant(Role.EDITOR)), Role.OWNER),
        **{role.value: served.caller(served.token(role)[1]) for role in Role},
    }
    users.change(served.app, inactive, {"active": False})
    users.delete(served.app, gone)
    return callers


def user(served: Served, *grants: Grant) -> int:
    return users.create(served.app, served.name("user"), None, grants).id


def of_user(served: Served, user: int, most: Role = Role.OWNER) -> Caller:
    return served.caller(tokens.create(served.app, "walking", most, user_id=user)[1])


def deeds(served: Served, via: str) -> set[tuple[str, str]]:
    """What was audited of late as done through that API, and what it was done to."""
    entries = served.client().get("/v1/audit", params={"limit": 100}).json()["audit"]
    return {(each["deed"], each["object"]) for each in entries if each["via"] == via}


def verdict(status: int) -> str:
    return {401: "unknown", 403: "forbidden"}.get(status, "in")


def _crooked(path: str) -> Iterator[str]:
    """The same path, as those write it who hope that it is looked at in two ways.

    A client takes `//pipelines` for a host, and asks for its front page: that one is left out.
    """
    return (each for each in _written(path) if httpx.URL(each).path not in ("", "/"))


def _written(path: str) -> Iterator[str]:
    head, slash, last = path.rpartition("/")
    prefix, _, rest = path[1:].partition("/")
    yield from (
        f"{path}{end}" for end in (".json", "/", ".", "/.", "%2f", ";x=y", "%00", "%20", "/..;/", "#x", "~", "%3f")
    )
    yield from (f"/{path}", f"{head}/{slash}{last}", f"/{prefix}//{rest}", f"/{prefix}%2f{rest}", f"/{prefix}/./{rest}")
    yield from (f"/{prefix}/..;/{prefix}/{rest}", f"/{prefix}/x/../{rest}", f"/{prefix}/%2e%2e/{prefix}/{rest}")
    yield from (
        f"/{prefix}/health/..;/{rest}",
        f"/{prefix}/{rest.upper()}",
        f"/{prefix.upper()}/{rest}",
        f"{head}\\{last}",
    )


DISGUISES = (  # what a proxy might tell of another request
    {"X-HTTP-Method-Override": "GET"},
    {"X-HTTP-Method": "GET", "X-Method-Override": "GET"},
    {"X-Original-URL": "/v1/health", "X-Rewrite-URL": "/v1/health"},
    {"X-Forwarded-For": "127.0.0.1", "X-Real-IP": "127.0.0.1", "Forwarded": "for=127.0.0.1"},
)
TOKENS_OF_NONE = ({"Authorization": "Basic b3duZXI6b3duZXI="}, {"Authorization": "Bearer null"})
