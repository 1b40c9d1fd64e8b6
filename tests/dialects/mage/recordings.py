"""What a real server of Mage was asked, and what it answered; asked again in the same order of ours, and compared."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt

ROOT = Path(__file__).resolve().parents[3]
SHARED = ROOT.parent / "shared" / "recordings"
DIALECTS = ROOT / "docs" / "dialects.md"
TABLE = "## The recordings"
ANOTHER = "another object"
STATUS = "the status"
COUNTED = ("pipeline_run_id", "pipeline_run_id[]", "backfill_id")  # what queries call by its id
HELD = {"pipeline_run": "pipeline_runs", "pipeline_schedule": "pipeline_schedules", "backfill": "backfills"}
PASSWORD = "a long enough password"

Difference = tuple[str, str, str]  # which recording, where in its answer, and what is otherwise


@dataclass
class Names:
    """What ids, tokens and passwords of the recording are called here."""

    ids: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    texts: dict[str, str] = field(default_factory=dict[str, str])

    def learn(self, theirs: Any, ours: Any) -> None:
        """From two answers to the same request."""
        for singular, plural in HELD.items():
            one, other = _object(theirs, singular), _object(ours, singular)
            if "id" in one and "id" in other:
                self.ids[plural, str(one["id"])] = str(other["id"])
            if one.get("token") and other.get("token"):
                self.texts[one["token"]] = other["token"]
        self._learn_session(_object(theirs, "session"), _object(ours, "session"))

    def _learn_session(self, theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> None:
        if "token" in theirs and "token" in ours:
            self.texts[theirs["token"]] = ours["token"]
            self.texts[_within(theirs["token"])] = _within(ours["token"])

    def path(self, said: str) -> str:
        """The address, as it is here."""
        parts, query = urlsplit(said).path.split("/"), parse_qsl(urlsplit(said).query, keep_blank_values=True)
        for place, plural in enumerate(parts[:-1]):
            parts[place + 1] = self.ids.get((plural, parts[place + 1]), self.text(parts[place + 1]))
        asked = [(name, self._named(name, value)) for name, value in query]
        return "/".join(parts) + (f"?{urlencode(asked)}" if asked else "")

    def text(self, said: str) -> str:
        for theirs, ours in self.texts.items():
            said = said.replace(theirs, ours)
        return said

    def body(self, said: Any) -> Any:
        """The body, as it is here; runs within it are called by their ids here."""
        known = json.loads(self.text(json.dumps(said)))
        for run in _object(known, "pipeline").get("pipeline_runs", ()):
            run["id"] = int(self.ids["pipeline_runs", str(run["id"])])
        if "password" in _object(known, "session"):
            right = known["session"]["password"] == "admin"
            known["session"]["password"] = PASSWORD if right else "wrong"
        return known

    def _named(self, name: str, value: str) -> str:
        plural = "backfills" if name == "backfill_id" else "pipeline_runs"
        return self.ids.get((plural, value), value) if name in COUNTED else value


def read() -> list[dict[str, Any]]:
    return json.loads((SHARED / "mage_rest.json").read_text())


@dataclass(frozen=True)
class Declared:
    """A difference that docs/dialects.md lists; `*` stands for any recording, and `another object` for all within."""

    label: str
    place: str
    what: str

    def covers(self, found: Difference) -> bool:
        label, place, what = found
        whole = self.what == ANOTHER and place != STATUS and place.startswith(self.place)
        return self.label in (label, "*") and (whole or (self.place, self.what) == (place, what))


def declared() -> list[Declared]:
    """What docs/dialects.md lists; each has its reason there."""
    lines = DIALECTS.read_text().partition(TABLE)[2].partition("\n#")[0].splitlines()
    cells = [
        [cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")
    ]
    assert all(why for _, _, _, why in cells)
    return [Declared(label, place, what) for label, place, what, _ in cells[1:]]


def differences(theirs: Any, ours: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """Where keys, types or nulls are otherwise; of lists those of elements of the same number."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        yield from _of_objects(_without_days(theirs), _without_days(ours), place)
    elif _kind(theirs) != _kind(ours):
        yield place, f"{_kind(ours)} for {_kind(theirs)}"
    elif isinstance(theirs, list):
        for one, other in zip(cast("list[Any]", theirs), ours, strict=False):
            yield from differences(one, other, f"{place}[]")


def _of_objects(theirs: dict[str, Any], ours: dict[str, Any], place: str) -> Iterator[tuple[str, str]]:
    for name in sorted({*theirs, *ours}):
        inner = f"{place}.{name}" if place else name
        if name not in ours:
            yield inner, "missing"
        elif name not in theirs:
            yield inner, "added"
        else:
            yield from differences(theirs[name], ours[name], inner)


def _without_days(found: Any) -> dict[str, Any]:
    """Of what is told by the day one day stands for all."""
    return {re.sub(r"^\d{4}-\d\d-\d\d$", "DAY", name): value for name, value in cast("dict[str, Any]", found).items()}


def _kind(value: Any) -> str:
    match value:
        case None:
            return "null"
        case list():
            return "list" if value else "an empty list"
        case _:
            return type(value).__name__


def _object(value: Any, name: str) -> dict[str, Any]:
    found = cast("dict[str, Any]", value).get(name) if isinstance(value, dict) else None
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def _within(token: str) -> str:
    return str(jwt.decode(token, options={"verify_signature": False})["token"])
