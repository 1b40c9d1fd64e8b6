"""Queries: the part of an address after the `?`, as Mage reads it.

Names that begin with `_` say how something is answered, all others filter. Of a name that is repeated the first value
counts; a name that ends in `[]` takes several, repeated or with commas between.
"""

from collections.abc import Sequence
from datetime import datetime

from headrace import errors
from headrace.api.mage import dates

USUAL = 40  # of a list
MOST = 10_000  # of a list, whatever is asked for
GREATEST = 2**63 - 1  # of what a database counts
ALWAYS = frozenset({"api_key", "token"})  # who calls: no filters


class Query:
    """What was asked for, read by name. BadField for what is not of its kind."""

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        self._pairs = pairs

    def text(self, name: str) -> str | None:
        """None where it is not given, or empty."""
        return next((value for each, value in self._pairs if each == name), None) or None

    def several(self, name: str) -> list[str] | None:
        """The values of `name[]`; None where it is not given, or empty."""
        given = [value for each, value in self._pairs if each == f"{name}[]"]
        return [part.strip() for value in given for part in value.split(",") if part.strip()] or None

    def either(self, name: str) -> list[str] | None:
        """The values of `name[]`, or the one of `name`."""
        alone = self.text(name)
        return self.several(name) or ([alone] if alone is not None else None)

    def flag(self, name: str) -> bool:
        """Given, and not as `false`."""
        return self.text(name) not in (None, "false")

    def number(self, name: str, least: int = 0) -> int | None:
        """A whole number, `least` or more."""
        given = self.text(name)
        if given is None:
            return None
        if not _is_whole(given) or not least <= int(given) <= GREATEST:
            raise errors.BadField(field=name, given=given, expected=f"a whole number, {least} or more")
        return int(given)

    def moment(self, name: str) -> datetime | None:
        """A date as it is written anywhere."""
        given = self.text(name)
        try:
            return None if given is None else dates.read(given)
        except ValueError:
            raise errors.BadField(field=name, given=given, expected="a date") from None

    def second(self, name: str) -> datetime | None:
        """A moment as whole seconds since 1970. BadRecord for what is none."""
        given = self.text(name)
        try:
            return None if given is None else dates.of_seconds(int(given))
        except ValueError:
            raise errors.BadRecord(why=f"Value is invalid for {name}.") from None

    @property
    def form(self) -> str | None:
        """Which presentation is asked for."""
        return self.text("_format")

    def limit(self, usual: int = USUAL) -> int:
        given = self.number("_limit")
        return usual if given is None else min(given, MOST)

    @property
    def has_limit(self) -> bool:
        return self.text("_limit") is not None

    @property
    def offset(self) -> int:
        return self.number("_offset") or 0

    @property
    def true_statuses(self) -> bool:
        """Whether errors are to be told by the status of HTTP as well."""
        return self.flag("_http_error_codes")

    def unlisted(self, listed: Sequence[str]) -> tuple[str, str] | None:
        """The first filter that is not among the listed, and its value."""
        known = ALWAYS | {*listed}
        return next((each for each in self._pairs if not each[0].startswith("_") and each[0] not in known), None)


def _is_whole(text: str) -> bool:
    return len(text) <= 19 and text.isascii() and text.removeprefix("-").isdigit()
