"""A session as Mage shows it: the token within a JWT."""

from datetime import datetime
from typing import Any

from typing_extensions import TypedDict

from headrace.api.mage import dates
from headrace.api.mage.users import shapes
from headrace.api.mage.users.shapes import SessionUser
from headrace.model.access import User


class Session(TypedDict):
    expires: str
    token: str
    user: SessionUser


class Oauth(TypedDict):
    """A provider of identities, and where a browser is sent to it."""

    authenticated: bool
    expires: str | None
    provider: str
    redirect_query_params: dict[str, Any]
    url: str


PROVIDER = "oidc_generic"  # Mage's word for one that has none of its own
LOGIN = "/login/oidc"


def oauth() -> Oauth:
    return {"authenticated": False, "expires": None, "provider": PROVIDER, "redirect_query_params": {}, "url": LOGIN}


def session(user: User, token: str, expires: datetime) -> Session:
    """`token` is the JWT."""
    return {"expires": dates.spaced(expires), "token": token, "user": shapes.session_user(user)}
