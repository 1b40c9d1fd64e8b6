"""Fields of the object in a body, by their kinds."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from headrace import errors
from headrace.api.mage import dates
from headrace.api.mage.asked import Asked
from headrace.operations import documents

SECRET = frozenset({"password", "password_confirmation", "password_current", "value"})  # they are not told again


def text(asked: Asked, name: str) -> str:
    """What is to be given, and not empty. RecordIncomplete, BadField."""
    found = asked.given.get(name)
    if found is None or found == "":
        raise errors.RecordIncomplete(key=name, value=found)
    return _text(name, found)


def text_if_any(asked: Asked, name: str) -> str | None:
    """None where it is not given, or null. BadField."""
    found = asked.given.get(name)
    return None if found is None else _text(name, found)


def moment(asked: Asked, name: str) -> datetime | None:
    """A date as it is written anywhere; None where it is not given, or null. BadField."""
    found = text_if_any(asked, name)
    try:
        return dates.read(found) if found else None
    except ValueError:
        raise errors.BadField(field=name, given=found, expected="a date") from None


def mapping(asked: Asked, name: str) -> Mapping[str, Any] | None:
    """An object; None where it is not given, or null. BadField."""
    found: Any = asked.given.get(name)
    if found is not None and not isinstance(found, dict):
        raise errors.BadField(field=name, given=found, expected="an object")
    return cast("Mapping[str, Any] | None", found)


def _text(name: str, found: Any) -> str:
    if not isinstance(found, str):
        raise errors.BadField(field=name, given=documents.MASK if name in SECRET else found, expected="text")
    return found
