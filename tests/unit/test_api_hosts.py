"""Who asks for the server by a name that is not its own is turned away."""

import asyncio
from typing import Any

import pytest

from headrace.api import hosts
from headrace.api.hosts import Hosts
from headrace.api.v1 import problems


def asked(names: set[str], *given: str, literal: bool = False) -> bool:
    """Whether a request with those Host headers comes through."""
    passed: list[bool] = []

    async def inner(*_: Any) -> None:
        passed.append(True)

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            assert message["status"] == 421
            assert (b"content-type", b"application/problem+json") in message["headers"]

    headers = [(b"host", each.encode()) for each in given]
    scope: dict[str, Any] = {"type": "http", "method": "GET", "headers": headers}
    asyncio.run(Hosts(inner, names, problems.refusal, literal=literal)(scope, None, send))  # type: ignore[arg-type]
    return bool(passed)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:6789", "127.0.0.1:6789", "[::1]:6789", "[::1]"])
def test_its_own_names_come_through(host: str) -> None:
    assert asked(hosts.names_of("127.0.0.1"), host)


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example:6789",
        "10.0.0.1",
        "",
        "localhost@evil",
        "[::1",
        "::1",
    ],
)
def test_other_names_do_not(host: str) -> None:
    assert not asked(hosts.names_of("127.0.0.1"), host)


def test_two_names_at_once_or_none_do_not() -> None:
    assert not asked(hosts.names_of("127.0.0.1"), "localhost", "evil.example")
    assert not asked(hosts.names_of("127.0.0.1"))


def test_beyond_this_machine_any_address_does_and_no_foreign_name() -> None:
    names = hosts.names_of("0.0.0.0")
    assert asked(names, "10.1.2.3:6789", literal=True)
    assert asked(names, "[fd00::1]:6789", literal=True)
    assert not asked(names, "evil.example", literal=True)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("10.0.0.1", False),
        ("example", False),
    ],
)
def test_what_only_this_machine_reaches(host: str, loopback: bool) -> None:
    assert hosts.is_loopback(host) is loopback
