"""Every route of the TrueState dialect × everybody who may come: who is let in is what access.py says."""

from tests import walking
from tests.api.conftest import Served
from tests.dialects.truestate import stories
from tests.dialects.truestate.access import LEAST
from tests.walking import Walk, Walked

from headrace.model.access import Grant, Role


def ways(path: str) -> tuple[str, ...]:
    return path, path.rstrip("/"), path.replace("/pipelines", "/workflows")


class TestAccess(Walked):
    walk = Walk("", LEAST, description="/pipelines/openapi.json", ways=ways)


def test_a_key_lets_in_as_a_bearer_token_does(served: Served) -> None:
    nobody = served.client(None)
    key = {"Api-key": served.said[Role.VIEWER]}
    assert nobody.get("/datasets", headers=key).status_code == 200
    assert nobody.post("/pipelines", headers=key, json={}).status_code == 403
    answer = nobody.get("/datasets", headers={"Api-key": "a guess"})
    assert (answer.status_code, answer.json()) == (401, {"detail": answer.json()["detail"]})
    for nothing in ("", "Bearer", "Bearer null", "Basic b2F0cw==", key["Api-key"]):
        assert nobody.get("/datasets", headers={**key, "Authorization": nothing}).status_code == 200
        assert nobody.get("/datasets", headers={"Authorization": nothing}).status_code == 401
    both = {"Authorization": f"Bearer {served.said[Role.VIEWER]}", "Api-key": "a guess"}
    assert nobody.get("/datasets", headers=both).status_code == 200


def test_a_role_for_a_tag_is_one_for_its_pipelines_alone(served: Served) -> None:
    run = served.run("grind")
    uid = served.app.store.pipelines.get(served.app.store.runs.get(run["id"]).pipeline_id).uid
    own = walking.of_user(served, walking.user(served, Grant(Role.EDITOR, "corn")))
    other = walking.of_user(served, walking.user(served, Grant(Role.EDITOR, "of nothing")))
    assert [each["id"] for each in own.get("/pipelines/").json()] == [uid]
    assert other.get("/pipelines/").json() == []
    assert own.get(f"/pipelines/{uid}/runs/").status_code == 200
    assert other.get(f"/pipelines/{uid}/runs/").status_code == 404
    assert other.get("/datasets/").json() == []
    pipeline = stories.made(served)
    for caller in (own, other):
        assert caller.get(f"/pipelines/{pipeline['id']}").status_code == 404
        assert caller.post("/pipelines", json=stories.body("theirs", stories.stream(served))).status_code == 403


def test_what_is_written_is_audited(served: Served) -> None:
    pipeline = stories.made(served)["id"]
    client = served.client()
    assert client.post(f"/pipelines/{pipeline}/versions", json={"jobs": stories.stream(served)}).status_code == 200
    run = client.post(f"/pipelines/{pipeline}/runs", json={}).json()["id"]
    wanted = {("pipelines.create", pipeline), ("pipelines.revise", pipeline), ("runs.create", run)}
    assert served.until(lambda: wanted <= walking.deeds(served, "truestate"))
