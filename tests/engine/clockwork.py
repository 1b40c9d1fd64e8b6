"""What begins by itself, moved by hand: a real store and a real project, services that are asked, time that is told."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from tests.newest import newest

from headrace.engine.calls import Calls
from headrace.engine.maker import Maker
from headrace.engine.registry import Registry
from headrace.engine.scheduler import Scheduler
from headrace.model.run import Run, RunStatus
from headrace.model.trigger import Definition, Trigger, TriggerSettings, TriggerType
from headrace.settings import Settings
from headrace.store import Store
from headrace.vault import Vault

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)  # a Monday
SECOND, MINUTE, HOUR, DAY = (timedelta(**{unit: 1}) for unit in ("seconds", "minutes", "hours", "days"))
CUSTOM = "\n@custom\ndef block(*args, **kwargs):\n    return 1\n"


def write(folder: Path, *names: str, variables: Mapping[str, Any] | None = None) -> Path:
    """A project with pipelines of those names, each of the blocks a and b."""
    (folder / "custom").mkdir(parents=True, exist_ok=True)
    blocks = [{"uuid": "a"}, {"uuid": "b", "upstream_blocks": ["a"]}]
    for block in blocks:
        (folder / "custom" / f"{block['uuid']}.py").write_text(CUSTOM)
    for name in names:
        place = folder / "pipelines" / name
        place.mkdir(parents=True, exist_ok=True)
        whole = {"name": name, "type": "python", "variables": dict(variables or {})}
        written = [{"type": "custom", "language": "python", **block} for block in blocks]
        (place / "metadata.yaml").write_text(yaml.safe_dump({**whole, "blocks": written}))
    return folder


def breaks(folder: Path, pipeline: str) -> None:
    """That pipeline cannot be read any more."""
    (folder / "pipelines" / pipeline / "metadata.yaml").write_text("blocks: [")


class Clockwork:
    """One home with its store, and the services of an engine, none of which is running."""

    def __init__(self, store: Store, home: Path, folder: Path) -> None:
        self.store = store
        self.folder = write(folder, "daily", "other")
        self.maker = Maker(store, Settings(home=home))
        self.scheduler = Scheduler(store, self.maker)
        self.registry = Registry(store, self.maker, Vault(home))
        self.calls = Calls(store, self.maker, self.registry)

    def pipeline(self, name: str = "daily", folder: Path | None = None) -> int:
        return self.maker.pin(self.maker.keep(folder or self.folder), name, AT).pinned.pipeline_id

    def create(
        self,
        interval: str | None = "@daily",
        at: datetime = AT,
        *,
        name: str = "nightly",
        pipeline: int | None = None,
        active: bool = True,
        settings: TriggerSettings | None = None,
        **given: Any,
    ) -> Trigger:
        """A time trigger; of type api where it has no interval."""
        kind = TriggerType.TIME if interval else TriggerType.API
        whole: dict[str, Any] = {"name": name, "type": kind, "interval": interval, **given}
        definition = Definition(**whole, settings=settings or TriggerSettings())
        return self.registry.create(pipeline or self.pipeline(), definition, at, active=active)

    def look(self, now: datetime) -> datetime | None:
        return self.scheduler.run_once(now)

    def runs(self, trigger: Trigger) -> list[Run]:
        """Its runs, in the order in which they were made."""
        found = [each.run for each in newest(self.store, 10_000)]
        return [run for run in reversed(found) if run.trigger_id == trigger.id]

    def fires(self, trigger: Trigger) -> list[datetime | None]:
        return [run.fire_time for run in self.runs(trigger)]

    def gaps(self, trigger: Trigger) -> list[tuple[str, datetime, datetime, int]]:
        """Its gaps, the oldest first."""
        found = self.store.triggers.gaps(trigger.id, limit=1000)
        return [(each.reason, each.first, each.last, each.count) for each in reversed(found)]

    def end(self, run: Run, status: RunStatus = RunStatus.COMPLETED, at: datetime = AT) -> None:
        assert self.store.runs.close(run.id, None, status, "x", at)

    def again(self, trigger: Trigger) -> Trigger:
        return self.store.triggers.get(trigger.id, bare=True)
