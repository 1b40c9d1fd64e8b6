"""Proxies: what those that are trusted say of whom they speak for counts, and what anybody else says does not.

`X-Forwarded-For` has the addresses that a request came by, each added by the one that it reached: read from its end, the
first that is none of a trusted proxy is the caller's. Whatever stands before it the caller may have made up.
"""

import ipaddress
import re
from collections.abc import Iterable

from starlette.types import ASGIApp, Receive, Scope, Send

from headrace.settings import Network

_PORT = re.compile(r"\[(?P<six>[0-9a-fA-F:.]+)\](?::\d+)?|(?P<four>[\d.]+):\d+")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Proxies:
    """Has requests that come through one of the networks come from where they began, by the scheme they began with."""

    def __init__(self, inner: ASGIApp, trusted: Iterable[Network]) -> None:
        self._inner = inner
        self._trusted = tuple(trusted)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._inner(self._as_begun(scope) if self._speaks_for_another(scope) else scope, receive, send)

    def _speaks_for_another(self, scope: Scope) -> bool:
        near = scope["client"] if scope["type"] == "http" else None
        return bool(self._trusted and near and self._trusts(_address(near[0])))

    def _as_begun(self, scope: Scope) -> Scope:
        schemes = _words(scope, b"x-forwarded-proto")
        scheme = schemes[-1].lower() if schemes else ""
        begun = {"client": (self._caller(_words(scope, b"x-forwarded-for")) or scope["client"][0], 0)}
        return {**scope, **begun, **({"scheme": scheme} if scheme in ("http", "https") else {})}

    def _caller(self, said: list[str]) -> str | None:
        """The last address that is not trusted; the first of all where all are; None where there is none to be read."""
        found: str | None = None
        for word in reversed(said):
            address = _address(word)
            if address is None:
                return found
            found = str(address)
            if not self._trusts(address):
                return found
        return found

    def _trusts(self, address: Address | None) -> bool:
        return address is not None and any(address in network for network in self._trusted)


def _address(said: str) -> Address | None:
    """With a port or without; one of IPv4 within IPv6 is that of IPv4."""
    port = _PORT.fullmatch(said)
    try:
        found = ipaddress.ip_address(port["six"] or port["four"] if port else said)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def _words(scope: Scope, name: bytes) -> list[str]:
    """What the headers of that name say, in their order."""
    said = b",".join(value for each, value in scope["headers"] if each == name).decode("latin-1")
    return [word.strip() for word in said.split(",") if word.strip()]
