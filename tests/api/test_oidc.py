"""Logging in by a provider of identities: one that is run for it, and asked over HTTP."""

import importlib
import json
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest
from tests.api.conftest import URL, Served, refused, serving

from headrace import clock, errors
from headrace.api import oidc
from headrace.api.oidc import Oidc
from headrace.app import App
from headrace.model.access import Grant, Role
from headrace.operations import identities, sessions, tokens, users
from headrace.settings import Settings

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the provider, which runs in this process

SECRET = "what only both know"
PEOPLE: dict[str, dict[str, Any]] = {
    "1": {"email": "ada@mill.example", "email_verified": True, "groups": ["millers"], "given_name": "Ada"},
    "2": {"email": "eve@elsewhere.example", "email_verified": True, "groups": ["millers"]},
    "3": {"email": "bob@mill.example", "email_verified": True, "groups": []},
    "4": {"email": "boss@mill.example", "email_verified": True, "groups": ["bosses", "millers"]},
    "5": {"email": "old@mill.example", "email_verified": False, "groups": ["millers"]},
}


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with warnings.catch_warnings():
        importlib.import_module("authlib.deprecate")  # from its import on its warnings are always shown: it comes first
        warnings.simplefilter("ignore")  # it uses what its libraries would rather not have used
        provider: Any = importlib.import_module("oidc_provider_mock")
        people = [provider.User(sub=sub, claims=claims) for sub, claims in PEOPLE.items()]
        with provider.run_server_in_thread(user_claims=people, require_nonce=True) as server:
            yield f"http://localhost:{server.server_port}"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, issuer: str) -> Iterator[Served]:
    given: dict[str, Any] = {"oidc_issuer": issuer, "oidc_client_id": "headrace", "oidc_client_secret": SECRET}
    given |= {"oidc_domains": ("mill.example",)}
    roles = {"millers": "editor:corn", "bosses": "admin"}
    with serving(tmp_path_factory.mktemp("oidc"), **given, oidc_roles=roles) as made:
        yield made


@dataclass
class Browser:
    """Keeps cookies, and goes where it is sent."""

    served: Served
    cookies: dict[str, str]

    def get(self, path: str) -> httpx.Response:
        shown = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        answer = self.served.wire.request("GET", path, headers=shown if self.cookies else {})
        self.cookies |= dict(answer.cookies)
        self.served.wire.client.cookies.clear()
        return answer

    def leave(self) -> str:
        """Where the provider is."""
        answer = self.get("/login/oidc")
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    def come(self, back: str) -> httpx.Response:
        place = urlsplit(back)
        return self.get(f"{place.path}?{place.query}")


def chosen(there: str, person: str) -> str:
    """Where the provider sends the browser back to, once somebody has said who they are."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        answer = httpx.post(there, data={"sub": person})
    assert answer.status_code in (302, 303), answer.text
    return answer.headers["location"]


def logged_in(served: Served, person: str) -> Browser:
    browser = Browser(served, {})
    answer = browser.come(chosen(browser.leave(), person))
    assert answer.status_code == 303, answer.text
    return browser


def test_whoever_the_provider_knows_is_a_user_with_the_roles_of_the_claims(served: Served) -> None:
    me = logged_in(served, "1").get("/v1/users/me").json()
    assert (me["username"], me["email"], me["first_name"]) == ("ada@mill.example", "ada@mill.example", "Ada")
    assert me["roles"] == [{"role": "editor", "tag": "corn"}]
    again = logged_in(served, "1").get("/v1/users/me").json()
    assert again["id"] == me["id"]
    boss = logged_in(served, "4").get("/v1/users/me").json()
    assert boss["roles"] == [{"role": "admin", "tag": None}, {"role": "editor", "tag": "corn"}]


def test_the_roles_are_those_of_the_latest_login(served: Served) -> None:
    me = logged_in(served, "1").get("/v1/users/me").json()
    users.change(served.app, me["id"], {"grants": [Grant(Role.OWNER)]})
    assert logged_in(served, "1").get("/v1/users/me").json()["roles"] == [{"role": "editor", "tag": "corn"}]


def test_what_is_asked_of_the_provider(served: Served) -> None:
    asked = parse_qs(urlsplit(Browser(served, {}).leave()).query)
    assert asked["response_type"] == ["code"]
    assert asked["code_challenge_method"] == ["S256"]
    assert len(asked["code_challenge"][0]) == 43
    assert asked["redirect_uri"] == [f"{URL}/login/oidc/callback"]
    assert {"state", "nonce", "client_id", "scope"} < set(asked)
    assert SECRET not in str(asked)


@pytest.mark.parametrize("person", ["2", "3"])
def test_who_has_no_role_or_no_domain_is_not_let_in(served: Served, person: str) -> None:
    browser = Browser(served, {})
    answer = browser.come(chosen(browser.leave(), person))
    assert answer.status_code == 403
    assert SECRET not in answer.text
    refused(browser.get("/v1/users/me"), 401)


def test_an_email_that_is_verified_is_that_of_who_was_here_before(served: Served, issuer: str) -> None:
    made = users.create(served.app, "old", "a long password", [Grant(Role.VIEWER)], email="old@mill.example")
    browser = Browser(served, {})
    assert browser.come(chosen(browser.leave(), "5")).status_code == 403, "nobody has verified it"
    claims = {"sub": "5", "email": "OLD@mill.example", "email_verified": True, "groups": "millers"}
    assert identities.known(served.app, issuer, claims).id == made.id
    assert identities.known(served.app, issuer, {**claims, "email": "x@mill.example"}).id == made.id


def test_who_made_a_user_has_no_part_in_what_the_provider_gives_them(served: Served, issuer: str) -> None:
    """An administrator who gives a user of their own the email of one who has not come yet gains nothing by it."""
    email, password = "director@mill.example", "known to who made it"
    made = users.create(served.app, "trap", password, [Grant(Role.VIEWER)], email=email)
    prepared = sessions.login(served.app, "trap", password, "here").said
    _, lasting = tokens.create(served.app, "trap", Role.OWNER, user_id=made.id)
    claims = {"sub": "director", "email": email, "email_verified": True, "groups": ["bosses"]}
    found = identities.known(served.app, issuer, claims)
    assert (found.id, Grant(Role.ADMIN) in found.grants) == (made.id, True)
    for said in (prepared, lasting):
        assert tokens.caller(served.app, said) is None
    with pytest.raises(errors.LoginRefused):
        sessions.login(served.app, "trap", password, "here")
    with pytest.raises(errors.BadUser, match="password"):
        users.change(served.app, made.id, {"password": "another password"})
    assert sessions.begin(served.app, identities.known(served.app, issuer, claims)).user.id == made.id


def test_an_email_that_nobody_has_verified_is_nobodys(app: Callable[..., App], issuer: str) -> None:
    home, email = app(oidc_roles={"*": "viewer"}), "chief@mill.example"
    for said in ({}, {"email_verified": False}, {"email_verified": "true"}):
        squatter = identities.known(home, issuer, {"sub": "squatter", "email": email, **said})
        assert (squatter.username, squatter.email) == (f"{issuer}|squatter", None)
    chief = identities.known(home, issuer, {"sub": "chief", "email": email, "email_verified": True})
    assert (chief.username, chief.id == squatter.id) == (email, False)
    with pytest.raises(errors.UserExists):
        identities.known(home, issuer, {"sub": "another", "email": email, "email_verified": True})


def test_who_has_a_name_like_an_email_there_comes_in_without_one_here(app: Callable[..., App]) -> None:
    home, issuer = app(oidc_roles={"*": "viewer"}), "https://id.example"
    came = [identities.known(home, issuer, {"sub": sub}) for sub in ("email|ada@b.example", "email|ada%b.example")]
    assert [each.username for each in came] == [f"{issuer}|email|ada%40b.example", f"{issuer}|email|ada%b.example"]
    assert identities.known(home, issuer, {"sub": "email|ada@b.example"}).id == came[0].id
    assert users.known(home, "ada@b.example") is None


def test_a_domain_is_of_an_email_that_is_verified(served: Served, issuer: str) -> None:
    claims = {"sub": "unsaid", "email": "unsaid@mill.example", "groups": ["millers"]}
    for said in ({}, {"email_verified": False}):
        with pytest.raises(errors.OidcRefused, match="verified"):
            identities.known(served.app, issuer, {**claims, **said})
    assert identities.known(served.app, issuer, {**claims, "email_verified": True}).email == claims["email"]


def test_a_browser_that_was_not_sent_is_not_let_in(served: Served) -> None:
    back = chosen(Browser(served, {}).leave(), "1")
    assert Browser(served, {}).come(back).status_code == 403, "another browser has left"
    browser = Browser(served, {})
    there = browser.leave()
    assert browser.come(f"{URL}/login/oidc/callback?code=x&state=guess").status_code == 403
    back = chosen(there, "1")
    assert browser.come(back).status_code == 303
    assert browser.come(back).status_code == 403, "once"
    assert Browser(served, {}).come(f"{URL}/login/oidc/callback").status_code == 403
    browser = Browser(served, {})
    state = parse_qs(urlsplit(browser.leave()).query)["state"][0]
    answer = browser.come(f"{URL}/login/oidc/callback?error=<b>no</b>&state={state}")
    assert answer.status_code == 403
    assert "<b>no" not in answer.text


def test_a_browser_that_was_away_too_long_is_not_let_in(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oidc, "GOOD_FOR", -1.0)
    browser = Browser(served, {})
    back = chosen(browser.leave(), "1")
    browser.cookies["headrace-login"] = parse_qs(urlsplit(back).query)["state"][0]
    assert browser.come(back).status_code == 403


@pytest.mark.parametrize("said", ["", "x.y.z", jwt.encode({"sub": "1"}, "", "none")])
def test_a_word_that_is_not_signed_by_the_provider_is_not_believed(served: Served, said: str) -> None:
    found = Oidc(served.app)
    keys = {"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "1"}]}
    with pytest.raises(errors.OidcRefused):
        found._verified(said, keys, "nonce")  # pyright: ignore[reportPrivateUsage]


def test_a_word_is_for_this_server_of_this_provider_for_this_browser_and_of_now(served: Served, issuer: str) -> None:
    from cryptography.hazmat.primitives.asymmetric import rsa
    from jwt.algorithms import RSAAlgorithm

    key = rsa.generate_private_key(65537, 2048)
    keys = {"keys": [{**json.loads(RSAAlgorithm.to_jwk(key.public_key())), "kid": "1"}]}
    found = Oidc(served.app)
    now = int(clock.now().timestamp())
    right = {"iss": issuer, "sub": "1", "aud": "headrace", "exp": now + 60, "iat": now, "nonce": "nonce"}

    def verified(**other: Any) -> Any:
        word = jwt.encode({**right, **other}, key, "RS256", headers={"kid": "1"})
        return found._verified(word, keys, "nonce")  # pyright: ignore[reportPrivateUsage]

    assert verified()["sub"] == "1"
    wrong: list[dict[str, Any]] = [
        {"iss": "http://localhost:1"},
        {"aud": "another"},
        {"aud": ["headrace", "another"], "azp": "another"},
        {"exp": now - 120},
        {"nonce": "another"},
        {"nonce": None},
        {"iat": now + 3600},
    ]
    for other in wrong:
        with pytest.raises(errors.OidcRefused):
            verified(**other)


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Callable[..., App]]:
    made: list[App] = []

    def make(**given: Any) -> App:
        plain: dict[str, Any] = {"oidc_issuer": "https://id.example", "oidc_client_id": "headrace"}
        made.append(App(replace(Settings(home=tmp_path), **plain | given)))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"oidc_issuer": "http://id.example"}, "oidc_issuer"),
        ({"oidc_issuer": "id.example"}, "oidc_issuer"),
        ({"oidc_client_id": ""}, "oidc_client_id"),
        ({"oidc_roles": {"x": "king"}}, "oidc_roles"),
    ],
)
def test_what_cannot_work_is_told_at_the_start(app: Callable[..., App], given: dict[str, Any], name: str) -> None:
    with pytest.raises(errors.BadSetting, match=name):
        Oidc(app(**given))


def test_without_the_extra_it_is_said_what_to_install(app: Callable[..., App], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
    with pytest.raises(errors.OidcMissing, match=r"install headrace\[oidc\]"):
        Oidc(app())


def test_a_provider_that_is_away_lets_nobody_in(tmp_path: Path) -> None:
    with serving(tmp_path, oidc_issuer="http://localhost:1", oidc_client_id="headrace") as made:
        answer = made.client(None).get("/login/oidc")
        assert answer.status_code == 403
        assert "does not answer" in answer.text
