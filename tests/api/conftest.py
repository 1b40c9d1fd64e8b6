"""A server in this process: a real home with an engine, and the applications of `headrace serve`, called without a socket.

Most tests share one server, so each makes things under names of its own; a test that drains it or fills it takes `alone`.
"""

import contextlib
import itertools
import textwrap
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from starlette.types import ASGIApp
from tests.api.described import Described

from headrace import clock
from headrace.api import server
from headrace.api.entrance import Entrance
from headrace.api.feed import Feed
from headrace.app import App
from headrace.model.access import Role
from headrace.operations import projects, tokens
from headrace.settings import Settings

T = TypeVar("T")
PATIENCE = 30.0  # seconds after which a test gives up; the machine may be busy
URL = "http://127.0.0.1:6789"
WAIT = {"Prefer": "wait=30"}
PROBLEM = "application/problem+json"

GRIND = {
    "load.py": """
        from mage_ai.data_preparation.decorators import data_loader

        @data_loader
        def load(*args, **kwargs):
            print("loading", kwargs.get("day"))
            return {"day": kwargs.get("day"), "grains": [1, 2, 3]}
        """,
    "sieve.py": """
        from mage_ai.data_preparation.decorators import transformer

        @transformer
        def sieve(given, *args, **kwargs):
            return [grain for grain in given["grains"] if grain > 1]
        """,
}
METADATA = """
name: {name}
type: python
tags: [corn]
blocks:
- {{uuid: load, type: data_loader, language: python, upstream_blocks: [], downstream_blocks: [sieve]}}
- {{uuid: sieve, type: transformer, language: python, upstream_blocks: [load], downstream_blocks: []}}
"""
FAILING = """
    from mage_ai.data_preparation.decorators import custom

    @custom
    def crack(*args, **kwargs):
        raise ValueError("the stone is cracked")
    """
WAITING = """
    import os, time
    from mage_ai.data_preparation.decorators import custom

    @custom
    def turn(*args, **kwargs):
        while not os.path.exists(kwargs["until"]):
            time.sleep(0.01)
        return 1
    """
SINGLE = """
name: {name}
type: python
blocks:
- {{uuid: {block}, type: custom, language: python, upstream_blocks: [], downstream_blocks: []}}
"""


def mill(folder: Path) -> Path:
    """A project: `grind` works, `crack` fails, `turn` runs until the file `until` is there, `broken` cannot be read."""
    for file, code in GRIND.items():
        kind = "data_loaders" if file == "load.py" else "transformers"
        _write(folder / kind / file, code)
    _write(folder / "custom" / "crack.py", FAILING)
    _write(folder / "custom" / "turn.py", WAITING)
    _write(folder / "pipelines" / "grind" / "metadata.yaml", METADATA.format(name="grind"))
    for name in ("crack", "turn"):
        _write(folder / "pipelines" / name / "metadata.yaml", SINGLE.format(name=name, block=name))
    _write(folder / "pipelines" / "broken" / "metadata.yaml", "blocks: 3")
    return folder


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(textwrap.dedent(text).lstrip("\n"))


@dataclass
class Served:
    """A home that is served: `client(role)` calls it with a token of that role, or with none."""

    app: App
    feed: Feed
    application: ASGIApp
    folder: Path  # of the project `mill`
    said: Mapping[Role, str]  # what the token of each role says
    wire: "Wire"
    _names: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def client(self, role: Role | None = Role.OWNER) -> "Caller":
        return Caller(self.wire, self.said[role] if role else None)

    def caller(self, token: str) -> "Caller":
        """Somebody who shows that token."""
        return Caller(self.wire, token)

    def token(self, role: Role, lifetime: timedelta | None = None) -> tuple[int, str]:
        """A new token: its id, and what it says."""
        made, said = tokens.create(self.app, f"token {next(self._names)}", role, lifetime)
        return made.id, said

    def name(self, noun: str = "name") -> str:
        """A name that nothing else has."""
        return f"{noun}-{next(self._names)}"

    def until(self, found: Callable[[], T]) -> T:
        """What is found, once there is something."""
        patience, look = clock.monotonic() + PATIENCE, threading.Event()
        while not (seen := found()) and clock.monotonic() < patience:
            look.wait(0.02)
        assert seen
        return seen

    def run(self, pipeline: str = "grind", **variables: Any) -> dict[str, Any]:
        """A run of that pipeline of `mill` that has ended."""
        answer = self.client().post("/v1/runs", json={"pipeline": pipeline, "variables": variables}, headers=WAIT)
        assert answer.status_code == 201, answer.text
        return answer.json()


@dataclass
class Wire:
    """Where requests to a server in this process go, from any thread: one event loop answers all of them."""

    portal: BlockingPortal
    client: httpx.AsyncClient

    def request(self, method: str, path: str, **given: Any) -> httpx.Response:
        """The answer, which is as the description of the API says."""
        answer = self.portal.call(partial(self.client.request, method, path, **given))
        self.described.check(answer)
        return answer

    @cached_property
    def described(self) -> Described:
        return Described(self.portal.call(self.client.get, "/v1/openapi.json").json())


@dataclass
class Caller:
    """Sends requests to a server in this process, with a token unless there is none."""

    wire: Wire
    token: str | None

    def request(self, method: str, path: str, headers: Mapping[str, str] | None = None, **given: Any) -> httpx.Response:
        shown = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return self.wire.request(method, path, headers={**shown, **(headers or {})}, **given)

    def get(self, path: str, **given: Any) -> httpx.Response:
        return self.request("GET", path, **given)

    def post(self, path: str, **given: Any) -> httpx.Response:
        return self.request("POST", path, **given)

    def put(self, path: str, **given: Any) -> httpx.Response:
        return self.request("PUT", path, **given)

    def patch(self, path: str, **given: Any) -> httpx.Response:
        return self.request("PATCH", path, **given)

    def delete(self, path: str, **given: Any) -> httpx.Response:
        return self.request("DELETE", path, **given)


def refused(answer: httpx.Response, status: int, field: str | None = None) -> dict[str, Any]:
    """The problem document that the answer is to be; `field` is among those it names."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == PROBLEM
    problem = answer.json()
    assert problem["status"] == status
    if field is not None:
        assert any(f"{each['field']}.".startswith(f"{field}.") for each in problem["errors"]), problem
    return problem


@contextlib.contextmanager
def serving(root: Path, database: str | None = None, **given: Any) -> Iterator[Served]:
    """A new home in that folder, served, with the project `mill` known to it, and with the settings that are given."""
    settings = Settings(home=root / "home", database=database, workers=2, **given)
    folder = mill(root / "mill")
    feed = Feed()
    with App(settings) as app:
        app.start((feed,))
        projects.register(app, folder)
        feed.start(app)
        application = server.build(app, feed, Entrance(app), "127.0.0.1")
        said = {role: tokens.create(app, role.value, role)[1] for role in Role}
        transport = httpx.ASGITransport(application, raise_app_exceptions=False)
        with start_blocking_portal() as portal:
            wire = Wire(portal, httpx.AsyncClient(transport=transport, base_url=URL, timeout=60))
            yield Served(app, feed, application, folder, said, wire)
        feed.close()


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The server that tests share."""
    with serving(tmp_path_factory.mktemp("served")) as made:
        yield made


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Served]:
    """A server of the test's own."""
    with serving(tmp_path) as made:
        yield made


@pytest.fixture(params=["sqlite", "postgres"])
def either(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Served]:
    """A server of the test's own, over each kind of database."""
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else None
    with serving(tmp_path, url) as made:
        yield made


@pytest.fixture
def client(served: Served) -> Caller:
    """The owner's, of the server that tests share."""
    return served.client()


@pytest.fixture
def as_role(served: Served) -> Callable[[Role | None], Caller]:
    return served.client
