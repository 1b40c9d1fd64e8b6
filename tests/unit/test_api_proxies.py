"""What proxies say of whom they speak for counts when they are trusted, and only as far as they know it."""

import asyncio
import ipaddress
from typing import Any

import pytest

from headrace.api.proxies import Proxies

TRUSTED = [ipaddress.ip_network(each) for each in ("10.0.0.0/8", "fd00::1")]


def came(by: str | None, *headers: tuple[str, str]) -> tuple[str | None, str]:
    """From where, and by which scheme, a request came that reached the server from that address."""
    found: list[Any] = []

    async def inner(scope: Any, *_: Any) -> None:
        found.append(((scope["client"] or (None,))[0], scope["scheme"]))

    said = [(name.lower().encode(), value.encode()) for name, value in headers]
    scope = {"type": "http", "scheme": "http", "client": by and (by, 4711), "headers": said}
    asyncio.run(Proxies(inner, TRUSTED)(scope, None, None))  # type: ignore[arg-type]
    return found[0]


@pytest.mark.parametrize(
    ("said", "caller"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("203.0.113.7:51000", "203.0.113.7"),
        ("[2001:db8::7]:51000", "2001:db8::7"),
        ("2001:db8::7", "2001:db8::7"),
        ("203.0.113.7, 10.1.1.1", "203.0.113.7"),
        ("203.0.113.7, fd00::1", "203.0.113.7"),
        ("127.0.0.1, 203.0.113.7", "203.0.113.7"),
        ("10.9.9.9, 203.0.113.7, 10.1.1.1", "203.0.113.7"),
        ("10.1.1.2, 10.1.1.1", "10.1.1.2"),
        ("203.0.113.7, unknown, 10.1.1.1", "10.1.1.1"),
        ("unknown", "10.0.0.1"),
        ("", "10.0.0.1"),
        (" , ", "10.0.0.1"),
    ],
)
def test_the_caller_is_whom_the_nearest_that_is_not_trusted_is(said: str, caller: str) -> None:
    assert came("10.0.0.1", ("X-Forwarded-For", said))[0] == caller
    assert came("::ffff:10.0.0.1", ("X-Forwarded-For", said))[0] in (caller, "::ffff:10.0.0.1")


def test_several_headers_are_read_as_one() -> None:
    assert came("10.0.0.1", ("X-Forwarded-For", "127.0.0.1"), ("X-Forwarded-For", "203.0.113.7"))[0] == "203.0.113.7"


def test_nobody_else_is_believed() -> None:
    claims = (("X-Forwarded-For", "127.0.0.1"), ("X-Forwarded-Proto", "https"), ("X-Real-IP", "127.0.0.1"))
    assert came("203.0.113.7", *claims) == ("203.0.113.7", "http")
    assert came("11.0.0.1", *claims) == ("11.0.0.1", "http")
    assert came("fd00::2", *claims) == ("fd00::2", "http")
    assert came(None, *claims) == (None, "http")


@pytest.mark.parametrize(
    ("said", "scheme"),
    [
        ("https", "https"),
        ("HTTPS", "https"),
        ("http", "http"),
        ("https, http", "http"),
        ("http, https", "https"),
        ("javascript", "http"),
        ("", "http"),
    ],
)
def test_the_scheme_is_what_the_proxy_itself_says(said: str, scheme: str) -> None:
    assert came("10.0.0.1", ("X-Forwarded-Proto", said))[1] == scheme
