"""Environment and headrace.toml become one frozen Settings; the environment wins."""

import ipaddress
import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, cast

from headrace import errors

MEBIBYTE = 2**20
MOST_KEPT = 10**9  # runs of a pipeline
SHORTEST_LEASE = 1.0  # seconds; less than that any hiccup of machine or network ends


Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What can be set, with its default. Sizes are in bytes, times in seconds."""

    home: Path  # everything remembered lies here
    datasets: str | None = None  # a folder, or an object store's URL, for new datasets; None: `datasets` in the home
    database: str | None = field(default=None, repr=False)  # a PostgreSQL URL for the rows; None: SQLite in the home
    lease: float = 30.0  # an engine that was not heard of for this long is taken for dead
    workers: int = max(1, os.cpu_count() or 1)  # blocks that run at once on this machine
    stop_grace: float = 2.0  # between asking a block to end and killing it
    memory_limit: int | None = None  # of one block with all it started; None: the machine's own
    log_head: int = 8 * MEBIBYTE  # of an attempt's log: this much of its beginning is kept,
    log_tail: int = 1 * MEBIBYTE  # and this much of its end
    profile_seconds: float = 5.0  # at most this long is spent on looking at one output
    block_cwd: str = "parent"  # a block's working directory: `parent` of the project, or the `project`
    host: str = "127.0.0.1"  # where `headrace serve` listens
    port: int = 6789
    hosts: tuple[str, ...] = ()  # further names by which the server is called
    trusted_proxies: tuple[Network, ...] = ()  # what comes from them comes from whom their X-Forwarded-For says
    connections: int = 4096  # that the server has at once, as far as the machine lets it open files
    streams: int = 1000  # that one caller may follow at once
    environment: tuple[str, ...] | None = None  # names that blocks inherit; None: all but headrace's own
    keep_runs_days: float | None = 90.0  # days after its end that a run is kept; None, as in all of these: for ever
    keep_runs: int = 100  # so many of the newest runs of each pipeline are kept, whatever their age
    keep_failed_days: float | None = 365.0  # the same two for runs that failed
    keep_failed: int = 500
    keep_outputs_days: float | None = None  # days after a run's end that its outputs are kept; None: as long as the run
    keep_logs_days: float | None = 90.0  # the same for its logs
    keep_dataset_versions_days: float | None = 30.0  # days since another came after it that a version is kept
    keep_dataset_versions: int = 10  # so many of the newest versions of each dataset are kept, whatever their age
    keep_audit_days: float | None = 365.0  # days that it is kept who did what
    oidc_issuer: str | None = None  # a provider of identities (OpenID Connect) that browsers may log in by
    oidc_client_id: str = ""  # by which it knows this server
    oidc_client_secret: str | None = field(default=None, repr=False)
    oidc_claim: str = "groups"  # of whose values,
    oidc_roles: Mapping[str, str] = field(default_factory=dict[str, str])  # each may stand for ROLE or ROLE:TAG
    oidc_domains: tuple[str, ...] = ()  # of emails; none: those of any are let in
    oidc_redirect: str | None = None  # where it sends browsers back to; None: to where they called the server
    mage_http_error_codes: bool = False  # errors of the Mage dialect have their true status, and not 200
    mage_open_events: bool = False  # whoever reaches the server may post events through the Mage dialect


def load(environ: Mapping[str, str]) -> Settings:
    """The settings of this environment and of `headrace.toml` in its home.

    BadSetting names the first one that is not of its kind, and where it was set.
    """
    home = Path(environ.get("HEADRACE_HOME") or Path(environ.get("HOME", "~")).expanduser() / ".headrace").absolute()
    written = _from_toml(home / "headrace.toml") | _from_environment(environ)
    values = {name: _KINDS[name](name, source, given) for name, (source, given) in written.items()}
    return Settings(home=home, **values)


def _from_toml(path: Path) -> dict[str, tuple[str, Any]]:
    try:
        written = tomllib.loads(path.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise errors.BadSetting(name="file", source=path, given=str(error), expected="readable TOML") from error
    for name in written:
        if name not in _KINDS:
            raise errors.BadSetting(name=name, source=path, given=written[name], expected=f"one of {', '.join(_KINDS)}")
    return {name: (str(path), given) for name, given in written.items()}


def _from_environment(environ: Mapping[str, str]) -> dict[str, tuple[str, Any]]:
    """HEADRACE_WORKERS=4 sets `workers`; names of the environment that set nothing are left to others."""
    given = {name: environ.get(f"HEADRACE_{name.upper()}") for name in _KINDS}
    return {name: (f"HEADRACE_{name.upper()}", text) for name, text in given.items() if text}


def _whole(name: str, source: str, given: Any) -> int:
    expected = "a whole number, 1 or more"
    try:
        value = int(given)
    except (TypeError, ValueError):
        raise errors.BadSetting(name=name, source=source, given=given, expected=expected) from None
    if value < 1 or isinstance(given, bool | float):
        raise errors.BadSetting(name=name, source=source, given=given, expected=expected)
    return value


def _port(name: str, source: str, given: Any) -> int:
    expected = "a number from 0 to 65535"
    try:
        value = int(given)
    except (TypeError, ValueError):
        raise errors.BadSetting(name=name, source=source, given=given, expected=expected) from None
    if not 0 <= value <= 65535 or isinstance(given, bool | float):
        raise errors.BadSetting(name=name, source=source, given=given, expected=expected)
    return value


def _host(name: str, source: str, given: Any) -> str:
    if not isinstance(given, str) or not given.strip():
        raise errors.BadSetting(name=name, source=source, given=given, expected="a name or an address")
    return given.strip()


def _seconds(name: str, source: str, given: Any) -> float:
    expected = "a number of seconds, 0 or more"
    try:
        value = float(given)
    except (TypeError, ValueError):
        raise errors.BadSetting(name=name, source=source, given=given, expected=expected) from None
    if not 0 <= value < float("inf") or isinstance(given, bool):
        raise errors.BadSetting(name=name, source=source, given=given, expected=expected)
    return value


def _whether(name: str, source: str, given: Any) -> bool:
    words = {"1": True, "true": True, "0": False, "false": False}
    found = words.get(str(given).lower()) if isinstance(given, str | bool) else None
    if found is None:
        raise errors.BadSetting(name=name, source=source, given=given, expected="1 or 0")
    return found


def _days(name: str, source: str, given: Any) -> float | None:
    """None for off, and for 0, which nobody is to lose everything by."""
    try:
        value = 0.0 if given == "off" else float(given)
    except (TypeError, ValueError):
        value = -1.0
    if not 0 <= value < float("inf") or isinstance(given, bool):
        raise errors.BadSetting(name=name, source=source, given=given, expected="a number of days, or off")
    return value or None


def _newest(name: str, source: str, given: Any) -> int:
    """0 for off: then the age alone counts."""
    try:
        value = 0 if given == "off" else int(given)
    except (TypeError, ValueError, OverflowError):
        value = -1
    if not 0 <= value <= MOST_KEPT or isinstance(given, bool | float):
        expected = f"a whole number up to {MOST_KEPT:,}, or off"
        raise errors.BadSetting(name=name, source=source, given=given, expected=expected)
    return value


def _lease(name: str, source: str, given: Any) -> float:
    value = _seconds(name, source, given)
    if value < SHORTEST_LEASE:
        raise errors.BadSetting(name=name, source=source, given=given, expected=f"{SHORTEST_LEASE} seconds or more")
    return value


def _database(name: str, source: str, given: Any) -> str:
    """What is given may have a password in it, and is not repeated."""
    if not isinstance(given, str) or not given.startswith(("postgresql://", "postgres://")):
        expected = "a URL of the form postgresql://user:password@host:port/name"
        raise errors.BadSetting(name=name, source=source, given="of another form", expected=expected)
    return given


def _tables(name: str, source: str, given: Any) -> str:
    """A folder as an absolute path, or a URL as it is; one with a password in it is not repeated.

    What follows ? or # in a URL is no part of where something lies: all tables would be one. It may be a password as well.
    """
    expected = "an absolute path, or a URL such as s3://bucket/folder, without a password, ? or # in it"
    text = _text(name, source, given)
    if "://" in text:
        if "@" in text.partition("://")[2].partition("/")[0]:
            raise errors.BadSetting(name=name, source=source, given="one with a password", expected=expected)
        if set(text) & set("?#"):
            raise errors.BadSetting(name=name, source=source, given="one with ? or #", expected=expected)
        return text.rstrip("/")
    if not Path(text).expanduser().is_absolute() or set(text) & set("%*?["):
        raise errors.BadSetting(name=name, source=source, given=given, expected=f"{expected}, nor any of % * ? [")
    return str(Path(text).expanduser())


def _place(name: str, source: str, given: Any) -> str:
    if given not in ("parent", "project"):
        raise errors.BadSetting(name=name, source=source, given=given, expected="parent or project")
    return given


def _names(name: str, source: str, given: Any) -> tuple[str, ...]:
    names: Any = given.split(",") if isinstance(given, str) else given
    if not isinstance(names, list) or not all(isinstance(each, str) for each in names):  # pyright: ignore[reportUnknownVariableType]
        raise errors.BadSetting(name=name, source=source, given=given, expected="names with commas between")
    return tuple(each.strip() for each in names if each.strip())  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType, reportUnknownArgumentType]


def _networks(name: str, source: str, given: Any) -> tuple[Network, ...]:
    try:
        return tuple(ipaddress.ip_network(each, strict=False) for each in _names(name, source, given))
    except ValueError:
        expected = "addresses or networks, as 10.0.0.1 or 10.0.0.0/8, with commas between"
        raise errors.BadSetting(name=name, source=source, given=given, expected=expected) from None


def _text(name: str, source: str, given: Any) -> str:
    if not isinstance(given, str) or not given.strip():
        raise errors.BadSetting(name=name, source=source, given=given, expected="a text")
    return given.strip()


def _secret(name: str, source: str, given: Any) -> str:
    """What is given is not repeated."""
    if not isinstance(given, str) or not given.strip():
        raise errors.BadSetting(name=name, source=source, given="of another form", expected="a text")
    return given.strip()


def _pairs(name: str, source: str, given: Any) -> Mapping[str, str]:
    """In the environment `one=this,other=that`; in TOML a table."""
    pairs: Any = dict(map(_pair, given.split(","))) if isinstance(given, str) else given
    if not isinstance(pairs, dict) or not all(map(_is_named, cast("dict[Any, Any]", pairs).items())):
        raise errors.BadSetting(name=name, source=source, given=given, expected="NAME=VALUE, with commas between")
    return {one.strip(): other.strip() for one, other in cast("dict[str, str]", pairs).items()}


def _pair(said: str) -> tuple[str, str]:
    one, _, other = said.partition("=")
    return one, other


def _is_named(pair: tuple[Any, Any]) -> bool:
    return all(isinstance(each, str) and each.strip() for each in pair)


_KINDS: dict[str, Callable[[str, str, Any], Any]] = {
    "database": _database,
    "datasets": _tables,
    "lease": _lease,
    "workers": _whole,
    "stop_grace": _seconds,
    "memory_limit": _whole,
    "log_head": _whole,
    "log_tail": _whole,
    "profile_seconds": _seconds,
    "block_cwd": _place,
    "host": _host,
    "port": _port,
    "hosts": _names,
    "trusted_proxies": _networks,
    "connections": _whole,
    "streams": _whole,
    "environment": _names,
    "keep_runs_days": _days,
    "keep_runs": _newest,
    "keep_failed_days": _days,
    "keep_failed": _newest,
    "keep_outputs_days": _days,
    "keep_logs_days": _days,
    "keep_dataset_versions_days": _days,
    "keep_dataset_versions": _newest,
    "keep_audit_days": _days,
    "oidc_issuer": _text,
    "oidc_client_id": _text,
    "oidc_client_secret": _secret,
    "oidc_claim": _text,
    "oidc_roles": _pairs,
    "oidc_domains": _names,
    "oidc_redirect": _text,
    "mage_http_error_codes": _whether,
    "mage_open_events": _whether,
}
assert {*_KINDS, "home"} == {each.name for each in fields(Settings)}  # noqa: S101 - a setting without a kind is a defect
