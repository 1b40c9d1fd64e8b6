"""Engines over HTTP: who lives, and that a drained one begins nothing more and leaves its runs to others."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from tests.api.conftest import WAITING, Caller, Served, refused

from headrace import clock
from headrace.app import App
from headrace.cli import headrace
from headrace.engine import owner

TWO = """
name: two
type: python
blocks:
- {uuid: turn, type: custom, language: python, upstream_blocks: [], downstream_blocks: [after]}
- {uuid: after, type: custom, language: python, upstream_blocks: [turn], downstream_blocks: []}
"""


def two(folder: Path) -> None:
    """A pipeline whose first block runs until its file is there."""
    (folder / "custom" / "after.py").write_text(WAITING.replace("    ", "", 1).replace("\n    ", "\n"))
    (folder / "pipelines" / "two").mkdir()
    (folder / "pipelines" / "two" / "metadata.yaml").write_text(TWO)


def begun(served: Served, until: Path) -> int:
    """A run whose first block runs."""
    new = {"pipeline": "two", "variables": {"until": str(until)}}
    number = served.client().post("/v1/runs", json=new).json()["id"]
    served.until(lambda: block(served, number, "turn")["status"] == "running")
    return number


def block(served: Served, run: int, name: str) -> dict[str, Any]:
    return served.client().get(f"/v1/runs/{run}/blocks/{name}").json()


def engine(client: Caller) -> dict[str, Any]:
    return client.get("/v1/engines").json()["engines"][0]


def test_engines_are_listed(client: Caller, served: Served) -> None:
    known = engine(client)
    assert (known["name"], known["lives"], known["own"]) == (served.app.owner, True, False)
    assert known["drain_requested_at"] is None
    assert client.get("/v1/ready").json() == {"status": "ready"}


def test_a_drained_engine_ends_what_runs_and_leaves_the_rest(either: Served, tmp_path: Path) -> None:
    two(either.folder)
    client, until = either.client(), tmp_path / "until"
    under_way = begun(either, until)
    asked = client.post(f"/v1/engines/{either.app.owner}/drain")
    assert asked.status_code == 202
    assert asked.json()["drain_requested_at"]
    either.until(lambda: client.get("/v1/ready").status_code == 503)
    assert client.get("/v1/ready").json() == {"status": "draining"}
    later = client.post("/v1/runs", json={"pipeline": "grind"}, headers={"Prefer": "wait=1"}).json()
    assert (later["status"], later["started_at"]) == ("initial", None)
    assert engine(client)["runs"] == 1
    until.touch()
    either.until(lambda: not client.get("/v1/engines").json()["engines"])
    assert [block(either, under_way, name)["status"] for name in ("turn", "after")] == ["completed", "queued"]
    assert client.get(f"/v1/runs/{under_way}").json()["abandoned"]
    if either.app.settings.database:  # where several engines live, another goes on
        with App(either.app.settings) as another:
            another.start()
            for run in (under_way, later["id"]):
                ended = client.get(f"/v1/runs/{run}", headers={"Prefer": "wait=30"}).json()
                assert (ended["status"], ended["owner"]) == ("completed", another.owner)


def test_engines_that_cannot_be_drained(alone: Served) -> None:
    client, home = alone.client(), alone.app.settings.home
    place = {"home": owner.home_id(home), "machine": owner.machine(), "pid": 1}
    alone.app.store.engines.register("by-hand", lease=None, at=clock.now(), own=True, **place)
    assert refused(client.post("/v1/engines/by-hand/drain"), 409)["kind"] == "drain_refused"
    assert refused(client.post("/v1/engines/nowhere/drain"), 404)["kind"] == "engine_not_found"


def drained(served: Served, *words: str) -> tuple[int, str]:
    """The exit code of `headrace drain`, and what it says."""
    environ = {"HEADRACE_HOME": str(served.app.settings.home)}
    done = CliRunner().invoke(headrace, ["drain", *words], env=environ, standalone_mode=False)
    return done.return_value, done.output


def test_the_command_waits_until_nothing_is_left(alone: Served, tmp_path: Path) -> None:
    two(alone.folder)
    begun(alone, tmp_path / "until")
    with ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(drained, alone, "--wait", "30")
        alone.until(lambda: engine(alone.client())["drain_requested_at"])
        (tmp_path / "until").touch()
        told = f"The engine {alone.app.owner} begins nothing more; nothing of it is left.\n"
        assert waiting.result() == (0, told)
    assert drained(alone) == (0, "No engine runs.\n")


def test_the_command_says_what_is_left_when_the_time_is_over(alone: Served, tmp_path: Path) -> None:
    two(alone.folder)
    begun(alone, tmp_path / "until")
    told = f"The engine {alone.app.owner} begins nothing more; 1 run of it to end or to be left.\n"
    assert drained(alone, alone.app.owner, "--wait", "0") == (1, told)
    assert drained(alone) == (0, told)
