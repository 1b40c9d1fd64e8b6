"""Environment and headrace.toml become one frozen Settings; the environment wins."""

import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from headrace import errors

MEBIBYTE = 2**20
SHORTEST_LEASE = 1.0  # seconds; less than that any hiccup of machine or network ends


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What can be set, with its default. Sizes are in bytes, times in seconds."""

    home: Path  # everything remembered lies here
    database: str | None = field(default=None, repr=False)  # a PostgreSQL URL for the rows; None: SQLite in the home
    lease: float = 30.0  # an engine that was not heard of for this long is taken for dead
    workers: int = max(1, os.cpu_count() or 1)  # blocks that run at once on this machine
    stop_grace: float = 2.0  # between asking a block to end and killing it
    memory_limit: int | None = None  # of one block with all it started; None: the machine's own
    log_head: int = 8 * MEBIBYTE  # of an attempt's log: this much of its beginning is kept,
    log_tail: int = 1 * MEBIBYTE  # and this much of its end
    profile_seconds: float = 5.0  # at most this long is spent on looking at one output
    block_cwd: str = "parent"  # a block's working directory: `parent` of the project, or the `project`
    environment: tuple[str, ...] | None = None  # names that blocks inherit; None: all but headrace's own


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


def _seconds(name: str, source: str, given: Any) -> float:
    expected = "a number of seconds, 0 or more"
    try:
        value = float(given)
    except (TypeError, ValueError):
        raise errors.BadSetting(name=name, source=source, given=given, expected=expected) from None
    if not 0 <= value < float("inf") or isinstance(given, bool):
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


def _place(name: str, source: str, given: Any) -> str:
    if given not in ("parent", "project"):
        raise errors.BadSetting(name=name, source=source, given=given, expected="parent or project")
    return given


def _names(name: str, source: str, given: Any) -> tuple[str, ...]:
    names: Any = given.split(",") if isinstance(given, str) else given
    if not isinstance(names, list) or not all(isinstance(each, str) for each in names):  # pyright: ignore[reportUnknownVariableType]
        raise errors.BadSetting(name=name, source=source, given=given, expected="names with commas between")
    return tuple(each.strip() for each in names if each.strip())  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType, reportUnknownArgumentType]


_KINDS: dict[str, Callable[[str, str, Any], Any]] = {
    "database": _database,
    "lease": _lease,
    "workers": _whole,
    "stop_grace": _seconds,
    "memory_limit": _whole,
    "log_head": _whole,
    "log_tail": _whole,
    "profile_seconds": _seconds,
    "block_cwd": _place,
    "environment": _names,
}
assert {*_KINDS, "home"} == {each.name for each in fields(Settings)}  # noqa: S101 - a setting without a kind is a defect
