"""The story that docs/guides/maestro.md tells, with the jobs of examples/sales and a real PostgreSQL."""

import shlex
import sys
from collections.abc import Iterator

import psycopg
import pytest
from tests.api.conftest import Served
from tests.api.sockets import listening_at
from tests.dialects import telling
from tests.postgres import Server

from headrace import identity
from headrace.model.access import Role

SHOP = (
    "CREATE SCHEMA shop",
    "CREATE TABLE shop.customers AS SELECT i AS customer_id, 'c' || i AS name FROM generate_series(1, 2) i",
    "CREATE TABLE shop.products AS SELECT i AS product_id, 'p' || i AS name FROM generate_series(1, 2) i",
    "CREATE TABLE shop.sales AS SELECT i::bigint AS sale_id, 1 AS customer_id, i * 1.5 AS amount"
    " FROM generate_series(1, 3) i",
)
PSQL = "import psycopg, sys; psycopg.connect(sys.argv[1], autocommit=True).execute(sys.argv[-1])"


@pytest.fixture
def shop(postgres_server: Server) -> Iterator[str]:
    """The URL of a shop's database."""
    name = f"shop_{identity.new()}"
    url = postgres_server.create(name)
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in SHOP:
            connection.execute(statement.encode())
    yield url
    postgres_server.drop(name)


def test_the_story_is_as_it_is_told(alone: Served, shop: str) -> None:
    with listening_at(alone) as site:
        said = {"TOKEN": alone.said[Role.EDITOR], "ADMIN": alone.said[Role.ADMIN]}
        psql = f'() {{ {shlex.join([sys.executable, "-c", PSQL])} "$@"; }}'  # which need not be installed
        telling.tell("maestro.md", {"URL": site.url, "SHOP": shop, "BASH_FUNC_psql%%": psql, **said})
