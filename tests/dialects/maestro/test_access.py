"""Every route of the Maestro dialect × everybody who may come: who is let in is what access.py says."""

from tests import walking
from tests.api.conftest import Served
from tests.dialects.maestro.access import LEAST
from tests.dialects.maestro.stories import Document, Store, begun, body, into, job, made, told
from tests.walking import Walk, Walked

from headrace.model.access import Grant, Role


class TestAccess(Walked):
    walk = Walk("/platform", LEAST, ways=lambda path: (path, f"{path}/"))


def test_a_role_for_a_tag_is_one_for_its_pipelines_alone(served: Served, store: Store, orders: Document) -> None:
    run = served.run("grind")
    uid = told(served.app.store.pipelines.get(served.app.store.runs.get(run["id"]).pipeline_id).uid)
    own = walking.of_user(served, walking.user(served, Grant(Role.EDITOR, "corn")))
    other = walking.of_user(served, walking.user(served, Grant(Role.EDITOR, "of nothing")))
    assert [each["pipeline_id"] for each in own.get("/platform/pipelines").json()] == [uid]
    assert other.get("/platform/pipelines").json() == []
    assert len(own.get(f"/platform/pipeline/{uid}/runs").json()) > 0
    assert other.get(f"/platform/pipeline/{uid}/runs").json() == []
    assert other.get(f"/platform/pipeline/{uid}/pipeline_run/{told(run['uid'])}").json() is None
    assert other.get(f"/platform/pipeline/pipeline_run/{told(run['uid'])}/logs").status_code == 404
    jobs = [job(orders, into(store, "copy"))]
    pipeline = made(served, jobs)
    for caller in (own, other):
        assert caller.get(f"/platform/pipeline/{pipeline}").status_code == 404
        assert caller.get(f"/platform/jobs/jdbc/{pipeline}_0").status_code == 404
        assert caller.post("/platform/pipeline/pause", json={"pipeline_id": pipeline}).status_code == 404
        assert caller.post("/platform/pipeline", json=body(served, jobs)).status_code == 403


def test_what_is_done_is_audited(served: Served, store: Store, orders: Document) -> None:
    pipeline = made(served, [job(orders, into(store, "copy"))])
    run = begun(served.client(), pipeline)
    served.client().post(f"/platform/jobs/{pipeline}_0/reset-state")
    served.client().post("/platform/pipeline/pause", json={"pipeline_id": pipeline})
    wanted = {
        ("pipelines.create", pipeline.replace("_", "-")),
        ("pipelines.execute", run.replace("_", "-")),
        ("jobs.reset_state", f"{pipeline}_0"),
        ("pipelines.pause", pipeline.replace("_", "-")),
    }
    assert served.until(lambda: wanted <= walking.deeds(served, "maestro"))
