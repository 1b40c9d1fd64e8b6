"""The Host header: a browser that was led here under another name is turned away, whatever it asks."""

import ipaddress
import re
import socket
from collections.abc import Collection

from starlette.types import ASGIApp, Receive, Scope, Send

from headrace import errors
from headrace.api.bounds import Refusing

_NAMED = re.compile(r"(?:\[(?P<address>[0-9a-f:.]+)\]|(?P<name>[^:\[\]/@]+))(?::\d{1,5})?")


class Hosts:
    """Answers requests to the names given alone; any literal address is a name of this machine when `literal`."""

    def __init__(self, inner: ASGIApp, names: Collection[str], refusing: Refusing, *, literal: bool) -> None:
        self._inner = inner
        self._refusing = refusing
        self._names = frozenset(name.lower() for name in names)
        self._literal = literal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket") and not self._known(_host(scope)):
            await self._refusing(errors.HostUnknown())(scope, receive, send)
        else:
            await self._inner(scope, receive, send)

    def _known(self, host: str) -> bool:
        return host in self._names or (self._literal and _is_address(host))


def names_of(host: str) -> set[str]:
    """By which names a server that listens there may be called."""
    own = {socket.gethostname(), socket.getfqdn()} if not is_loopback(host) else set[str]()
    return {"localhost", "127.0.0.1", "::1", host, *own}


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches it."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _host(scope: Scope) -> str:
    """The name in the Host header, without its port; empty when there is none, or several, or none that is well formed."""
    given = [value for name, value in scope["headers"] if name == b"host"]
    found = _NAMED.fullmatch(given[0].decode("latin-1").lower()) if len(given) == 1 else None
    return (found["address"] or found["name"]) if found else ""


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
