"""What a block asks for is pinned and made, and moved by whoever has room: this engine, or any."""

import json
from pathlib import Path

import pytest
from tests.engine.parts import AT, Shelf, makers

from headrace import errors
from headrace.engine.answers import Question
from headrace.engine.services import Engine
from headrace.engine.starts import Starts
from headrace.engine.wakes import Draining
from headrace.model.run import Run, RunStatus
from headrace.model.trigger import TriggerType
from headrace.settings import Settings
from headrace.store import Store
from headrace.worker import wire


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project with a pipeline `grind` of two blocks."""
    folder = tmp_path / "mill"
    blocks = [{"uuid": "sow", "type": "custom"}, {"uuid": "note", "type": "markdown"}]
    for file, text in {
        "pipelines/grind/metadata.yaml": json.dumps({"blocks": blocks}),
        "custom/sow.py": "@custom\ndef sow():\n    pass\n",
    }.items():
        (folder / file).parent.mkdir(parents=True)
        (folder / file).write_text(text)
    return folder


@pytest.fixture
def starts(store: Store, home: Path) -> Starts:
    return makers(store, Settings(home=home)).starts


def _start(starts: Starts, folder: Path, pipeline: str = "grind", key: str = "a1 1", owner: str | None = None) -> Run:
    return starts.start(folder, pipeline, {"n": 1}, trigger="by code", key=key, owner=owner)


def test_a_run_is_made_of_the_code_as_it_is_now(starts: Starts, store: Store, folder: Path, home: Path) -> None:
    run = _start(starts, folder)
    assert (run.status, run.variables["n"], run.owner) == (RunStatus.INITIAL, 1, None)
    trigger = store.triggers.find(run.pipeline_id, "by code")
    assert trigger
    assert (run.trigger_id, run.occasion.trigger) == (trigger.id, "by code")
    assert (trigger.definition.type, trigger.active) == (TriggerType.API, True)
    assert [row.block for row in store.runs.block_runs(run.id)] == ["sow"]
    assert store.runs.events(run.id)[0].reason == "by a block"
    place = home / "versions" / store.projects.snapshot_hash(run.snapshot_id) / "mill"
    assert (place / "custom/sow.py").read_text() == (folder / "custom/sow.py").read_text()
    (folder / "custom/sow.py").write_text("@custom\ndef sow():\n    return 2\n")
    assert _start(starts, folder, key="a1 2").version_id != run.version_id


def test_a_question_that_is_asked_twice_is_one_run(starts: Starts, folder: Path) -> None:
    assert _start(starts, folder).id == _start(starts, folder).id
    assert _start(starts, folder, key="a1 2").id != _start(starts, folder, key="a2 1").id


def test_what_there_is_not_is_named(starts: Starts, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(errors.PipelineNotFound, match="no pipeline bake; it has grind"):
        _start(starts, folder, "bake")
    with pytest.raises(errors.ProjectNotFound):
        _start(starts, tmp_path / "nowhere")


class Whole:
    """An engine put together, its threads not started."""

    def __init__(self, store: Store, home: Path, folder: Path, *, own: bool) -> None:
        settings = Settings(home=home)
        self.engine = Engine(store, settings, Shelf(slots=1), (), makers(store, settings), own=own)
        self.engine._register(self.engine._owner)
        self.engine._intake.go_on_as(self.engine.name)
        self._folder = folder

    def ask(self, number: int = 1, *, waits: bool = True, project: str | None = None) -> Run:
        request = wire.StartRun(pipeline="grind", variables={}, trigger="by code", waits=waits, project=project)
        asked = wire.Asked(attempt="a1", number=number, request=request)
        return self.engine._start_asked(Question(asked, self._folder, 1, 1, "b"), request)

    def has(self, run: Run) -> bool:
        """Whether the run is this engine's and in its loop's hands."""
        return run.owner == self.engine.name and self.engine.loop.holds(run.id)


@pytest.fixture
def whole(store: Store, home: Path, folder: Path) -> Whole:
    return Whole(store, home, folder, own=False)


def test_an_engine_moves_what_its_blocks_start_as_long_as_it_has_room(whole: Whole) -> None:
    runs = [whole.ask(number) for number in range(6)]
    assert all(map(whole.has, runs[:5]))
    assert runs[5].owner is None  # any engine may


def test_an_engine_that_drains_leaves_it_to_others(whole: Whole) -> None:
    whole.engine.loop.run_once([Draining()], AT)
    assert whole.ask().owner is None


def test_asked_again_an_engine_goes_on_with_the_run_that_it_has(whole: Whole, store: Store) -> None:
    run = whole.ask()
    store.runs.close(run.id, None, RunStatus.COMPLETED, "x", AT)
    assert whole.ask().status is RunStatus.COMPLETED


def test_an_engine_of_its_own_runs_moves_what_its_blocks_wait_for(store: Store, home: Path, folder: Path) -> None:
    whole = Whole(store, home, folder, own=True)
    assert all(whole.has(whole.ask(number)) for number in range(9))  # nobody else would
    assert whole.ask(10, waits=False).owner is None


def test_the_project_may_be_another(whole: Whole, tmp_path: Path) -> None:
    with pytest.raises(errors.ProjectNotFound):
        whole.ask(project=str(tmp_path / "nowhere"))
