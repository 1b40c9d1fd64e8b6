"""The `.env` file of a project, and which values of an environment are not for everybody's eyes."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, quote_plus, unquote

SHORTEST = 4  # characters of a value that is masked; a shorter one would blot out half a log


@dataclass(frozen=True, slots=True)
class Dotenv:
    """What a `.env` sets, later lines over earlier ones; `warnings` name the lines that set nothing, in words."""

    values: Mapping[str, str]
    warnings: tuple[str, ...] = ()


def read(folder: Path) -> Dotenv:
    """The `.env` in that folder; empty when there is none. Never raises."""
    path = folder / ".env"
    try:
        return parse(path.read_text("utf-8-sig", "replace")) if path.is_file() else Dotenv({})
    except OSError as error:
        return Dotenv({}, (f".env: it cannot be read: {error.strerror}",))


def parse(text: str) -> Dotenv:
    """The settings of a text: `NAME=value`, with or without `export`, quotes and comments.

    Within double quotes `\\n`, `\\t`, `\\"` and `\\\\` are escapes, and a value may span lines; within single quotes
    nothing is. Without quotes a value ends at the end of its line, or before ` #`.
    """
    values: dict[str, str] = {}
    warnings: list[str] = []
    for line, match in _statements(text):
        if match is None:
            warnings.append(f".env line {line}: this is not of the form NAME=VALUE and was left out")
        else:
            values[match["name"]] = _value(match)
    return Dotenv(values, tuple(warnings))


_SETTING = re.compile(
    r"""[ \t]*(?:export[ \t]+)?(?P<name>[A-Za-z_][\w.]*)[ \t]*=[ \t]*
    (?: '(?P<single>[^'\0]*)' | "(?P<double>(?:[^"\\\0]|\\[^\0])*)" | (?P<plain>(?!['"])[^\r\n\0]*?) )
    (?:[ \t]+\#[^\r\n]*|[ \t]*)(?=[\r\n]|\Z)""",
    re.VERBOSE | re.ASCII,
)
_EMPTY = re.compile(r"[ \t]*(?:#[^\r\n]*)?(?=[\r\n]|\Z)")
_LINE = re.compile(r"[^\r\n]*")
_END = re.compile(r"\r\n|\r|\n|\Z")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\", "$": "$"}


def _statements(text: str) -> Iterator[tuple[int, re.Match[str] | None]]:
    """Each setting with its line, counted from 1; None for a line that is neither a setting nor empty."""
    at = 0
    while at < len(text):
        setting, empty = _SETTING.match(text, at), _EMPTY.match(text, at)
        if not empty:
            yield text.count("\n", 0, at) + 1, setting
        found = empty or setting or _LINE.match(text, at)
        assert found is not None  # noqa: S101 - _LINE matches everywhere
        end = _END.match(text, found.end())
        at = end.end() if end else found.end()


def _value(match: re.Match[str]) -> str:
    if match["double"] is not None:
        return re.sub(r"\\(.)", lambda each: _ESCAPES.get(each[1], each[0]), match["double"], flags=re.DOTALL)
    return match["single"] if match["single"] is not None else match["plain"].strip()


_SECRET_NAME = re.compile(
    r"passw(or)?d|passphrase|secret|token|credential|(^|_)(pass|pwd|dsn)(_|$)|keys?(_|$)|webhooks?(_?urls?)?$",
    re.IGNORECASE,
)
_NOT_SECRET = frozenset({"PWD", "OLDPWD"})
_SAYS_NOTHING = frozenset({"true", "false", "none", "null", "yes", "no"})
_USERINFO = re.compile(r"(?<=[\w+.-])://[^\s/?#:@]*:([^\s/?#]+)@")  # begun at what is rare: values may be megabytes
_PASSWORD_PART = re.compile(r"(?:password|pwd)\s*=\s*([^\s;&]+)", re.IGNORECASE)


def secrets_of(environment: Mapping[str, str]) -> tuple[str, ...]:
    """What must be masked of these values, as `masks_of` has it.

    Those of names that look secret; and the passwords within addresses, as they are written and as they are decoded.
    """
    parts = [part for name, value in environment.items() for part in _parts(name, value)]
    return masks_of(parts) if parts else ()


def masks_of(values: Iterable[str]) -> tuple[str, ...]:
    """These values in all the forms in which they are masked, the longest first, so that none hides a part of another.

    Each is masked whole and line by line. What is shorter than four characters is not masked.
    """
    found = {piece for value in values for piece in _pieces(value)}
    kept = {each for each in found if len(each) >= SHORTEST and each.lower() not in _SAYS_NOTHING}
    kept |= {form for each in kept for form in _forms(each)}
    return tuple(sorted(kept, key=lambda each: (-len(each), each)))


def _parts(name: str, value: str) -> Iterator[str]:
    passwords = _USERINFO.findall(value) + _PASSWORD_PART.findall(value)
    yield from passwords
    yield from map(unquote, passwords)
    if _looks_secret(name) and not passwords:
        yield value


def _pieces(value: str) -> Iterator[str]:
    """A key that stands in JSON has its lines behind `\\n`; who has decoded it prints them one by one."""
    for text in (value, value.replace("\\n", "\n")):
        yield text.strip()
        yield from (line.strip() for line in text.splitlines())


def _forms(value: str) -> tuple[str, ...]:
    """The value as Python, JSON and addresses write it."""
    encoded = value.encode("utf-8", "surrogatepass")
    return repr(value)[1:-1], json.dumps(value)[1:-1], quote(encoded), quote(encoded, safe=""), quote_plus(encoded)


def _looks_secret(name: str) -> bool:
    return name not in _NOT_SECRET and _SECRET_NAME.search(name) is not None
