"""Mage's list of the runs of a trigger, by HTTP, among a million: twenty with their block runs, their count with them.

The floor is a plain answer of the same server, and the same rows by their primary keys, read by the plain driver.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from bench import databases, floors, lists, projects, runs, servers
from bench.figures import Figure
from headrace.app import App
from headrace.model.trigger import Definition, TriggerType
from headrace.operations import triggers

COUNT, TIMES = 1_000_000, 200
ASKED = {
    "20 of the trigger": "_limit=20",
    "the same, without grouping": "_limit=20&disable_retries_grouping=1",
    "the same, offset 980": "_limit=20&_offset=980",
    "the same, offset 500,000": "_limit=20&_offset=500000",
    "20 of the trigger that failed": "_limit=20&status=failed",
    "20 of the trigger of a day": "_limit=20&start_timestamp=1700086400&end_timestamp=1700172800",
    "20 of the trigger by another order": "_limit=20&order_by[]=started_at",
}
SLOW = ("of a day", "another order")


def measure() -> Iterator[Figure]:
    os.environ |= {"HEADRACE_KEEP_RUNS_DAYS": "off", "HEADRACE_KEEP_FAILED_DAYS": "off"}  # they are of long ago
    yield from databases.on_each(_on)


def _on(name: str, folder: Path, database: str | None) -> Iterator[Figure]:
    project = projects.write(folder / "mill", "one", projects.chain(lists.BLOCKS), {})
    with runs.opened(folder / "home", database) as app:
        trigger = _filled(app, folder / "home", database, project)
        for _ in lists.folded(name, app, database, trigger, COUNT):
            pass
    with servers.served(folder / "home", database, project) as server, lists.Floor(folder / "home", database) as floor:
        plain = [floors.timed(lambda: (server.client.get("/v1/health"), floor[0]())) for _ in range(TIMES)]
        path = f"/api/pipeline_schedules/{trigger}/pipeline_runs"
        for what, query in ASKED.items():
            times = 10 if what.endswith(SLOW) else TIMES
            label = f"{name}, {COUNT}: Mage's list, {what}"
            yield from lists.ranked(label, lambda query=query: _asked(server, f"{path}?{query}"), plain, times)


def _filled(app: App, home: Path, database: str | None, project: Path) -> int:
    trigger = triggers.create(app, project, "one", Definition(name="mill", type=TriggerType.API), active=True)
    lists.fill(home, database, 0, COUNT)
    return trigger.id


def _asked(server: servers.Server, path: str) -> None:
    answer = server.client.get(path).json()
    if len(answer["pipeline_runs"]) != 20 or answer["metadata"]["count"] < 20:
        raise RuntimeError(f"{path} is answered with {answer}")
