"""Users are listed, looked at, made, changed and deleted; roles are told, and given to users."""

from collections.abc import Mapping
from typing import Any

from headrace import errors
from headrace.api import auditing, gate
from headrace.api.mage.asked import Asked
from headrace.api.mage.envelopes import Many, cut, page
from headrace.api.mage.fields import text, text_if_any
from headrace.api.mage.resources import Resource
from headrace.api.mage.users import given, shapes
from headrace.app import App
from headrace.model.access import Caller, Grant, Role, User
from headrace.operations import sessions, users

user_noun = Resource("user", "users")
user_role_noun = Resource("user_role", "user_roles")
RESOURCES = (user_noun, user_role_noun)


@user_noun.list("/users", role=Role.ADMIN, shape=shapes.ListedUser)
def list_all(asked: Asked) -> Many:
    shown, count, more = cut(users.all_of(asked.home), asked.query.limit(), asked.query.offset)
    return page([shapes.user(each) for each in shown], count, more=more)


@user_noun.detail("/users/{user_id}", shape=shapes.ShownUser)
def show(asked: Asked) -> shapes.ShownUser:
    """Oneself, or for an administrator anybody."""
    return shapes.shown_user(users.get(_home_for(asked), asked.id("user_id")))


@user_noun.create("/users", role=Role.OWNER, writes=given.CREATES, shape=shapes.ShownUser)
def create(asked: Asked) -> shapes.ShownUser:
    said = given.changes(asked)
    name, password = said.pop("username", None) or text(asked, "email"), said.pop("password", None)
    made = users.create(asked.home, name, password or text(asked, "password"), said.pop("grants", ()), **said)
    auditing.touch(asked.request, "users", made.id)
    return shapes.shown_user(made)


@user_noun.update("/users/{user_id}", role=Role.VIEWER, writes=given.UPDATES, shape=shapes.ShownUser)
def change(asked: Asked) -> shapes.ShownUser:
    """Oneself, who says the password that is to have another; or anybody, for those who are above them.

    By which username and email somebody is known, administrators say: a provider of identities goes by the email.
    """
    home, caller, said = _home_for(asked), _caller(asked), given.changes(asked)
    user = users.get(home, asked.id("user_id"))
    if caller.user_id == user.id:
        _refuse_wrong_password(asked, home, user, said.get("password"))
    if _is_renamed(user, said):
        gate.refuse_above(caller, Role.ADMIN)
    if caller.user_id != user.id or _is_renamed(user, said) or "grants" in said:
        _refuse_above(caller, user)
    for grant in said.get("grants", ()):
        gate.refuse_above(caller, grant.role)
    return shapes.shown_user(users.change(home, user.id, said))


@user_noun.delete("/users/{user_id}", role=Role.OWNER, shape=shapes.ShownUser)
def delete(asked: Asked) -> shapes.ShownUser:
    user = users.get(asked.home, asked.id("user_id"))
    users.delete(asked.home, user.id)
    return shapes.shown_user(user)


@user_role_noun.create("/user_roles", role=Role.ADMIN, writes=("role_id", "user_id"), shape=shapes.Granted)
def grant(asked: Asked) -> shapes.Granted:
    """The user has that role for all pipelines, in place of the one they had."""
    user_id, role = asked.given.get("user_id"), given.role(asked.given.get("role_id"))
    if isinstance(user_id, bool) or not isinstance(user_id, int):
        raise errors.BadField(field="user_id", given=user_id, expected="the id of a user")
    user = users.get(asked.home, user_id)
    _refuse_above(_caller(asked), user)
    gate.refuse_above(_caller(asked), role)
    changed = users.change(asked.home, user.id, {"grants": [*_tagged(user), Grant(role)]})
    auditing.touch(asked.request, "users", user.id)
    return shapes.granted(changed, role)


@user_role_noun.delete("/user_roles/{user_id}", role=Role.ADMIN, shape=shapes.Granted)
def revoke(asked: Asked) -> shapes.Granted:
    """The user's role for all pipelines; those for pipelines of a tag stay."""
    user = users.get(asked.home, asked.id("user_id"))
    if user.everywhere is None:
        raise errors.NoSuchRecord(noun="role of user", id=user.id)
    _refuse_above(_caller(asked), user)
    users.change(asked.home, user.id, {"grants": _tagged(user)})
    return shapes.granted(user, user.everywhere)


def _caller(asked: Asked) -> Caller:
    assert asked.caller  # noqa: S101 - none of these routes is open to all
    return asked.caller


def _home_for(asked: Asked) -> App:
    """The whole home: what is asked is about who calls, or who calls is an administrator. NotAllowed."""
    caller = _caller(asked)
    if caller.user_id is None or caller.user_id != asked.id("user_id"):
        gate.refuse_above(caller, Role.ADMIN)
    return asked.request.app.state.home


def _is_renamed(user: User, said: Mapping[str, Any]) -> bool:
    return any(name in said and said[name] != getattr(user, name) for name in given.TEXTS)


def _refuse_above(caller: Caller, user: User) -> None:
    """Nobody changes what those above them are. NotAllowed."""
    for each in user.grants:
        gate.refuse_above(caller, each.role)


def _refuse_wrong_password(asked: Asked, home: App, user: User, new: str | None) -> None:
    current = text_if_any(asked, "password_current")
    if new is not None and not sessions.is_confirmed(home, user.id, current or ""):
        raise errors.BadRecord(why="Current password is incorrect.")


def _tagged(user: User) -> list[Grant]:
    return [grant for grant in user.grants if grant.tag is not None]
