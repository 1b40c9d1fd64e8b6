"""Identities: who comes from a provider (OpenID Connect) is a user here, with the roles that the provider's claims stand for."""

from collections.abc import Iterable, Mapping
from typing import Any, cast

from headrace import clock, errors
from headrace.app import App
from headrace.model import access
from headrace.model.access import Grant, Role, User
from headrace.operations import users

EVERYBODY = "*"  # a value that everybody's claim has


def known(app: App, issuer: str, claims: Mapping[str, Any]) -> User:
    """The user whom these claims, which were verified, are about: made when they come first, with the roles of today.

    Their email counts only if the provider says that it has verified it. OidcRefused for one that is of no domain that is
    let in; UserExists where another has come with that email.
    """
    subject, email = f"{issuer}|{claims['sub']}", _email(claims)
    _refuse_domain(app, issuer, email)
    grants = granted(app.settings.oidc_roles, claims.get(app.settings.oidc_claim))
    found = app.store.users.known(subject) or _claimed(app, subject, email)
    if found is None:
        name = email or subject.replace("@", "%40")  # a username with @ would be an email
        return users.create(app, name, None, grants, email=email, subject=subject, **_names(claims))
    return app.store.users.change(found.id, _names(claims), clock.now(), grants if app.settings.oidc_roles else None)


def granted(roles: Mapping[str, str], claim: Any) -> list[Grant]:
    """What the values of a claim stand for: of each tag, and of all pipelines, the highest role. BadSetting."""
    values = {str(each) for each in cast("Iterable[Any]", claim)} if isinstance(claim, list | tuple) else {str(claim)}
    found: dict[str | None, Role] = {}
    for value, said in roles.items():
        grant = read(value, said)
        if value == EVERYBODY or value in values:
            found[grant.tag] = access.highest([grant.role, *filter(None, [found.get(grant.tag)])]) or grant.role
    return [Grant(role, tag) for tag, role in found.items()]


def read(value: str, said: str) -> Grant:
    """`editor`, or `editor:finance` for the pipelines of that tag. BadSetting."""
    role, _, tag = said.partition(":")
    if role not in list(Role):
        expected = f"{value}=ROLE or {value}=ROLE:TAG, with one of {', '.join(Role)}"
        raise errors.BadSetting(name="oidc_roles", source="settings", given=said, expected=expected)
    return Grant(Role(role), tag or None)


def _claimed(app: App, subject: str, email: str | None) -> User | None:
    """Somebody who was here before with that email is the same from now on, and comes by the provider alone.

    Whoever made the user may have a password or a token of theirs, and is not to have the roles that the claims give: none
    of these lets in any more. Nobody who has come by a provider before is taken for another.
    """
    found = users.known(app, email) if email else None
    if found is None or app.store.users.subject(found.id) is not None:
        return None
    return app.store.users.change(found.id, {"subject": subject, "password": None}, clock.now())


def _refuse_domain(app: App, issuer: str, email: str | None) -> None:
    allowed = [each.casefold() for each in app.settings.oidc_domains]
    if allowed and (email or "").rpartition("@")[2].casefold() not in allowed:
        raise errors.OidcRefused(issuer=issuer, why="it has verified no email of a domain that is let in")


def _email(claims: Mapping[str, Any]) -> str | None:
    """The one that the provider says it has verified; what somebody has only said of themselves is none."""
    said = claims.get("email") if claims.get("email_verified") is True else None
    return said if isinstance(said, str) and users.is_email(said) else None


def _names(claims: Mapping[str, Any]) -> dict[str, str]:
    given = {"first_name": claims.get("given_name"), "last_name": claims.get("family_name")}
    return {name: said[: users.LONGEST] for name, said in given.items() if isinstance(said, str) and said.isprintable()}
