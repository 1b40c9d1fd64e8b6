"""Logging in and out."""

from headrace import clock, errors
from headrace.api import auditing, gate
from headrace.api.mage import entrance
from headrace.api.mage.asked import Asked
from headrace.api.mage.envelopes import Many
from headrace.api.mage.fields import text, text_if_any
from headrace.api.mage.resources import Resource
from headrace.api.mage.sessions import shapes
from headrace.app import App
from headrace.model.access import Role
from headrace.operations import sessions, users

noun = Resource("session", "sessions")
oauth_noun = Resource("oauth", "oauths")
RESOURCES = (noun, oauth_noun)
CREDENTIALS = ("email", "password", "provider", "token", "username")


@noun.create("/sessions", role=None, writes=CREDENTIALS, shape=shapes.Session)
def login(asked: Asked) -> shapes.Session:
    """Somebody logs in, by email or username, and with the key that Mage's clients have."""
    if not entrance.has_key(asked.request, asked.body):
        raise errors.NotAuthenticated(why="the key of Mage's clients is missing")
    if text_if_any(asked, "provider"):
        raise errors.BadRecord(why=f"Whoever comes by a provider of identities logs in at {shapes.LOGIN}.")
    name = text_if_any(asked, "email") or text(asked, "username")
    where = gate.address(asked.request)
    begun = sessions.login(asked.home, name, text_if_any(asked, "password") or "", where)
    auditing.touch(asked.request, "users", begun.user.id)
    return _session(asked.home, begun)


@noun.update("/sessions/{session_id}", role=Role.VIEWER, writes=CREDENTIALS, shape=shapes.Session)
def logout(asked: Asked) -> shapes.Session:
    """The token that is shown lets nobody in any more, whatever the address says."""
    home: App = asked.request.app.state.home
    if asked.caller is None or asked.caller.user_id is None:
        raise errors.BadRecord(why="The token is none of a session; it is revoked by `headrace token revoke`.")
    user, now = users.get(home, asked.caller.user_id), clock.now()
    said, _ = entrance.shown(asked.request)
    sessions.logout(home, asked.caller.token_id)
    return shapes.session(user, entrance.wrapped(home, said, now.timestamp()), now)


@oauth_noun.list("/oauths", role=None, shape=shapes.Oauth)
def list_providers(asked: Asked) -> Many:
    """Those by which browsers log in: one, if the settings name it."""
    return Many([shapes.oauth()] if asked.home.settings.oidc_issuer else [], {})


@oauth_noun.detail("/oauths/{provider}", role=None, shape=shapes.Oauth)
def show_provider(asked: Asked) -> shapes.Oauth:
    provider = asked.path("provider")
    if provider != shapes.PROVIDER or not asked.home.settings.oidc_issuer:
        raise errors.NoSuchRecord(noun="provider", id=f"{provider:.80}")
    return shapes.oauth()


def _session(home: App, begun: sessions.Session) -> shapes.Session:
    expires = begun.token.expires_at
    assert expires  # noqa: S101 - sessions end
    return shapes.session(begun.user, entrance.wrapped(home, begun.said, expires.timestamp()), expires)
