"""Roles and permissions: the four that there are, which nobody makes or changes; and the tokens of users."""

from headrace import errors
from headrace.api.mage.asked import Asked
from headrace.api.mage.envelopes import Many, cut, page
from headrace.api.mage.resources import Resource
from headrace.api.mage.users import shapes
from headrace.app import App
from headrace.model.access import Grant, Role
from headrace.operations import users

role_noun = Resource("role", "roles")
permission_noun = Resource("permission", "permissions")
role_permission_noun = Resource("role_permission", "role_permissions")
access_token_noun = Resource("oauth_access_token", "oauth_access_tokens")
RESOURCES = (role_noun, permission_noun, role_permission_noun, access_token_noun)
FILTERS = ("entity", "entity_ids[]", "limit_roles")
FIXED = "The roles are Owner, Admin, Editor and Viewer; for some pipelines alone they are given by a tag of these."


@role_noun.list("/roles", query=FILTERS, shape=shapes.ListedRole)
def list_roles(asked: Asked) -> Many:
    shown, count, more = cut(shapes.ROLES, asked.query.limit(), asked.query.offset)
    return page([shapes.role(each) for each in shown], count, more=more)


@role_noun.detail("/roles/{role_id}", query=FILTERS, shape=shapes.ShownRole)
def show_role(asked: Asked) -> shapes.ShownRole:
    """Administrators are told who has it."""
    known = users.all_of(asked.home) if asked.may(Role.ADMIN) else []
    return shapes.shown_role(_role(asked, "role_id"), known)


@permission_noun.list("/permissions", query=("only_entity_options",), shape=shapes.Permission)
def list_permissions(asked: Asked) -> Many:
    """One for each role."""
    shown, count, more = cut(shapes.ROLES, asked.query.limit(), asked.query.offset)
    return page([shapes.permission(Grant(each)) for each in shown], count, more=more)


@permission_noun.detail("/permissions/{permission_id}", shape=shapes.Permission)
def show_permission(asked: Asked) -> shapes.Permission:
    return shapes.permission(Grant(_role(asked, "permission_id")))


@role_noun.create("/roles", role=Role.ADMIN, shape=shapes.ListedRole)
@role_noun.update("/roles/{role_id}", role=Role.ADMIN, shape=shapes.ListedRole)
@role_noun.delete("/roles/{role_id}", role=Role.ADMIN, shape=shapes.ListedRole)
@permission_noun.create("/permissions", role=Role.ADMIN, shape=shapes.Permission)
@permission_noun.update("/permissions/{permission_id}", role=Role.ADMIN, shape=shapes.Permission)
@permission_noun.delete("/permissions/{permission_id}", role=Role.ADMIN, shape=shapes.Permission)
@role_permission_noun.create("/role_permissions", role=Role.ADMIN)
@role_permission_noun.delete("/role_permissions/{role_permission_id}", role=Role.ADMIN)
def refuse(_: Asked) -> shapes.ListedRole:
    """Refused: there are four roles, each with what it may; for some pipelines alone they are given by tag."""
    raise errors.BadRecord(why=FIXED)


@access_token_noun.list("/oauth_access_tokens", query=("show_all",), shape=shapes.AccessToken)
def list_tokens(asked: Asked) -> Many:
    """Those of who calls; for owners, with `show_all`, all. What a token says is told at the login alone."""
    home: App = asked.request.app.state.home
    caller = asked.caller
    every = asked.owns and asked.query.flag("show_all")
    found = home.store.tokens.list(None if every else (caller.user_id if caller else None) or 0)
    shown, count, more = cut(found, asked.query.limit(), asked.query.offset)
    return page([shapes.access_token(each) for each in shown], count, more=more)


def _role(asked: Asked, name: str) -> Role:
    place = asked.id(name)
    if not 1 <= place <= len(shapes.ROLES):
        raise errors.NoSuchRecord(noun=name.removesuffix("_id"), id=place)
    return shapes.ROLES[place - 1]
