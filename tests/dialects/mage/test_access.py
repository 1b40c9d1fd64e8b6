"""Every route of the Mage dialect × everybody who may come: who is let in is what tests/dialects/mage/access.py says."""

import dataclasses
from collections.abc import Iterator

import pytest
from tests import walking
from tests.api.conftest import Served, serving
from tests.dialects.mage.access import EDITOR, LEAST
from tests.walking import Walk, Walked

from headrace.model.access import Grant

MAGE = Walk(
    "/api",
    LEAST,
    ids=("run_id", "trigger_id", "backfill_id", "user_id", "block_run_id", "matcher_id", "role_id", "permission_id"),
    own_token=("/{token}", "/api_trigger", "POST /sessions"),  # whoever shows nothing of theirs is nobody
    of_all=("POST /events",),
    of_oneself=("GET /users/{user_id}",),
    ends=("PUT /sessions/{session_id}",),
    methods=("HEAD", "TRACE", "PROPFIND", "get"),  # browsers ask for OPTIONS before they know who calls
)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server whose answers have their true statuses."""
    with serving(tmp_path_factory.mktemp("true")) as made:
        made.app.settings = dataclasses.replace(made.app.settings, mage_http_error_codes=True)
        yield made


class TestAccess(Walked):
    walk = MAGE


def test_no_path_has_the_method_patch(served: Served) -> None:
    for route in LEAST:
        assert MAGE.ask(served.client(), "PATCH", MAGE.path(route)[1]) == 405, route


def test_a_role_for_a_tag_is_one_for_its_pipelines_alone(served: Served) -> None:
    """What is seen of others is nothing: of a list, of a count, of a run, of what it left behind."""
    run = served.run("grind")
    other = walking.of_user(served, walking.user(served, Grant(EDITOR, "of nothing")))
    own = walking.of_user(served, walking.user(served, Grant(EDITOR, "corn")))
    assert own.get("/api/pipeline_runs").json()["metadata"]["count"] > 0
    listed = other.get("/api/pipeline_runs").json()
    assert listed == {"pipeline_runs": [], "metadata": {"count": 0, "next": False}}
    assert other.get("/api/block_runs").json() == {"block_runs": [], "metadata": {"count": 0, "next": False}}
    for path in ("", "/block_runs", "/blocks"):
        assert own.get(f"/api/pipeline_runs/{run['id']}{path}").json().get("error") is None
        assert other.get(f"/api/pipeline_runs/{run['id']}{path}").json()["error"]["code"] == 404
    for caller, told in ((own, True), (other, False)):
        answer = caller.put(f"/api/pipeline_runs/{run['id']}", json={"pipeline_run": {"status": "cancelled"}})
        assert ("pipeline_run" in answer.json()) is told
    blocks = own.get(f"/api/block_runs?pipeline_run_id={run['id']}").json()["block_runs"]
    assert "outputs" in own.get(f"/api/block_runs/{blocks[0]['id']}/outputs").json()
    assert other.get(f"/api/block_runs/{blocks[0]['id']}/outputs").json()["error"]["code"] == 404
    assert other.get("/api/block_outputs/sieve?pipeline_uuid=grind").status_code == 404
    assert other.delete(f"/api/pipeline_runs/{run['id']}").json()["error"]["code"] == 404
    assert "pipeline_run" in own.delete(f"/api/pipeline_runs/{run['id']}").json()
