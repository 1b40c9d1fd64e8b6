"""Connections: how an end of a job is reached, as a secret says it, which is asked for when it is needed.

The secret is a URL (`postgresql://user:password@host:5432/database`, `sqlite:///path`), or a JSON object of its parts:
host, port, user, password, database, path, options. For files it may have the options that their file system takes.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from headrace import errors
from headrace.model.transfer import End

PORTS = {"postgresql": 5432, "mysql": 3306}
TIMEOUT = 30  # seconds for a server to answer that somebody is there
_NAMES = {"username": "user", "dbname": "database", "db": "database", "schema": "database", "server": "host"}
_NO_URL = "it is no URL; in one, / ? # @ : % of a user's name or password are written as %2F %3F %23 %40 %3A %25"
_PARTS = ("host", "port", "user", "password", "database", "path", "options")

ReadSecret = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class Address:
    """Where a database or file is, and who asks there. `options` are its library's own."""

    host: str = ""
    port: int | None = None
    user: str = ""
    password: str = field(default="", repr=False)
    database: str = ""
    path: str = ""
    options: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)

    def hidden(self, text: str) -> str:
        """The text without what nobody may read: a library that cannot connect may repeat what it was given."""
        secrets = [self.password, *(value for value in self.options.values() if isinstance(value, str))]
        for each in sorted(filter(lambda said: len(said) > 2, secrets), key=len, reverse=True):
            text = text.replace(each, "***")
        return text


def address(end: End, read: ReadSecret, folder: Path) -> Address:
    """Where that end is. What lies in files is below the folder, unless its path is absolute. NoConnection, BadConnection."""
    said = _said(end, read)
    path = end.path or said.path
    if path and "://" not in path:
        path = str(folder / path)
    found = Address(said.host, said.port, said.user, said.password, said.database, path, said.options)
    _refuse_incomplete(end, found)
    return found


def _said(end: End, read: ReadSecret) -> Address:
    if end.secret is None:
        return Address()
    text = read(end.secret)
    if text is None:
        raise errors.NoConnection(secret=end.secret, what=end.name)
    parts = _object(end, text) if text.lstrip().startswith("{") else _url(end, text.strip())
    return _checked(end, parts)


def _object(end: End, text: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise _bad(end, "it is no JSON") from None
    named = {_NAMES.get(name, name): value for name, value in cast("dict[str, Any]", found).items()}
    if named.keys() - set(_PARTS):  # what else it has is not told: it may be what nobody may read
        raise _bad(end, f"it has a field that is not known; expected {', '.join(_PARTS)}")
    return named


def _url(end: End, text: str) -> Mapping[str, Any]:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise _bad(end, _NO_URL) from None
    if parts.scheme.partition("+")[0] not in _schemes(end.plugin):
        raise _bad(end, f"it is no URL that begins with {end.plugin}://, and no JSON object")
    if end.plugin in PORTS:
        return _of_server(parts, port)
    return {"path": unquote(parts.path.removeprefix("/")), "options": dict(parse_qsl(parts.query))}


def _of_server(parts: SplitResult, port: int | None) -> Mapping[str, Any]:
    return {
        "host": parts.hostname or "",
        "port": port,
        "user": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "database": unquote(parts.path.removeprefix("/")),
        "options": dict(parse_qsl(parts.query)),
    }


def _schemes(plugin: str) -> tuple[str, ...]:
    return ("postgresql", "postgres") if plugin == "postgresql" else (plugin,)


def _checked(end: End, parts: Mapping[str, Any]) -> Address:
    for name in ("host", "user", "password", "database", "path"):
        if not isinstance(parts.get(name, ""), str):
            raise _bad(end, f"its {name} is no text")
        if "\0" in parts.get(name, ""):
            raise _bad(end, f"its {name} has a character in it that no text may have")
    port = parts.get("port")
    text = "" if port is None else str(port)
    if text and not (text.isascii() and text.isdigit() and 0 < int(text[:6]) < 65536):
        raise _bad(end, "its port is no number of a port")
    if not isinstance(parts.get("options", {}), dict):
        raise _bad(end, "its options are no object")
    terms: dict[str, Any] = {**parts, "port": int(text) if text else None}
    return Address(**terms)


def _refuse_incomplete(end: End, found: Address) -> None:
    if end.plugin in PORTS and not found.host:
        raise _bad(end, "it names no host")
    if end.plugin not in PORTS and end.plugin != "dataset" and not found.path:
        raise _bad(end, "it names no path")


def _bad(end: End, why: str) -> errors.BadConnection:
    return errors.BadConnection(secret=end.secret, what=end.name, why=why)
