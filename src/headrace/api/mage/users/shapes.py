"""Users, roles and permissions as Mage shows them.

Its roles are the four that headrace has, each with the one permission that it comes to. A role that a user has for the
pipelines of a tag alone has that in `tag`, and its permission is of the entity `tag`.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NotRequired

from typing_extensions import TypedDict

from headrace.api.mage import dates
from headrace.model.access import Grant, Role, Token, User

ROLES = (Role.OWNER, Role.ADMIN, Role.EDITOR, Role.VIEWER)  # in the order of their ids, from 1 on
ACCESS = {Role.OWNER: 1, Role.ADMIN: 2, Role.EDITOR: 4, Role.VIEWER: 8}  # what a permission gives
LEGACY = {Role.ADMIN: 1, Role.EDITOR: 2, Role.VIEWER: 4}  # what `roles` of a user once was
ALWAYS = str(datetime(1970, 1, 1, tzinfo=UTC))  # roles were never made
TOKEN_HIDDEN = "[TOKEN_PLACEHOLDER]"  # noqa: S105 - of what a token says its hash alone is kept


class Permission(TypedDict):
    access: int
    created_at: str
    entity: str
    entity_id: str | None
    entity_name: str | None
    entity_type: str | None
    id: int
    updated_at: str


class UserRole(TypedDict):
    """A role that a user has."""

    created_at: str
    id: int
    name: str
    permissions: list[Permission]
    updated_at: str
    tag: NotRequired[str]


class ListedUser(TypedDict):
    avatar: str | None
    created_at: str
    email: str | None
    first_name: str | None
    id: int
    last_name: str | None
    owner: bool
    project_access: int
    roles: int | None
    roles_display: str | None
    roles_new: list[UserRole]
    updated_at: str
    username: str


class ShownUser(ListedUser):
    permissions: list[Permission]
    token: str | None


class SessionRole(TypedDict):
    name: str
    user_id: int | None
    id: int
    created_at: str
    updated_at: str
    tag: NotRequired[str]


class SessionUser(TypedDict):
    """As it stands in a session."""

    avatar: str | None
    first_name: str | None
    id: int
    last_name: str | None
    owner: bool
    project_access: int
    roles: int | None
    roles_display: str | None
    roles_new: list[SessionRole]
    username: str


class ListedRole(TypedDict):
    created_at: str
    id: int
    name: str
    permissions: list[Permission]
    role_permissions: list[dict[str, Any]]
    updated_at: str
    user: dict[str, Any] | None


class ShownRole(ListedRole):
    users: list[ListedUser]


class Granted(TypedDict):
    """That a user has a role; there is one a user, so it goes by the user's id."""

    created_at: str
    id: int
    role_id: int
    updated_at: str
    user_id: int


class AccessToken(TypedDict):
    expires: str | None
    token: str
    user_id: int | None


def user(found: User) -> ListedUser:
    return {
        "avatar": found.avatar or None,
        "created_at": dates.spaced(found.created_at),
        "email": found.email,
        "first_name": found.first_name or None,
        "id": found.id,
        "last_name": found.last_name or None,
        "owner": found.owner,
        "project_access": project_access(found),
        "roles": legacy(found),
        "roles_display": display(found),
        "roles_new": [_user_role(grant) for grant in found.grants],
        "updated_at": dates.spaced(found.updated_at),
        "username": found.username,
    }


def shown_user(found: User) -> ShownUser:
    """`token` is what Mage gives the very first user, who logs in here as all others do."""
    return {**user(found), "permissions": [permission(grant) for grant in found.grants], "token": None}


def session_user(found: User) -> SessionUser:
    return {
        "avatar": found.avatar or None,
        "first_name": found.first_name or None,
        "id": found.id,
        "last_name": found.last_name or None,
        "owner": found.owner,
        "project_access": project_access(found),
        "roles": legacy(found),
        "roles_display": display(found),
        "roles_new": [_session_role(grant) for grant in found.grants],
        "username": found.username,
    }


def role(found: Role) -> ListedRole:
    return {
        "created_at": ALWAYS,
        "id": role_id(found),
        "name": found.value.capitalize(),
        "permissions": [permission(Grant(found))],
        "role_permissions": [],
        "updated_at": ALWAYS,
        "user": None,
    }


def shown_role(found: Role, users: Sequence[User]) -> ShownRole:
    """With those who have it for all pipelines."""
    return {**role(found), "users": [user(each) for each in users if each.everywhere is found]}


def permission(grant: Grant) -> Permission:
    return {
        "access": ACCESS[grant.role],
        "created_at": ALWAYS,
        "entity": "global" if grant.tag is None else "tag",
        "entity_id": grant.tag,
        "entity_name": None,
        "entity_type": None,
        "id": role_id(grant.role),
        "updated_at": ALWAYS,
    }


def granted(found: User, role: Role) -> Granted:
    at = dates.spaced(found.updated_at)
    return {"created_at": at, "id": found.id, "role_id": role_id(role), "updated_at": at, "user_id": found.id}


def access_token(found: Token) -> AccessToken:
    return {"expires": dates.spaced(found.expires_at), "token": TOKEN_HIDDEN, "user_id": found.user_id}


def role_id(role: Role) -> int:
    return ROLES.index(role) + 1


def project_access(found: User) -> int:
    """What the user's roles come to together."""
    return sum({ACCESS[grant.role] for grant in found.grants})


def legacy(found: User) -> int | None:
    return LEGACY.get(found.role) if found.role else None


def display(found: User) -> str | None:
    return found.role.value.capitalize() if found.role else None


def _user_role(grant: Grant) -> UserRole:
    told: UserRole = {
        "created_at": ALWAYS,
        "id": role_id(grant.role),
        "name": grant.role.value.capitalize(),
        "permissions": [permission(grant)],
        "updated_at": ALWAYS,
    }
    return told if grant.tag is None else {**told, "tag": grant.tag}


def _session_role(grant: Grant) -> SessionRole:
    told: SessionRole = {
        "name": grant.role.value.capitalize(),
        "user_id": None,
        "id": role_id(grant.role),
        "created_at": ALWAYS,
        "updated_at": ALWAYS,
    }
    return told if grant.tag is None else {**told, "tag": grant.tag}
