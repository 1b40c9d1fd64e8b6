"""Whatever has happened: what is kept and what goes is what a slow oracle says, which looks at everything at once."""

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from tests.archive import FINAL, Archive, Old

from headrace.engine.cleaning import Cleaning
from headrace.model.pipeline import Pipeline
from headrace.model.run import Reopening
from headrace.model.trigger import Definition, TriggerType
from headrace.settings import Settings
from headrace.store import Store, databases, tables
from headrace.store.triggers import Sealed, Standing

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
MEMORY = Path("/dev/shm")  # what a commit waits for is no question here
STATUSES = (*FINAL, "completed", "failed", "running")
DAYS = st.one_of(st.none(), st.integers(1, 9).map(float))


@dataclass
class Drawn:
    """A run as it is drawn. A block has a status, or the place among the earlier runs of the one that it reuses."""

    pipeline: int
    days: float
    status: str
    trigger: int | None
    blocks: Mapping[str, str | int]
    filled: bool = False
    asked: bool = False
    old: Old | None = field(default=None, compare=False)

    @property
    def final(self) -> bool:
        return self.status in FINAL


@st.composite
def histories(draw: st.DrawFn) -> list[Drawn]:
    made: list[Drawn] = []
    for _ in range(draw(st.integers(1, 14))):
        pipeline = draw(st.integers(0, 1))
        blocks: dict[str, str | int] = {}
        for name in draw(st.sets(st.sampled_from("ab"))):
            sources = [
                n for n, each in enumerate(made) if each.pipeline == pipeline and each.blocks.get(name) == "completed"
            ]
            blocks[name] = draw(st.sampled_from(["completed", "completed", "failed", *sources[-2:]]))
        made.append(
            Drawn(
                pipeline,
                draw(st.integers(0, 19)) / 2 + 0.25,
                draw(st.sampled_from(STATUSES)),
                draw(st.sampled_from([None, None, 0, 1])),
                blocks,
                filled=draw(st.integers(0, 9)) == 0,
                asked=draw(st.integers(0, 9)) == 0,
            )
        )
    return made


@st.composite
def rules(draw: st.DrawFn) -> dict[str, Any]:
    newest = {name: draw(st.integers(0, 3)) for name in ("keep_runs", "keep_failed")}
    names = ("keep_runs_days", "keep_failed_days", "keep_outputs_days", "keep_logs_days")
    return newest | {name: draw(DAYS) for name in names}


class Oracle:
    """Of the runs in the order in which they were made: which go, and which lose what, by place."""

    def __init__(self, history: list[Drawn], kept: Mapping[str, Any]) -> None:
        self.history = history
        self.kept = kept
        self.there = set(range(len(history)))
        needed = self.needed()
        eligible = {n for n in self.there if n not in needed and self.is_old(n) and not self.is_new(n)}
        while going := {n for n in eligible & self.there if not self.is_held(n)}:
            self.there -= going
        final = [n for n in self.there if history[n].final]
        self.no_outputs = {n for n in final if n not in needed and self.past(n, "outputs") and not self.is_held(n)}
        self.no_logs = {n for n in final if self.past(n, "logs")}

    def past(self, place: int, what: str) -> bool:
        days = self.kept[f"keep_{what}_days"]
        return days is not None and self.history[place].days > days

    def is_old(self, place: int) -> bool:
        run = self.history[place]
        return run.final and self.past(place, "failed" if run.status == "failed" else "runs")

    def is_new(self, place: int) -> bool:
        failed = self.history[place].status == "failed"
        newer = [each for each in self.alike(place) if (each.status == "failed") == failed]
        return len(newer) < max(1, self.kept["keep_failed" if failed else "keep_runs"])

    def alike(self, place: int) -> list[Drawn]:
        """The runs of its pipeline that were made after it."""
        return [each for each in self.history[place + 1 :] if each.pipeline == self.history[place].pipeline]

    def needed(self) -> set[int]:
        """The last ones: that completed, of each trigger, and with each block."""
        found: dict[object, int] = {}
        for n, run in enumerate(self.history):
            if run.status == "completed":
                found[run.pipeline] = n
            if run.trigger is not None:
                found["trigger", run.trigger] = n
            found |= {(run.pipeline, name): n for name, was in run.blocks.items() if was == "completed"}
        return set(found.values())

    def is_held(self, place: int) -> bool:
        """Whether something that is there needs it, or is about to."""
        users = [n for n in self.there if place in self.history[n].blocks.values()]
        return bool(users) or self.history[place].filled or self.history[place].asked


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("migrated") / "home"
    databases.open(home, None).close()
    return home


# An example is a database, of which a smaller one that fails as well would take minutes to be found.
@settings(max_examples=40, phases=[Phase.explicit, Phase.generate])
@given(history=histories(), kept=rules())
def test_it_is_as_the_oracle_says(history: list[Drawn], kept: dict[str, Any], migrated: Path) -> None:
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as place:
        home = Path(place) / "home"
        shutil.copytree(migrated, home)
        opened = databases.open(home, None)
        archive = Archive(opened, home, AT)
        _write(archive, Store(opened), history)
        files = archive.files()
        for turn in range(len(history)):
            would, did = (_clean(Store(opened), home, kept, dry=dry) for dry in (True, False))
            assert would.cleaned == did.cleaned
            if turn and not +did.cleaned.rows and not +did.cleaned.bytes:
                break
        oracle = Oracle(history, kept)
        assert _ids(history, archive.ids()) == oracle.there
        assert archive.files() == files - _gone(history, oracle)
        opened.close()


def _clean(store: Store, home: Path, kept: Mapping[str, Any], *, dry: bool) -> Cleaning:
    made = Cleaning(store, Settings(home=home, **kept), AT, pytest.fail, dry=dry)
    for _ in made.steps():
        pass
    return made


def _write(archive: Archive, store: Store, history: list[Drawn]) -> None:
    pins = [
        store.projects.pin(Path("/mill"), "mill", Pipeline(name), f"v-{name}", "s", 1, AT) for name in ("one", "two")
    ]
    triggers = [
        store.triggers.create(
            pins[0].pipeline_id,
            Definition(name=name, type=TriggerType.API),
            Sealed("x", name),
            Standing(None, None),
            AT,
            active=True,
        ).id
        for name in ("east", "west")
    ]
    backfill = _backfill(archive, pins[0].pipeline_id, triggers[0])
    for run in history:
        reused = {name: was for name, was in run.blocks.items() if isinstance(was, int)}
        sources = {name: history[n].old for name, n in reused.items()}
        blocks = dict(run.blocks) | {name: old.blocks[name] for name, old in sources.items() if old}
        more = {"trigger_id": None if run.trigger is None else triggers[run.trigger]}
        more |= {"backfill_id": backfill if run.filled else None}
        more |= {"retry_request": Reopening((), (), 1, 1, "x") if run.asked and run.final else None}
        run.old = archive.add(pins[run.pipeline], run.days, run.status, blocks, **more)


def _backfill(archive: Archive, pipeline_id: int, trigger_id: int) -> int:
    row: dict[str, Any] = {
        "uid": "b",
        "pipeline_id": pipeline_id,
        "trigger_id": trigger_id,
        "name": "b",
        "which": "all",
    }
    row |= {
        "start_time": AT,
        "end_time": AT,
        "interval_type": "day",
        "interval_units": 1,
        "variables": {},
        "settings": {},
    }
    row |= {"status": "running", "reason": "x", "dates": [], "total": 1, "made": 1, "created_at": AT, "updated_at": AT}
    with archive.database.write() as connection:
        made = sa.insert(tables.backfills).values(row).returning(tables.backfills.c.id)
        return connection.execute(made).scalar_one()


def _ids(history: list[Drawn], ids: set[int]) -> set[int]:
    return {n for n, run in enumerate(history) if run.old and run.old.id in ids}


def _gone(history: list[Drawn], oracle: Oracle) -> set[str]:
    """The files that are there no more."""
    found: set[str] = set()
    for n, run in enumerate(history):
        assert run.old
        for name, attempt in run.old.tries.items():
            kept = run.blocks[name] == "completed"
            if n not in oracle.there or (n in oracle.no_outputs and kept):
                found.add(f"outputs/{run.old.uid}/{attempt}/value.json")
            if n not in oracle.there or n in oracle.no_logs:
                found.add(f"logs/{run.old.uid}/{attempt}.jsonl")
    return found
