"""Users: who may log in, and what they may do."""

from typing import Annotated, Any

from fastapi import Path
from pydantic import Field, Strict
from starlette.responses import Response

from headrace import errors
from headrace.api import gate
from headrace.api.v1 import answers, given, here
from headrace.api.v1.here import Home, Who, Whole
from headrace.model.access import Caller, Grant, Role
from headrace.operations import documents, sessions, users

router = here.routes("users")

SHOWN = answers.tells("User")
LONGEST_PASSWORD = 1024

UserId = Annotated[int, Path(ge=1, le=given.GREATEST, description="The user's number.")]
Password = Annotated[str, Field(min_length=1, max_length=LONGEST_PASSWORD)]


class NewGrant(given.Body):
    role: Annotated[Role, Strict(False)]
    tag: given.Name | None = Field(None, description="Of the pipelines that it is for; for all when left out.")


class Names(given.Body):
    first_name: given.Text = Field(default_factory=given.unsaid, max_length=given.LONGEST_NAME)
    last_name: given.Text = Field(default_factory=given.unsaid, max_length=given.LONGEST_NAME)
    avatar: given.Text = Field(default_factory=given.unsaid, max_length=given.LONGEST_NAME)

    @property
    def said(self) -> dict[str, Any]:
        """The fields that were given, by the names of the operation."""
        found = {name: getattr(self, name) for name in self.model_fields_set}
        if "roles" in found:
            found["grants"] = [Grant(each.role, each.tag) for each in found.pop("roles")]
        return found


class NewUser(Names):
    """Somebody who may log in from now on."""

    email: given.Name | None = None
    username: given.Name = Field(examples=["ada"])
    password: Password
    roles: list[NewGrant] = Field(max_length=1000, description="One for each tag, and one for all pipelines.")
    active: bool = True


class Changes(Names):
    """Only what changes. `roles` are replaced as a whole."""

    email: given.Name | None = Field(default_factory=given.unsaid)
    username: given.Name = Field(default_factory=given.unsaid)
    password: Password = Field(default_factory=given.unsaid)
    roles: list[NewGrant] = Field(default_factory=given.unsaid, max_length=1000)
    active: bool = Field(default_factory=given.unsaid)


class OwnChanges(Names):
    """Only what changes of oneself; another password takes the one that is."""

    password: Password = Field(default_factory=given.unsaid)
    current_password: Password = Field(default_factory=given.unsaid)


@router.get("/users", summary="All users", responses=answers.tells("Users"))
@gate.needs(Role.ADMIN)
def list_all(home: Home) -> Response:
    return answers.written({"users": [documents.user(each) for each in users.all_of(home)]})


@router.post("/users", status_code=201, summary="Make a user", responses=answers.tells("User", 201))
@gate.needs(Role.OWNER)
def create(home: Home, new: NewUser) -> Response:
    made = users.create(home, **new.said)
    return answers.written(documents.user(made), 201, {"Location": f"/v1/users/{made.id}"})


@router.get("/users/me", summary="Who calls", responses=SHOWN)
def show_self(home: Whole, who: Who) -> Response:
    """404 for a token that is nobody's own."""
    return answers.written(documents.user(users.get(home, _own(who))))


@router.patch("/users/me", summary="Change oneself", responses=SHOWN)
def change_self(home: Whole, who: Who, changes: OwnChanges) -> Response:
    """Whoever changes the password has to log in again, wherever they are. 429 once too many were wrong."""
    said = {name: value for name, value in changes.said.items() if name != "current_password"}
    if "password" in said and not sessions.is_confirmed(home, _own(who), changes.current_password or ""):
        raise errors.BadField(field="current_password", given="another", expected="the password that is")
    return answers.written(documents.user(users.change(home, _own(who), said)))


@router.get("/users/{user_id:number}", summary="A user", responses=SHOWN)
@gate.needs(Role.ADMIN)
def show(home: Home, user_id: UserId) -> Response:
    return answers.written(documents.user(users.get(home, user_id)))


@router.patch("/users/{user_id:number}", summary="Change a user", responses=SHOWN)
@gate.needs(Role.OWNER)
def change(home: Home, user_id: UserId, changes: Changes) -> Response:
    """No token of one who has another password, or is not active any more, lets anybody in."""
    return answers.written(documents.user(users.change(home, user_id, changes.said)))


@router.delete("/users/{user_id:number}", status_code=204, summary="Delete a user", response_class=Response)
@gate.needs(Role.OWNER)
def delete(home: Home, user_id: UserId) -> Response:
    """What they did stays told in the audit."""
    users.delete(home, user_id)
    return Response(status_code=204)


def _own(who: Caller) -> int:
    if who.user_id is None:
        raise errors.UserNotFound(user=f"of the token {who.name}")
    return who.user_id
