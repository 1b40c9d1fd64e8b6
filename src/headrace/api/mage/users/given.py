"""What a body says of a user, as the operations on users take it."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from headrace import errors
from headrace.api.mage.asked import Asked
from headrace.api.mage.fields import text_if_any
from headrace.api.mage.users.shapes import LEGACY, ROLES
from headrace.model import access
from headrace.model.access import Grant, Role

TEXTS = ("username", "email")
NAMES = ("first_name", "last_name", "avatar")  # null of these is the empty text
CREATED = ("password", "password_confirmation", "role_ids", "roles", "roles_new")
CREATES = (*TEXTS, *NAMES, *CREATED)
UPDATES = (*CREATES, "owner", "password_current")


def changes(asked: Asked) -> dict[str, Any]:
    """The fields that are given. BadField, BadRecord."""
    said: dict[str, Any] = {name: text_if_any(asked, name) for name in TEXTS if name in asked.given}
    said |= {name: text_if_any(asked, name) or "" for name in NAMES if name in asked.given}
    if said.get("username", "") is None:
        del said["username"]
    if password := text_if_any(asked, "password"):
        _refuse_unconfirmed(asked, password)
        said["password"] = password
    if (grants := _grants(asked.given)) is not None:
        said["grants"] = grants
    return said


def _refuse_unconfirmed(asked: Asked, password: str) -> None:
    again = text_if_any(asked, "password_confirmation")
    if again is not None and again != password:
        raise errors.BadRecord(why="Password does not match the password confirmation.")


def _grants(given: Mapping[str, Any]) -> list[Grant] | None:
    """The roles that are given, in whichever of Mage's ways; None where none of these is. Of several the highest counts."""
    found = [grant for name in ("role_ids", "roles_new") for grant in _listed(name, given.get(name))]
    if (old := given.get("roles")) is not None:
        found += _legacy(old)
    if given.get("owner") is True:
        found.append(Grant(Role.OWNER))
    if not found and not any(isinstance(given.get(name), list) for name in ("role_ids", "roles_new")):
        return None
    tags = dict.fromkeys(grant.tag for grant in found)
    highest = ((access.highest(grant.role for grant in found if grant.tag == tag), tag) for tag in tags)
    return [Grant(role, tag) for role, tag in highest if role]


def _listed(name: str, given: Any) -> Iterator[Grant]:
    """Ids, or objects that have one; and with it, here, the tag that the role is for."""
    if given is None:
        return
    if not isinstance(given, list):
        raise errors.BadField(field=name, given=given, expected="a list of roles")
    for each in cast("list[Any]", given):
        of = cast("Mapping[str, Any]", each) if isinstance(each, Mapping) else {"id": each}
        yield Grant(role(of.get("id")), _tag(of.get("tag")))


def role(given: Any) -> Role:
    """The role of that id. BadRecord."""
    if isinstance(given, bool) or not isinstance(given, int | str) or str(given) not in _IDS:
        raise errors.BadRecord(why=f"Role {given!r:.80} does not exist; there are the roles {', '.join(_IDS)}.")
    return _IDS[str(given)]


def _tag(given: Any) -> str | None:
    if given is not None and not isinstance(given, str):
        raise errors.BadField(field="tag", given=given, expected="a tag of pipelines")
    return given


def _legacy(given: Any) -> list[Grant]:
    """A number that has a bit for each role."""
    if isinstance(given, bool) or not isinstance(given, int):
        raise errors.BadField(field="roles", given=given, expected="a whole number")
    return [Grant(role) for role, bit in LEGACY.items() if given & bit]


_IDS = {str(place): role for place, role in enumerate(ROLES, 1)}
