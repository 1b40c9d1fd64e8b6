"""What has become old goes from the tables and from the disk, whenever it is interrupted, and nothing else does."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.archive import Archive, Old
from tests.engine.clockwork import Clockwork

from headrace import errors, outputs
from headrace.engine import cleaner, cleaning
from headrace.engine.cleaner import Cleaner
from headrace.engine.cleaning import Cleaning
from headrace.model.audit import Deed, Outcome
from headrace.model.pipeline import Block, BlockType, Pipeline
from headrace.project import shelf
from headrace.settings import Settings
from headrace.store import Store, databases, tables
from headrace.store.audit import Asked
from headrace.store.database import Database
from headrace.store.projects import Pinned

AT = datetime(2036, 3, 1, 12, tzinfo=UTC)  # later than the files that tests make
DAY = timedelta(days=1)
PIPELINE = Pipeline("daily", blocks=(Block("a", BlockType.CUSTOM), Block("b", BlockType.CUSTOM, upstream=("a",))))
FEW: dict[str, Any] = {"keep_runs_days": 10, "keep_runs": 1, "keep_failed_days": 20, "keep_failed": 1}


@pytest.fixture
def database(home: Path) -> Iterator[Database]:
    opened = databases.open(home, None)
    yield opened
    opened.close()


@pytest.fixture
def archive(database: Database, home: Path) -> Archive:
    return Archive(database, home, AT)


@pytest.fixture
def pinned(store: Store) -> Pinned:
    return store.projects.pin(Path("/projects/demo"), "demo", PIPELINE, "v", "s", 3, AT)


@pytest.fixture
def clean(store: Store, home: Path) -> Callable[..., Cleaning]:
    """Cleans all at once; what could not be cleaned is an error unless it is asked for."""

    def done(told: list[str] | None = None, *, dry: bool = False, at: datetime = AT, **kept: Any) -> Cleaning:
        faults = list[str]()
        made = Cleaning(store, Settings(home=home, **{**FEW, **kept}), at, faults.append, dry=dry)
        for _ in made.steps():
            pass
        assert bool(faults) == (told is not None)
        if told is not None:
            told += faults
        return made

    return done


def many(archive: Archive, pinned: Pinned, count: int = 3, days: float = 30) -> list[Old]:
    """Old runs, and a newer one that has what is needed of each block."""
    old = [archive.add(pinned, days, blocks={"a": "completed", "b": "completed"}) for _ in range(count)]
    return [*old, archive.add(pinned, 1, blocks={"a": "completed", "b": "completed"})]


def test_old_runs_go_with_their_files_and_the_others_stay_readable(
    store: Store, archive: Archive, pinned: Pinned, clean: Callable[..., Cleaning]
) -> None:
    *old, new = many(archive, pinned, 45)
    would, did = clean(dry=True).cleaned, clean().cleaned
    assert would == did
    assert did.rows[pinned.pipeline_id, "runs"] == len(old)
    assert did.rows[pinned.pipeline_id, "outputs"] == 2 * len(old)
    assert did.bytes[pinned.pipeline_id, "outputs"] == 2 * len(old) * len("{}")
    assert did.bytes[pinned.pipeline_id, "logs"] == 2 * len(old) * len("line\n")
    assert archive.ids() == {new.id}
    assert {Path(file).parts[1] for file in archive.files()} == {new.uid}
    assert not list((archive.home / "outputs").glob(f"{old[0].uid}*"))
    assert archive.counts()["remains"] == 0
    kept = store.runs.completed_attempts(new.blocks.values())
    assert all(outputs.there(each, archive.home) for attempt in kept.values() for each in attempt.outputs)


def test_a_dry_look_changes_nothing(archive: Archive, pinned: Pinned, clean: Callable[..., Cleaning]) -> None:
    many(archive, pinned)
    before = archive.ids(), archive.files(), archive.counts()
    clean(dry=True, keep_outputs_days=0.5, keep_logs_days=0.5)
    assert (archive.ids(), archive.files(), archive.counts()) == before


def test_whoever_dies_at_any_step_leaves_nothing_that_the_next_one_does_not_take(
    store: Store, home: Path, archive: Archive, pinned: Pinned
) -> None:
    settings = Settings(home=home, **FEW, keep_logs_days=0.5)
    left = 0
    for steps in range(1, 99):
        at = archive.at = AT + steps * 20 * DAY
        *_, new = many(archive, pinned, 1)
        dying = Cleaning(store, settings, at, pytest.fail).steps()
        taken = sum(1 for _, _ in zip(range(steps), dying, strict=False))
        dying.close()
        left += archive.counts()["remains"]
        for _ in Cleaning(store, settings, at, pytest.fail).steps():
            pass
        assert archive.ids() == {new.id}
        assert {file.split("/")[0] for file in archive.files()} == {"outputs"}
        assert len(archive.files()) == 2
        assert archive.counts()["remains"] == 0
        if taken < steps:
            break
    assert taken < steps
    assert left, "some of them died between the rows and the files"


def test_outputs_and_logs_may_go_before_their_run(
    store: Store, archive: Archive, pinned: Pinned, clean: Callable[..., Cleaning]
) -> None:
    first, new = many(archive, pinned, 1, days=5)
    kept = {"keep_outputs_days": 3, "keep_logs_days": 4}
    would, did = clean(dry=True, **kept).cleaned, clean(**kept).cleaned
    assert would == did
    assert did.rows == {(pinned.pipeline_id, "outputs"): 2, **{(None, each): 0 for each in _RESTS}}
    assert archive.ids() == {first.id, new.id}
    assert {Path(file).parts[1] for file in archive.files()} == {new.uid}
    (output,) = store.runs.completed_attempts([first.blocks["a"]])[first.blocks["a"]].outputs
    assert not outputs.there(output, archive.home)
    for read in (lambda: outputs.load(output, archive.home), lambda: outputs.head(output, archive.home, 3)):
        with pytest.raises(errors.CannotRead, match=r"it had become old, and was cleaned at 2036-03-01"):
            read()
    assert not +clean(**kept).cleaned.rows, "it is done once"


_RESTS = ("versions", "occurrences", "tokens", "gaps", "audit")


def test_what_a_failed_attempt_left_goes_after_a_while_and_what_is_named_stays(
    archive: Archive, pinned: Pinned, clean: Callable[..., Cleaning]
) -> None:
    run = archive.add(pinned, 1, blocks={"a": "completed", "b": "failed"})
    going = archive.add(pinned, 0, "running", {"a": "running"})
    stranger = archive.write("outputs/of another database/attempt/value.json", "{}")
    late = archive.write(f"outputs/{run.uid}/nobody knows/value.json", "{}")
    for file in archive.files():
        os.utime((archive.home / file).parent, (0, 0))
    young = archive.write(f"outputs/{run.uid}/young/value.json", "{}")
    os.utime(young.parent, ((AT - timedelta(minutes=59)).timestamp(),) * 2)
    would, did = clean(dry=True).cleaned, clean().cleaned
    assert would.bytes == did.bytes == {(None, "outputs"): 4}
    assert not late.exists()
    assert not (archive.home / "outputs" / run.uid / run.tries["b"]).exists()
    for kept in (run.tries["a"], "young"):
        assert (archive.home / "outputs" / run.uid / kept / "value.json").exists()
    assert (archive.home / "outputs" / going.uid / going.tries["a"]).exists()
    assert stranger.exists()


def test_a_folder_that_cannot_go_is_told_and_holds_up_no_other(
    archive: Archive, pinned: Pinned, clean: Callable[..., Cleaning]
) -> None:
    first, second, new = many(archive, pinned, 2)
    stuck = archive.home / "outputs" / first.uid
    shutil.rmtree(stuck)
    stuck.symlink_to(archive.home)  # that is none of ours to follow
    kept = archive.home / "logs" / first.uid
    shutil.rmtree(kept)
    kept.mkdir()
    (kept / "x").mkdir()
    told = list[str]()
    _undeletable(kept, told, clean)
    assert archive.ids() == {new.id}
    assert not (archive.home / "outputs" / second.uid).exists()
    assert (archive.home / "headrace.db").exists()
    clean()
    assert not kept.exists()
    assert archive.counts()["remains"] == 0


def _undeletable(folder: Path, told: list[str], clean: Callable[..., Cleaning]) -> None:
    """Cleans while nothing in the folder can go; root may do whatever it likes, so the deed itself fails."""
    rmtree = shutil.rmtree
    patch = pytest.MonkeyPatch()

    def refuse(path: Path, *given: Any, **named: Any) -> None:
        if path == folder:
            raise PermissionError(13, "Permission denied", str(path))
        rmtree(path, *given, **named)

    patch.setattr(shutil, "rmtree", refuse)
    clean(told)
    patch.undo()
    assert told == [f"{folder} cannot be cleaned: Permission denied"]


def test_a_run_that_the_tables_hold_fast_is_told_and_the_others_go(
    database: Database, archive: Archive, pinned: Pinned, clean: Callable[..., Cleaning]
) -> None:
    first, second, third, new = many(archive, pinned, 3)
    with database.write() as connection:
        stop = f"BEFORE DELETE ON runs WHEN OLD.id = {second.id} BEGIN SELECT RAISE(ABORT, 'held fast'); END"
        connection.execute(sa.text(f"CREATE TRIGGER held {stop}"))
    told = list[str]()
    clean(told)
    assert archive.ids() == {second.id, new.id}
    assert len(told) == 1
    assert told[0].startswith(f"run {second.id} cannot be cleaned")
    assert {Path(file).parts[1] for file in archive.files()} == {second.uid, new.uid}
    assert {first.uid, third.uid}.isdisjoint(each.name for each in (archive.home / "logs").iterdir())


def test_a_part_that_fails_ends_no_other(archive: Archive, database: Database, pinned: Pinned, clean: Any) -> None:
    *_, new = many(archive, pinned)
    with database.write() as connection:
        connection.execute(sa.text("ALTER TABLE gaps RENAME TO lost"))
    told = list[str]()
    clean(told)
    assert len(told) == 1
    assert "cleaning is not complete" in told[0]
    assert archive.ids() == {new.id}


def test_rows_that_nobody_asks_for_go_some_at_once(
    archive: Archive, database: Database, clean: Callable[..., Cleaning], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cleaning, "ROWS", 2)
    row = {"kind": "payload", "subject": "", "payload": {}, "at": AT, "handled_at": AT - 31 * DAY, "runs": 0}
    with database.write() as connection:
        many = [{**row, "uid": str(number), "mark": str(number)} for number in range(4)]
        connection.execute(sa.insert(tables.occurrences), many)
    would, did = clean(dry=True).cleaned, clean().cleaned
    assert would == did
    assert did.rows[None, "occurrences"] == 4
    assert archive.counts()["occurrences"] == 0


# Code


def lay_out(works: Clockwork, at: datetime, text: str) -> tuple[Pinned, Path]:
    """Pins the project with that text in a block."""
    (works.folder / "custom" / "a.py").write_text(text)
    kept = works.maker.keep(works.folder)
    return works.maker.pin(kept, "daily", at).pinned, kept.place


CODE = "@custom\ndef block(*args, **kwargs):\n    return {}\n"


def test_code_that_nobody_has_goes_from_the_disk(works: Clockwork, archive: Archive, clean: Any) -> None:
    (run, of_run), (_, idle), (_, last) = (lay_out(works, AT - (30 - n) * DAY, CODE.format(n)) for n in range(3))
    archive.add(run, 1)
    would, did = clean(dry=True).cleaned, clean().cleaned
    assert would == did
    assert (did.rows[None, "snapshots"], did.rows[None, "versions"]) == (1, 1)
    assert did.bytes[None, "versions"] > 0
    assert [place.exists() for place in (of_run, idle, last)] == [True, False, True]
    assert not list((archive.home / "versions").glob(".gone*"))


def test_code_that_is_pinned_while_it_goes_is_there(
    works: Clockwork, archive: Archive, store: Store, clean: Any
) -> None:
    """It was kept; then it goes; then it is pinned: it is laid out again."""
    lay_out(works, AT - 30 * DAY, CODE.format(1))
    kept = works.maker.keep(works.folder)
    (works.folder / "custom" / "a.py").write_text(CODE.format(2))
    lay_out(works, AT, CODE.format(2))
    (works.folder / "custom" / "a.py").write_text(CODE.format(1))
    clean()
    assert not kept.place.exists()
    pin = works.maker.pin(kept, "daily", AT)
    assert (kept.place / "custom" / "a.py").read_text() == CODE.format(1)
    assert store.projects.snapshot_hash(pin.pinned.snapshot_id) == kept.snapshot.hash
    archive.add(pin.pinned, 0)
    clean(at=AT + 30 * DAY)
    assert kept.place.exists()


def test_while_somebody_pins_no_code_is_taken_away(works: Clockwork, archive: Archive, clean: Any) -> None:
    _, place = lay_out(works, AT - 30 * DAY, CODE.format(1))
    lay_out(works, AT, CODE.format(2))
    with shelf.held(archive.home / "versions"):
        clean()
        assert place.exists()
    assert archive.counts()["remains"] == 1
    clean()
    assert not place.exists()
    assert archive.counts()["remains"] == 0


def test_code_that_was_pinned_again_before_it_was_taken_away_stays(
    works: Clockwork, archive: Archive, clean: Any
) -> None:
    _, place = lay_out(works, AT - 30 * DAY, CODE.format(1))
    lay_out(works, AT, CODE.format(2))
    with shelf.held(archive.home / "versions"):
        clean()
    (archive.home / "versions" / f".gone-{place.parent.name}").mkdir()  # as if somebody had died at it
    lay_out(works, AT, CODE.format(1))
    clean()
    assert place.exists()
    assert archive.counts()["remains"] == 0
    assert not list((archive.home / "versions").glob(".gone*"))


def test_a_run_that_begins_while_its_code_is_cleaned_has_it(works: Clockwork, archive: Archive, clean: Any) -> None:
    from tests.store.conftest import together

    for turn in range(6):
        at = AT + turn * 40 * DAY
        lay_out(works, at, CODE.format(f"1, {turn}"))
        kept = works.maker.keep(works.folder)
        lay_out(works, at + DAY, CODE.format(f"2, {turn}"))
        (works.folder / "custom" / "a.py").write_text(CODE.format(f"1, {turn}"))

        def begin(at: datetime = at, kept: Any = kept) -> Any:
            return archive.add(works.maker.pin(kept, "daily", at + 20 * DAY).pinned, 0)

        together(begin, lambda at=at: clean(at=at + 20 * DAY))
        assert (kept.place / "custom" / "a.py").exists()
        clean(at=at + 20 * DAY)
        assert (kept.place / "custom" / "a.py").exists()


# The service


def test_it_begins_after_a_while_goes_on_in_moments_and_rests_for_an_hour(
    store: Store, home: Path, archive: Archive, pinned: Pinned, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cleaner, "MOMENT", 0.0)
    *_, new = many(archive, pinned, 30)
    service = Cleaner(store, Settings(home=home, **FEW))
    assert service.run_once(AT) == AT + cleaner.FIRST
    assert service.run_once(AT + DAY / 86400) == AT + cleaner.FIRST, "whoever asks in between"
    now, asked = AT + cleaner.FIRST, 0
    while (due := service.run_once(now)) == now + cleaner.PAUSE:
        now, asked = due, asked + 1
    assert due == now + cleaner.EVERY
    assert asked > 60, "a step at a time"
    assert archive.ids() == {new.id}
    assert service.run_once(now - DAY) == now - DAY + cleaner.EVERY, "whatever happens to the clock"


def test_a_cleaning_that_was_ended_by_the_database_begins_anew(
    store: Store, home: Path, archive: Archive, pinned: Pinned, monkeypatch: pytest.MonkeyPatch
) -> None:
    *_, new = many(archive, pinned, 3)
    service = Cleaner(store, Settings(home=home, **FEW))
    service.run_once(AT)
    away = errors.StoreUnavailable(path="x", why="it was told to")
    with monkeypatch.context() as patch:
        patch.setattr(store.retention, "remove", lambda *_, **__: (_ for _ in ()).throw(away))
        with pytest.raises(errors.StoreUnavailable):
            for seconds in range(99):
                service.run_once(AT + DAY + timedelta(seconds=seconds))
    assert len(archive.ids()) == 4
    now = AT + 2 * DAY
    while (due := service.run_once(now)) < now + cleaner.EVERY:
        now = due
    assert archive.ids() == {new.id}


def test_folders_are_looked_into_once_a_day(store: Store, home: Path, archive: Archive, pinned: Pinned) -> None:
    run = archive.add(pinned, 1, blocks={"a": "completed"})
    service = Cleaner(store, Settings(home=home, **FEW))

    def leaves_it(at: datetime) -> bool:
        late = archive.write(f"outputs/{run.uid}/late/value.json", "{}")
        due = at
        while due < at + cleaner.EVERY:
            due = service.run_once(due)
        return late.exists()

    service.run_once(AT)
    assert not leaves_it(AT + timedelta(hours=1))
    assert leaves_it(AT + timedelta(hours=5))
    assert not leaves_it(AT + timedelta(hours=26))


def test_the_audit_is_kept_for_as_long_as_is_said(store: Store, clean: Callable[..., Cleaning]) -> None:
    deed = Deed(at=AT, who="ada", deed="runs.cancel", noun="runs", outcome=Outcome.OK, via="v1")
    store.audit.add([replace(deed, at=AT - timedelta(days=days)) for days in (400, 300, 20)])
    clean(keep_audit_days=None)
    assert len(store.audit.list(Asked(), 9)) == 3
    assert clean().cleaned.rows[None, "audit"] == 1
    assert clean(keep_audit_days=30.0).cleaned.rows[None, "audit"] == 1
    assert [each.deed.at for each in store.audit.list(Asked(), 9)] == [AT - timedelta(days=20)]
