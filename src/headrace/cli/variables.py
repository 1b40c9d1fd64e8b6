"""Variables of a run, as they are given on the command line and shown there."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, cast

from headrace import errors
from headrace.operations import documents

LARGEST = 2**63  # of whole numbers: what travels to workers has 64 bits


def parse(given: Iterable[str], whole: str | None = None) -> dict[str, Any]:
    """The variables of `NAME=VALUE` arguments, over those of one JSON object `whole`.

    A value that is JSON (3, 2.5, true, null, a list, an object, a text in double quotes) is that; any other is text
    as it is. A name given again counts as given last. Raises BadVariable.
    """
    return {**(_object(whole) if whole is not None else {}), **dict(map(_one, given))}


def words(variables: Mapping[str, Any]) -> list[str]:
    """The arguments that give these variables again; what looks secret is masked, for somebody to fill in."""
    shown = documents.masked(variables)
    odd = {name: value for name, value in shown.items() if "=" in name or not name or name != name.strip()}
    given = [f"{name}={_written(value)}" for name, value in shown.items() if name not in odd]
    whole = ["--runtime-vars", json.dumps(odd, ensure_ascii=False)] if odd else []
    return [*whole, *(word for each in given for word in ("--var", each))]


def _written(value: Any) -> str:
    """Text is given as it is, unless it would be taken for JSON."""
    return value if isinstance(value, str) and not _is_json(value) else json.dumps(value, ensure_ascii=False)


def _is_json(text: str) -> bool:
    try:
        json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return False
    return True


def _one(given: str) -> tuple[str, Any]:
    name, equals, value = given.partition("=")
    name = name.strip()
    if not equals or not name:
        raise errors.BadVariable(given=given)
    _refuse_no_text(given, given)
    return name, _value(given, value)


def _value(given: str, text: str) -> Any:
    try:
        value = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return text
    refuse_unkept(given, value)
    return value


def _object(whole: str) -> dict[str, Any]:
    try:
        value = json.loads(whole, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise errors.BadVariable(f"The runtime variables {whole!r} are not JSON: {error}.") from None
    if not isinstance(value, dict):
        raise errors.BadVariable(f'The runtime variables {whole!r} are not a JSON object, such as {{"days": 30}}.')
    refuse_unkept(whole, value)
    return cast("dict[str, Any]", value)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def refuse_unkept(given: str, value: Any) -> None:
    """Raises BadVariable for what is JSON, and cannot be kept: numbers beyond 64 bits, halves of characters."""
    match value:
        case dict():
            for name, inner in cast("dict[str, Any]", value).items():
                _refuse_no_text(given, name)
                refuse_unkept(given, inner)
        case list():
            for inner in cast("list[Any]", value):
                refuse_unkept(given, inner)
        case str():
            _refuse_no_text(given, value)
        case bool():
            pass
        case int() if not -LARGEST <= value < LARGEST:
            raise errors.BadVariable(
                f"The number in {given!r} has more than 64 bits; give it as text, in double quotes."
            )
        case float() if value in (float("inf"), float("-inf")):
            raise errors.BadVariable(f"The number in {given!r} is too large; give it as text, in double quotes.")
        case _:
            pass


def _refuse_no_text(given: str, text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise errors.BadVariable(f"The variable {given!r} is not text in UTF-8.") from None
