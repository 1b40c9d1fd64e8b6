"""Every request that was recorded of a real server of Mage, asked of ours in the same order, on the same project."""

import json
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from anyio.from_thread import start_blocking_portal
from tests.api.conftest import URL, Served, Wire
from tests.dialects.mage import recordings

from headrace.api import server
from headrace.api.entrance import Entrance
from headrace.api.feed import Feed
from headrace.app import App
from headrace.model.access import Grant, Role
from headrace.operations import projects, secrets, tokens, users
from headrace.settings import Settings

needs_recordings = pytest.mark.skipif(
    not recordings.SHARED.exists(), reason="the recordings are beside the repository, where it is worked on"
)
WAITS = """
import time
@{kind}
def wait(*args, **kwargs):
    while True:
        time.sleep(0.01)
"""


class Replay:
    """A server whose engine is started when the recording needs it, and what is done there between two requests."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self.names = recordings.Names()
        self._between: dict[str, Callable[[], None]] = {
            "trigger create daily": self._without_tagged,
            "run detail completed": self._run,
            "run detail failed": self._fail,
            "runs last_run_failed": partial(self._until, 5, "failed"),
            "run detail running": partial(self._call, "t_slow", 4, 7, "golden slow", "running"),
            "backfill create": self._hold_back,
            "backfill runs": self._fill,
            "backfills list": self._until_cancelled,
        }

    def ask(self, recorded: dict[str, Any]) -> Iterator[recordings.Difference]:
        """Where the answer to that request is otherwise than it was."""
        label = recorded["label"]
        self._between.get(label, lambda: None)()
        headers = {name: self.names.text(said) for name, said in recorded["request_headers"].items()}
        body = None if recorded["request_body"] is None else json.dumps(self.names.body(recorded["request_body"]))
        path = self.names.path(recorded["path"])
        answer = self.served.client(None).request(recorded["method"], path, content=body, headers=headers)
        ours = answer.json() if "json" in answer.headers["content-type"] and answer.content else answer.text
        self.names.learn(recorded["response"], ours)
        if answer.status_code != recorded["status"]:
            yield label, recordings.STATUS, f"{answer.status_code} for {recorded['status']}"
        for place, what in sorted(set(recordings.differences(recorded["response"], ours))):
            yield label, place, what

    def _without_tagged(self) -> None:
        """What Mage refuses to make, and headrace makes, is not to be among what follows."""
        owner = self.served.client()
        found = owner.get("/api/pipelines/t_ok/pipeline_schedules").json()["pipeline_schedules"]
        made = next(each["id"] for each in found if each["name"] == "x")
        owner.delete(f"/api/pipeline_schedules/{made}")

    def _run(self) -> None:
        """Until now the runs were to be seen before they begin."""
        self.served.app.start((self.served.feed,))
        for run in range(1, 5):
            self._until(run, "completed")

    def _fail(self) -> None:
        """From now on the block beside the one that fails goes on until it is stopped, however soon that is."""
        (self.served.folder / "transformers" / "tr_ok.py").write_text(WAITS.format(kind="transformer"))
        self._call("t_fail", 3, 5, "golden fail", "failed")

    def _call(self, pipeline: str, trigger: int, run: int, name: str, status: str) -> None:
        owner = self.served.client()
        made = {"pipeline_schedule": {"name": name, "schedule_type": "api", "status": "active"}}
        found = owner.post(f"/api/pipelines/{pipeline}/pipeline_schedules", json=made).json()["pipeline_schedule"]
        self.names.ids["pipeline_schedules", str(trigger)] = str(found["id"])
        path = f"/api/pipeline_schedules/{found['id']}/pipeline_runs/{found['token']}"
        begun = owner.post(path, json={"pipeline_run": {}}).json()["pipeline_run"]
        self.names.ids["pipeline_runs", str(run)] = str(begun["id"])
        self._until(run, status, blocks=status == "running")

    def _until(self, run: int, status: str, *, blocks: bool = False) -> None:
        path = f"/api/pipeline_runs/{self.names.ids['pipeline_runs', str(run)]}"
        owner = self.served.client()

        def so() -> bool:
            found = owner.get(path).json()["pipeline_run"]
            begun = not blocks or found["block_runs"][0]["status"] == status
            return bool(found["status"] == status) and begun

        self.served.until(so)

    def _hold_back(self) -> None:
        """From now on the first run of a trigger of t_ok goes on and on, and others wait for it, as they have to there."""
        folder = self.served.folder
        (folder / "data_loaders" / "ld_ok.py").write_text(WAITS.format(kind="data_loader"))
        _rewrite(folder, "t_ok", concurrency_config={"pipeline_run_limit": 1})

    def _fill(self) -> None:
        owner, backfill = self.served.client(), self.names.ids["backfills", "1"]
        owner.put(f"/api/backfills/{backfill}", json={"backfill": {"status": "initial"}})
        path = f"/api/pipeline_runs?backfill_id={backfill}"
        found = self.served.until(lambda: self._three(owner.get(path).json()["pipeline_runs"]))
        self.names.ids["pipeline_runs", "10"] = str(found[0]["id"])

    def _three(self, runs: list[Any]) -> list[Any]:
        begun = [run for run in runs if run["status"] == "running"]
        return runs if len(runs) == 3 and begun else []

    def _until_cancelled(self) -> None:
        owner, backfill = self.served.client(), self.names.ids["backfills", "1"]
        path = f"/api/pipeline_runs?backfill_id={backfill}&status=cancelled"
        self.served.until(lambda: owner.get(path).json()["metadata"]["count"] == 3)


@pytest.fixture
def replay(tmp_path: Path) -> Iterator[Replay]:
    """A home with the project of the recording, and with the user and the secret that were there."""
    folder = shutil.copytree(recordings.SHARED / "mage_rest_project", tmp_path / "demo")
    feed = Feed()
    with App(Settings(home=tmp_path / "home", workers=1)) as app:
        _rewrite(folder, "t_ok", variables={"g1": 1})  # as it was before a recorded request took it away
        for pipeline in ("t_fail", "t_slow"):  # callbacks cannot be run yet; no recording shows anything of one
            _rewrite(folder, pipeline, callbacks=[])
        projects.register(app, folder)
        users.create(app, "admin", recordings.PASSWORD, (Grant(Role.OWNER),), email="admin@admin.com")
        secrets.set(app, "s1", "a secret")
        said = {Role.OWNER: tokens.create(app, "an owner", Role.OWNER)[1]}
        feed.start(app)
        application = server.build(app, feed, Entrance(app), "127.0.0.1")
        transport = httpx.ASGITransport(application, raise_app_exceptions=False)
        with start_blocking_portal() as portal:
            wire = Wire(portal, httpx.AsyncClient(transport=transport, base_url=URL, timeout=60))
            yield Replay(Served(app, feed, application, folder, said, wire))
        feed.close()


def _rewrite(folder: Path, pipeline: str, **changed: Any) -> None:
    file = folder / "pipelines" / pipeline / "metadata.yaml"
    file.write_text(yaml.safe_dump({**yaml.safe_load(file.read_text()), **changed}))


@needs_recordings
def test_the_recordings_are_answered_as_they_were_but_for_what_is_listed(replay: Replay) -> None:
    found = [each for recorded in recordings.read() for each in replay.ask(recorded)]
    declared = recordings.declared()
    unlisted = [each for each in found if not any(one.covers(each) for one in declared)]
    gone = [one for one in declared if not any(one.covers(each) for each in found)]
    assert not unlisted, "\n".join(["not listed:", *(" | ".join(each) for each in unlisted)])
    assert not gone, f"listed, and not so any more: {gone}"
