"""The triggers.yaml files of projects and the store are kept in step, both ways, and nothing fires for it."""

import os
from pathlib import Path

import pytest
import yaml
from tests.engine.clockwork import AT, DAY, HOUR, SECOND, Clockwork, breaks

from headrace import errors
from headrace.app import App
from headrace.engine.syncer import Syncer
from headrace.model.trigger import Trigger, TriggerType
from headrace.operations import triggers
from headrace.settings import Settings


@pytest.fixture
def syncer(works: Clockwork, monkeypatch: pytest.MonkeyPatch) -> Syncer:
    monkeypatch.delenv("ENV", raising=False)
    works.store.projects.register(works.folder, works.folder.name, AT)
    return Syncer(works.store, works.maker, works.registry)


@pytest.fixture
def file(works: Clockwork) -> Path:
    return works.folder / "pipelines" / "daily" / "triggers.yaml"


def put(file: Path, *entries: object, age: int = 0) -> None:
    """Writes the file, as it was that many seconds ago, so that each writing shows."""
    file.write_text(yaml.safe_dump({"triggers": list(entries)}))
    stamp = 1_700_000_000 - age
    os.utime(file, (stamp, stamp))


def nightly(**given: object) -> dict[str, object]:
    return {"name": "nightly", "schedule_type": "time", "schedule_interval": "@daily", "status": "active"} | given


def named(works: Clockwork, name: str) -> Trigger:
    found = works.store.triggers.find(works.pipeline(), name)
    assert found
    return found


def test_a_file_is_taken_over_and_fires_nothing(works: Clockwork, syncer: Syncer, file: Path) -> None:
    put(file, nightly(sla=60), {"name": "by call", "schedule_type": "api", "token": "0123456789abcdef0123456789abcdef"})
    assert syncer.run_once(AT) == AT + 5 * SECOND
    time, call = named(works, "nightly"), named(works, "by call")
    assert (time.definition.sla, time.active, time.in_code, time.last_enabled_at) == (60, True, True, AT)
    assert (call.definition.type, call.active) == (TriggerType.API, False)
    assert works.registry.token(call.id) == "0123456789abcdef0123456789abcdef"
    works.look(AT)
    assert works.fires(time) == [], "the period that has begun is not run for a file that came"
    works.look(AT + DAY)
    assert works.fires(time) == [AT.replace(hour=0) + DAY]


def test_a_trigger_that_is_enabled_is_told_since_when_and_the_rest_of_the_file_stays(
    works: Clockwork, syncer: Syncer, file: Path
) -> None:
    file.write_text(
        "# ours\ntriggers:\n- name: nightly\n  schedule_type: time\n  schedule_interval: '@daily'  # late\n  status: active\n"
    )
    before = file.read_text()
    syncer.run_once(AT)
    after = file.read_text()
    assert after.startswith(before)
    assert after.removeprefix(before).strip() == f"last_enabled_at: {AT}"
    seen = named(works, "nightly")
    syncer.run_once(AT + HOUR)
    assert named(works, "nightly") == seen, "what it has written itself is no news"


def test_a_file_that_has_not_changed_is_not_read_again(works: Clockwork, syncer: Syncer, file: Path) -> None:
    put(file, nightly(last_enabled_at=str(AT)))
    syncer.run_once(AT)
    works.registry.change(named(works, "nightly").id, None, AT + HOUR, active=False)
    syncer.run_once(AT + HOUR)
    assert not named(works, "nightly").active
    put(file, nightly(last_enabled_at=str(AT)), age=5)
    syncer.run_once(AT + 2 * HOUR)
    assert named(works, "nightly").active


def test_an_entry_that_is_wrong_hides_no_other_and_is_told(works: Clockwork, syncer: Syncer, file: Path) -> None:
    put(file, nightly(), nightly(name="broken", schedule_interval="61 * * * *"), nightly(name="last"))
    syncer.run_once(AT)
    assert {each.trigger.definition.name for each in works.store.triggers.list()} == {"nightly", "last"}
    (project,) = works.store.projects.all()
    (fault,) = works.store.trigger_files.of(project.id)["daily"].faults
    assert "triggers[1].schedule_interval" in fault
    put(file, nightly(), nightly(name="broken", schedule_interval="1 * * * *"), age=5)
    syncer.run_once(AT)
    assert named(works, "broken").active
    assert works.store.trigger_files.of(project.id)["daily"].faults == ()


def test_what_a_file_no_longer_has_stays_in_the_store_alone(works: Clockwork, syncer: Syncer, file: Path) -> None:
    put(file, nightly(), nightly(name="last"))
    syncer.run_once(AT)
    put(file, nightly(), age=5)
    syncer.run_once(AT)
    assert [named(works, name).in_code for name in ("nightly", "last")] == [True, False]
    assert named(works, "last").active
    file.unlink()
    syncer.run_once(AT)
    assert not named(works, "nightly").in_code


def test_a_file_that_is_no_yaml_lets_nothing_go(works: Clockwork, syncer: Syncer, file: Path) -> None:
    put(file, nightly())
    syncer.run_once(AT)
    file.write_text("triggers: [")
    syncer.run_once(AT)
    assert named(works, "nightly").in_code


def test_entries_of_another_environment_are_left_alone(
    works: Clockwork, syncer: Syncer, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENV", "dev")
    put(file, nightly(envs=["prod"]), nightly(name="here", envs=["dev", "staging"]))
    syncer.run_once(AT)
    assert [each.trigger.definition.name for each in works.store.triggers.list()] == ["here"]


def test_a_project_or_pipeline_at_fault_keeps_no_other_waiting(
    works: Clockwork, syncer: Syncer, file: Path, tmp_path: Path
) -> None:
    works.store.projects.register(tmp_path / "gone", "gone", AT)
    put(works.folder / "pipelines" / "other" / "triggers.yaml", nightly())
    put(file, nightly())
    breaks(works.folder, "daily")
    syncer.run_once(AT)
    (found,) = works.store.triggers.list()
    assert found.pipeline == "other"


@pytest.fixture
def app(works: Clockwork, home: Path) -> App:
    return App(Settings(home=home))


def written(file: Path, name: str = "nightly") -> dict[str, object] | None:
    entries = yaml.safe_load(file.read_text())["triggers"] or []
    return next((each for each in entries if each["name"] == name), None)


def test_what_is_changed_by_command_is_written_into_the_file(
    works: Clockwork, syncer: Syncer, file: Path, app: App
) -> None:
    put(file, nightly(token="0123456789abcdef0123456789abcdef", envs=["prod"], mine=1))
    with app:
        syncer.run_once(AT)
        assert triggers.latest(app) == []
        put(file, nightly(token="0123456789abcdef0123456789abcdef", mine=1), age=5)
        syncer.run_once(AT)
        paused = triggers.pause(app, named(works, "nightly"))
        assert (written(file) or {})["status"] == "inactive"
        assert (written(file) or {})["mine"] == 1
        token = triggers.rotate(app, paused)
        assert (written(file) or {})["token"] == token == works.registry.token(paused.id)
        seen = named(works, "nightly")
        syncer.run_once(AT + HOUR)
        assert named(works, "nightly").definition == seen.definition
        assert works.registry.token(paused.id) == token
        triggers.delete(app, seen)
    assert written(file) is None


def test_a_file_that_cannot_be_changed_refuses_the_command(
    works: Clockwork, syncer: Syncer, file: Path, app: App
) -> None:
    put(file, nightly())
    syncer.run_once(AT)
    file.write_text("triggers: [")
    with app, pytest.raises(errors.BadTriggers):
        triggers.pause(app, named(works, "nightly"))
    assert named(works, "nightly").active
