"""Every route of the API × everybody who may come: who is let in is what tests/api/access.py says, and nothing else."""

from tests.api.access import LEAST
from tests.api.conftest import Served, refused
from tests.walking import Walk, Walked


class TestAccess(Walked):
    walk = Walk("/v1", LEAST, of_all=("POST /events",), ends=("DELETE /sessions/current",))


def test_who_shows_a_token_in_the_address_is_nobody(served: Served) -> None:
    for name in ("token", "access_token", "api_key", "authorization"):
        refused(served.client(None).get(f"/v1/runs?{name}={served.client().token}"), 401)


def test_nothing_of_a_body_is_read_before_it_is_known_who_calls(served: Served) -> None:
    answer = served.client(None).post("/v1/runs", content=b"[" * 100_000)
    refused(answer, 401)
