"""Where a server is, and the token that it is shown."""

import ipaddress
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from headrace import errors

DEFAULT = "http://127.0.0.1:6789"
SCHEMES = ("http", "https")


@dataclass(frozen=True, slots=True)
class Address:
    """A server's URL without a slash at its end, and the token to show there; None shows none."""

    url: str
    token: str | None = field(repr=False)
    is_local: bool  # only this machine reaches it

    @classmethod
    def of(
        cls, url: str | None, token: str | None, *, insecure: bool = False, environ: Mapping[str, str] = os.environ
    ) -> "Address":
        """What is given, or else what the environment says.

        BadServer for a URL that is none, or to which no token may be sent; BadTokenFile.
        """
        where = url or environ.get("HEADRACE_URL") or DEFAULT
        source = "the arguments" if url else "HEADRACE_URL"
        split = _split(where, source)
        said = token if token is not None else _token(environ)
        local = _is_loopback(split.hostname or "")
        allowed = insecure or environ.get("HEADRACE_INSECURE") == "1"
        if said and split.scheme == "http" and not local and not allowed:
            why = "it speaks plain http beyond this machine, where anybody on the way reads the token; use https, or "
            raise errors.BadServer(url=where, source=source, why=f"{why}say HEADRACE_INSECURE=1 (`insecure=True`)")
        return cls(where.rstrip("/"), said, local)


def _split(url: str, source: str) -> SplitResult:
    try:
        split = urlsplit(url)
        wrong = split.port == 0 or split.scheme not in SCHEMES or not split.hostname
        beside = split.username or split.password or split.query or split.fragment
    except ValueError as error:
        raise errors.BadServer(url=url, source=source, why=str(error)) from None
    if beside:
        why = "it has more than a scheme, a host, a port and a path"
        raise errors.BadServer(url=f"{split.scheme}://{split.hostname}", source=source, why=why)
    if wrong or any(letter <= " " for letter in url):
        raise errors.BadServer(url=url, source=source, why=f"it is not of the form {DEFAULT}")
    return split


def _token(environ: Mapping[str, str]) -> str | None:
    if said := environ.get("HEADRACE_TOKEN"):
        return said
    file = environ.get("HEADRACE_TOKEN_FILE")
    return _read(Path(file).expanduser()) if file else None


def _read(path: Path) -> str:
    """A token that others on this machine can read is none."""
    try:
        with path.open(encoding="ascii") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            said = file.read(4096).strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else None
        raise errors.BadTokenFile(path=path, why=why or "it has no token in it") from None
    if mode & 0o077:
        raise errors.BadTokenFile(path=path, why=f"others can read it (mode {mode:04o}); chmod 600 it")
    if not said:
        raise errors.BadTokenFile(path=path, why="it is empty")
    return said


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
