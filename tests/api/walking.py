"""Walks through every route of an application, as everybody who may come, by the straight way and by crooked ones.

An application says, in a table, which role each route takes; `Walk` has the table, the address under which it is
mounted, and how the true status of an answer is read. Another dialect makes a Walk of its own, and is walked the same way.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
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
    status: Callable[[httpx.Response], int] = lambda answer: answer.status_code
    ids: tuple[str, ...] = ("run_id", "trigger_id", "backfill_id", "token_id", "user_id")
    streams: tuple[str, ...] = ("stream", "changes")  # the last words of routes that are answered for ever
    own_token: tuple[str, ...] = ("/call",)  # how those routes end that a trigger's token lets in, and nobody's else
    of_all: tuple[str, ...] = ()  # routes that are about the whole home, which no role for a tag opens
    query: str = ""  # that is sent with each request
    extra: Mapping[str, str] = field(default_factory=dict[str, str])  # headers, as clients of this dialect send them

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
        """The true status of the answer."""
        body = None if method in ("GET", "HEAD", "OPTIONS") else BODY
        answer = caller.request(method, path + self.query, headers={**self.extra, **(headers or {})}, json=body)
        return self.status(answer)

    def streams_at(self, route: str) -> bool:
        return route.rpartition("/")[2] in self.streams

    def expected(self, route: str, name: str) -> str:
        """Whether that caller is to be `in`, `unknown` or `forbidden`."""
        least = self.least[route]
        if least is None:
            return "unknown" if route.endswith(self.own_token) else "in"
        if name in STRANGERS:
            return "unknown"
        if name in OTHERS:
            return "forbidden" if least.may(Role.ADMIN) or route in self.of_all else "in"
        role = Role(name.partition(" ")[0])
        return "in" if role.may(least) else "forbidden"


def everybody(served: Served) -> dict[str, Caller]:
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


def verdict(status: int) -> str:
    return {401: "unknown", 403: "forbidden"}.get(status, "in")


def crooked(path: str) -> Iterator[str]:
    """The same path, as those write it who hope that it is looked at in two ways."""
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


OVERRIDES = (
    {"X-HTTP-Method-Override": "GET"},
    {"X-HTTP-Method": "GET", "X-Method-Override": "GET"},
    {"X-Original-URL": "/v1/health", "X-Rewrite-URL": "/v1/health"},
    {"X-Forwarded-For": "127.0.0.1", "X-Real-IP": "127.0.0.1", "Forwarded": "for=127.0.0.1"},
    {"Authorization": "Basic b3duZXI6b3duZXI="},
    {"Authorization": "Bearer null"},
)
