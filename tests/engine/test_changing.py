"""Whoever changes a trigger changes what he says of it, and undoes nothing that others have said meanwhile."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.engine.clockwork import AT, SECOND, Clockwork
from tests.newest import newest

from headrace import errors
from headrace.app import App
from headrace.engine.syncer import Syncer
from headrace.model.trigger import Definition, Trigger, TriggerSettings, TriggerType
from headrace.operations import triggers
from headrace.settings import Settings

ANEW = TriggerSettings(create_initial_pipeline_run=True)
NIGHTLY = Definition(name="nightly", type=TriggerType.TIME, interval="@daily", settings=ANEW)


@pytest.fixture
def app(works: Clockwork, home: Path) -> Iterator[App]:
    with App(Settings(home=home)) as opened:
        yield opened


@pytest.fixture
def file(works: Clockwork) -> Path:
    return works.folder / "pipelines" / "daily" / "triggers.yaml"


def described(app: App, trigger: Trigger, said: str) -> Trigger:
    return triggers.change(app, trigger, replace(trigger.definition, description=said))


@pytest.mark.parametrize("in_code", [False, True])
def test_a_pause_and_a_change_that_were_begun_before_each_other_both_stand(
    works: Clockwork, app: App, file: Path, in_code: bool
) -> None:
    seen = works.create()
    if in_code:
        seen = triggers.adopt(app, seen)
    triggers.pause(app, seen)
    described(app, seen, "mended")
    found = works.again(seen)
    assert (found.active, found.definition.description) == (False, "mended")
    triggers.resume(app, seen)
    found = works.again(seen)
    assert (found.active, found.definition.description) == (True, "mended")
    if in_code:
        (entry,) = _entries(file)
        assert (entry["status"], entry["description"]) == ("active", "mended")


def test_of_two_changes_of_the_same_trigger_the_later_is_not_made_over_what_it_has_not_seen(
    works: Clockwork, app: App
) -> None:
    seen = works.create()
    described(app, seen, "the first")
    with pytest.raises(errors.TriggerChanged, match="meanwhile"):
        triggers.change(app, seen, replace(seen.definition, sla=60))
    with pytest.raises(errors.TriggerChanged):
        works.registry.change(seen.id, replace(seen.definition, sla=60), AT, was=seen.definition)
    assert works.again(seen).definition == replace(seen.definition, description="the first")
    assert triggers.change(app, works.again(seen), replace(seen.definition, sla=60)).definition.sla == 60


def test_a_pause_of_what_was_renamed_meanwhile_brings_no_old_name_back(works: Clockwork, app: App, file: Path) -> None:
    seen = triggers.adopt(app, works.create())
    triggers.change(app, seen, replace(seen.definition, name="renamed"))
    triggers.pause(app, seen)
    assert [(each["name"], each["status"]) for each in _entries(file)] == [("renamed", "inactive")]


def test_no_trigger_is_renamed_over_another_s_entry_in_a_file(
    works: Clockwork, app: App, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ENV", raising=False)
    one, two = (triggers.adopt(app, works.create(name=name, variables={"of": name})) for name in ("one", "two"))
    before = file.read_text()
    with pytest.raises(errors.TriggerExists):
        triggers.change(app, one, replace(one.definition, name="two"))
    assert file.read_text() == before
    Syncer(works.store, works.maker, works.registry).run_once(AT + SECOND)
    assert [works.again(each).definition for each in (one, two)] == [one.definition, two.definition]
    assert works.again(one).in_code


@pytest.mark.parametrize("other", [{"envs": ["prod"]}, {"schedule_interval": "never"}])
def test_nor_over_one_that_is_in_force_elsewhere_or_is_broken(
    works: Clockwork, app: App, file: Path, other: dict[str, Any]
) -> None:
    one = triggers.adopt(app, works.create(name="one"))
    entry = {"name": "two", "schedule_type": "time", "schedule_interval": "@daily", "status": "active", **other}
    file.write_text(yaml.safe_dump({"triggers": [*_entries(file), entry]}))
    before = file.read_text()
    with pytest.raises(errors.TriggerExists):
        triggers.change(app, one, replace(one.definition, name="two"))
    assert file.read_text() == before
    assert triggers.change(app, one, replace(one.definition, name="three")).definition.name == "three"
    assert [each["name"] for each in _entries(file)] == ["two", "three"]


@pytest.fixture
def saving(works: Clockwork) -> None:
    """New triggers of the pipeline are to be in its file."""
    settings = {"settings": {"triggers": {"save_in_code_automatically": True}}}
    metadata = works.folder / "pipelines" / "daily" / "metadata.yaml"
    metadata.write_text(metadata.read_text() + yaml.safe_dump(settings))


@pytest.mark.usefixtures("saving")
@pytest.mark.parametrize("active", [True, False])
def test_a_new_trigger_that_is_to_be_in_the_file_is_there_as_it_is(
    works: Clockwork, app: App, file: Path, active: bool
) -> None:
    made = triggers.create(app, works.folder, "daily", NIGHTLY, active=active)
    assert (made.active, made.in_code, made.last_enabled_at is not None) == (active, True, active)
    (entry,) = _entries(file)
    assert (entry["name"], entry["status"]) == ("nightly", "active" if active else "inactive")
    assert len(works.runs(made)) == active, "the period that has begun is run once"


@pytest.mark.usefixtures("saving")
@pytest.mark.parametrize("text", ["triggers: [\n", "triggers:\n- {name: nightly, schedule_type: moon}\n"])
def test_a_new_trigger_that_cannot_be_in_the_file_is_none(works: Clockwork, app: App, file: Path, text: str) -> None:
    file.write_text(text)
    with pytest.raises((errors.BadTriggers, errors.TriggerExists)):
        triggers.create(app, works.folder, "daily", NIGHTLY, active=True)
    assert (triggers.latest(app), newest(works.store, 10)) == ([], [])
    assert file.read_text() == text
    file.unlink()
    assert triggers.create(app, works.folder, "daily", NIGHTLY, active=True).in_code


@pytest.mark.usefixtures("saving")
def test_nor_is_one_in_the_file_that_cannot_begin(works: Clockwork, app: App, file: Path) -> None:
    works.store.pipelines.pause(works.pipeline(), AT)
    with pytest.raises(errors.PipelinePaused):
        triggers.create(app, works.folder, "daily", NIGHTLY, active=True)
    assert (triggers.latest(app), _entries(file)) == ([], [])


def _entries(file: Path) -> list[dict[str, Any]]:
    return yaml.safe_load(file.read_text())["triggers"] or []
