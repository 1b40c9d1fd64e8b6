"""A server at a port of its own, with the project `mill` of tests/api, and clients of it."""

from collections.abc import Iterator

import pytest
from tests.api.conftest import Served, serving
from tests.api.sockets import Site, listening_at
from tests.client import losing
from tests.client.losing import Proxy

from headrace import Client
from headrace.model.access import Role


@pytest.fixture(scope="session")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The home that is served."""
    with serving(tmp_path_factory.mktemp("client")) as made:
        yield made


@pytest.fixture(scope="session")
def site(here: Served) -> Iterator[Site]:
    """Where it is served, with its owner's token."""
    with listening_at(here) as made:
        yield Site(made.url, here.said[Role.OWNER])


@pytest.fixture
def client(site: Site) -> Iterator[Client]:
    with Client(site.url, site.token) as made:
        yield made


@pytest.fixture
def proxy(site: Site) -> Iterator[Proxy]:
    with losing.before(site.url) as made:
        yield made


@pytest.fixture
def behind(site: Site, proxy: Proxy) -> Iterator[Client]:
    """A client that asks through the proxy."""
    with Client(proxy.url, site.token) as made:
        yield made
