"""What `headrace users create`, `edit`, `password` and `delete` do and say."""

import sys
from collections.abc import Sequence
from typing import Any

import click

from headrace import errors, passwords
from headrace.cli import tables
from headrace.cli.places import Place
from headrace.model.access import Grant, Role, User


def create(place: Place, name: str, roles: Sequence[str], **given: Any) -> None:
    grants = [_grant(each) for each in roles]
    made = place.users.create(name, _password(name), grants, _said(given))
    click.echo(f"Made the user {tables.bare(made.username)}, number {made.id}.")


def edit(place: Place, user: str, roles: Sequence[str], **given: Any) -> None:
    changes = _said(given) | ({"grants": [_grant(each) for each in roles]} if roles else {})
    found = place.users.change(_found(place, user), changes)
    click.echo(f"Changed the user {tables.bare(found.username)}.")


def password(place: Place, user: str) -> None:
    found = _found(place, user)
    place.users.change(found, {"password": _password(found.username)})
    click.echo(f"The user {tables.bare(found.username)} has another password, and has to log in again.")


def delete(place: Place, user: str) -> None:
    found = _found(place, user)
    place.users.delete(found)
    click.echo(f"Deleted the user {tables.bare(found.username)}.")


def _found(place: Place, user: str) -> User:
    return place.users.find(int(user) if user.isascii() and user.isdigit() and len(user) < 19 else user)


def _said(given: dict[str, Any]) -> dict[str, Any]:
    """What the command line has said."""
    return {name: value for name, value in given.items() if value is not None}


def _grant(said: str) -> Grant:
    role, _, tag = said.partition(":")
    if role not in list(Role):
        raise errors.BadUser(field="role", given=repr(said), expected=f"ROLE or ROLE:TAG, of {', '.join(Role)}")
    return Grant(Role(role), tag or None)


def _password(name: str) -> str:
    """Asked for twice where somebody sits there; else the first line of stdin."""
    if sys.stdin.isatty():
        asked = f"Password of {tables.bare(name)} (it is not shown)"
        return click.prompt(asked, hide_input=True, confirmation_prompt=True, err=True)
    return sys.stdin.readline(4 * passwords.MOST).rstrip("\r\n")
