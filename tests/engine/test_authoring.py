"""Pipelines that come by an API: their files and rows, what a kill leaves of them, and what applying one does."""

import multiprocessing
import os
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from headrace import clock, errors, project
from headrace.app import App
from headrace.model.pipeline import BlockType, Language
from headrace.operations import applying, authoring, catalogue, definitions, pipeline_files, steps
from headrace.operations.applying import Deed
from headrace.operations.authoring import Changes, NewBlock, NewPipeline
from headrace.project import amending, authored, tree
from headrace.settings import Settings
from headrace.store.tables import versions

UID = "0192f0c1-7d3e-7a55-8b1e-2f6f0e9a4c11"
TURN = "@custom\ndef turn(*args, **kwargs):\n    return 1\n"


@pytest.fixture
def app(home: Path) -> Iterator[App]:
    with App(Settings(home=home)) as opened:
        yield opened


@pytest.fixture(params=["sqlite", "postgres"])
def either(request: pytest.FixtureRequest, home: Path) -> Iterator[App]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else None
    with App(Settings(home=home, database=url)) as opened:
        yield opened


def step(name: str = "one", query: str = "select 1 as n", writes: str = "first", **more: Any) -> NewBlock:
    return steps.block(name, query, {"output_datasets": [writes], **more})


def new(name: str = "Mill stream", *blocks: NewBlock, **more: Any) -> NewPipeline:
    return NewPipeline(name=name, blocks=blocks or [step()], **more)


def files(app: App) -> set[str]:
    """All of the project, but folders."""
    top = app.settings.home / "authored"
    return {each.relative_to(top).as_posix() for each in top.rglob("*") if each.is_file()}


def test_a_pipeline_is_written_and_has_a_version_at_once(either: App) -> None:
    made = authoring.create(either, new(description="of the mill", tags=["corn"]))
    assert (made.row.name, made.pipeline.title, made.row.project.name) == ("mill_stream", "Mill stream", "authored")
    assert [(each.uuid, each.text, each.writes) for each in made.pipeline.blocks] == [
        ("one", "select 1 as n", ("first",))
    ]
    found = catalogue.get(either, made.row.uid)
    assert (found.current, found.title) == (made.version, "Mill stream")
    assert found.current.content.tags == ("corn",)
    assert either.store.pipelines.get(made.row.id) == made.row
    read = project.read(project.open(made.row.project.path), "mill_stream")
    assert read == made.version.content


def test_a_version_says_what_it_said_whatever_is_written_later(either: App) -> None:
    made = authoring.create(either, new())
    revised = authoring.revise(
        either, made.row.id, [step(query="select 2 as n"), step("two", "select * from first", "b")]
    )
    assert [each.row.id for each in catalogue.get(either, made.row.uid).versions] == [
        revised.version.row.id,
        made.version.row.id,
    ]
    assert catalogue.version(either, made.version.row.uid, made.row).content.blocks[0].text == "select 1 as n"
    assert [each.upstream for each in revised.pipeline.blocks] == [(), ("one",)]
    again = authoring.revise(either, made.row.id, [step()])
    assert again.version.row.id == made.version.row.id
    assert catalogue.get(either, made.row.uid).current == again.version
    last = max(catalogue.get(either, made.row.uid).versions, key=lambda each: str(each.row.used_at))
    assert last == again.version, "what was used last stays"


def test_code_is_laid_out_when_it_is_first_run(either: App) -> None:
    made, other = authoring.create(either, new()), authoring.create(either, new("b", step(writes="second")))
    laid = either.settings.home / "versions"
    assert not laid.exists()
    pin = either.maker.pin(either.maker.keep(made.row.project.path), made.row.name, clock.now())
    assert (pin.pinned.version_id, pin.pipeline) == (made.version.row.id, made.pipeline)
    assert [each.uid for each in either.store.pipelines.all()] == [made.row.uid, other.row.uid]
    assert len([each for each in laid.iterdir() if each.is_dir()]) == 1


def test_a_block_of_a_program_is_of_its_version_too(app: App) -> None:
    block = NewBlock(uuid="turn", type=BlockType.CUSTOM, language=Language.PYTHON, code=TURN)
    made = authoring.create(app, new("Programs", block))
    read = catalogue.get(app, made.row.uid)
    assert read.current == made.version
    file = next(block.file for block in made.pipeline.blocks)
    (made.row.project.path / str(file)).write_text(TURN.replace("1", "2"))
    assert authoring.describe(app, made.row.id, description="").version.row.id != made.version.row.id


def test_the_present_version_is_found_however_old_it_is(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "MOST", 2)
    made = authoring.create(app, new())
    for query in ("select 2 as n", "select 3 as n", "select 1 as n"):
        authoring.revise(app, made.row.id, [step(query=query)])
    found = catalogue.get(app, made.row.uid)
    assert (len(found.versions), found.current.row.uid) == (2, made.version.row.uid)


def test_a_version_that_cannot_be_read_hides_no_other(either: App) -> None:
    made, other = authoring.create(either, new("a")), authoring.create(either, new("b", step(writes="second")))
    with either.store.projects._database.write() as connection:
        damaged = sa.update(versions).where(versions.c.id == made.version.row.id).values(content={"name": 3})
        connection.execute(damaged)
    found = catalogue.listed(either, 10)
    assert [each.title for each in found] == ["a", "b"]
    assert ([*found[0].current.content.blocks], found[1].current) == ([], other.version)


def test_a_uid_that_is_chosen_is_the_pipelines(either: App) -> None:
    made = authoring.create(either, new(uid=UID))
    assert catalogue.row(either, UID) == made.row
    with pytest.raises(errors.PipelineExists):
        authoring.create(either, new("Another", uid=UID))
    authoring.delete(either, made.row.id)
    back = authoring.create(either, new("Another", uid=UID))
    assert (back.row, back.pipeline.title) == (made.row, "Another")


def test_only_what_is_needed_stays_and_no_file_of_another(app: App) -> None:
    made = authoring.create(app, new("a", step()))
    other = authoring.create(app, new("b", step(writes="second")))
    before = files(app)
    authoring.revise(app, made.row.id, [step(query="select 2 as n")])
    assert len(files(app)) == len(before)
    authoring.delete(app, made.row.id)
    assert files(app) == {each for each in before if "/b/" in each}
    assert other.pipeline.blocks[0].file in files(app)


def test_a_file_that_another_pipeline_has_taken_along_stays(app: App) -> None:
    """Renamed by its folder a pipeline keeps its files where they are, and another may have its name then."""
    made = authoring.create(app, new("a", step()))
    pipeline_files.rename(app, made.row.project.path, "a", "b")
    second = authoring.create(app, new("a", step(writes="second")))
    authoring.delete(app, second.row.id)
    assert made.pipeline.blocks[0].file in files(app)


def test_steps_whose_files_would_be_called_alike_have_files_of_their_own(app: App) -> None:
    made = authoring.create(app, new("a", step("One"), step("one", "select 2 as n", "second")))
    assert [each.text for each in made.pipeline.blocks] == ["select 1 as n", "select 2 as n"]


def test_names_that_lead_to_one_folder_are_told_apart(app: App) -> None:
    names = [
        authoring.create(app, new(name, step(writes=f"d{n}"))).row.name for n, name in enumerate(["a b", "a-b", "A/b"])
    ]
    assert names == ["a_b", "a_b_2", "a_b_3"]


def test_blocks_of_any_kind_are_written(app: App) -> None:
    code = (
        "from mage_ai.data_preparation.decorators import custom\n\n\n@custom\ndef sow(*args, **kwargs):\n    return 1\n"
    )
    block = NewBlock(uuid="sow", type=BlockType.CUSTOM, language=Language.PYTHON, code=code, extra={"timeout": 5})
    made = authoring.create(app, new("p", block, step("one", upstream_blocks=None)))
    assert (made.pipeline.blocks[0].timeout, made.pipeline.blocks[0].language) == (5, Language.PYTHON)


@pytest.mark.parametrize(
    ("blocks", "refused"),
    [
        ([step(query="selec 1")], errors.BadBlock),
        ([step(), step()], errors.BlockExists),
        ([NewBlock(uuid="sow", type=BlockType.CUSTOM, language=Language.PYTHON, code="def (")], errors.BadBlock),
        ([NewBlock(uuid="sow", type=BlockType.CUSTOM, language=Language.R, code="1")], errors.Unsupported),
        ([step("x" * 300)], errors.BadBlock),
    ],
)
def test_what_cannot_be_run_leaves_nothing(app: App, blocks: list[NewBlock], refused: type[Exception]) -> None:
    with pytest.raises(refused):
        authoring.create(app, new("a", *blocks))
    assert not (app.settings.home / "authored").exists()
    assert app.store.pipelines.all() == []
    assert not (app.settings.home / "versions").exists()


def test_pipelines_of_folders_are_not_written_here(app: App, tmp_path: Path) -> None:
    project.create(tmp_path / "mill")
    pin = app.maker.pin(app.maker.keep(tmp_path / "mill"), "mill_stream", clock.now())
    with pytest.raises(errors.NotAuthored):
        authoring.revise(app, pin.pinned.pipeline_id, [step()])
    with pytest.raises(errors.NotAuthored):
        authoring.delete(app, pin.pinned.pipeline_id)
    with pytest.raises(errors.NoSuchRecord):
        authoring.revise(app, 77, [step()])


@pytest.mark.parametrize("files_written", range(5))
def test_whenever_it_is_killed_the_pipeline_is_the_old_one_or_the_new(app: App, files_written: int) -> None:
    """The process ends when so many files are in their places, each of them on the disk: two of code, and what names them."""
    made = authoring.create(app, new("a", step(), step("two", "select * from first", "second")))
    texts = [each.text for each in made.pipeline.blocks]
    later = [step(query="select 2 as n"), step("two", "select n, 1 as m from first", "second")]
    child = multiprocessing.get_context("fork").Process(
        target=_revise_and_die, args=(app, made.row.id, later, files_written)
    )
    child.start()
    child.join()
    assert child.exitcode in (0, 9)
    read = project.read(project.open(made.row.project.path), "a")
    assert [each.text for each in read.blocks] == (texts if files_written < 2 else [each.code for each in later])
    authoring.revise(app, made.row.id, later)
    read = project.read(project.open(made.row.project.path), "a")
    assert [each.text for each in read.blocks] == [each.code for each in later]
    assert len(files(app)) == 3


def _revise_and_die(app: App, pipeline_id: int, later: list[NewBlock], files_written: int) -> None:
    left, real = iter(range(files_written)), amending.sync
    home = str(app.settings.home)

    def counting(folder: Path) -> None:
        if str(folder).startswith(home) and next(left, None) is None:
            os._exit(9)
        real(folder)

    amending.sync = counting  # type: ignore[assignment]
    with App(app.settings) as own:
        authoring.revise(own, pipeline_id, later)
    os._exit(0)


def test_there_are_never_so_many_that_none_could_be_read(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    made = authoring.create(app, new("a"))
    monkeypatch.setattr(tree, "MOST", authored.SPARE + 15)
    before = files(app)
    with pytest.raises(errors.FileUnwritable, match="delete pipelines"):
        authoring.create(app, new("b", step(writes="second")))
    assert files(app) == before
    revised = authoring.revise(app, made.row.id, [step(f"s{n}", writes=f"d{n}") for n in range(20)])
    assert len(revised.pipeline.blocks) == 20
    monkeypatch.setattr(tree, "MOST", 20)
    with pytest.raises(errors.FileUnwritable):
        authoring.revise(app, made.row.id, [step(f"t{n}", writes=f"d{n}") for n in range(20)])


def test_applying_twice_does_what_applying_once_does(either: App) -> None:
    said = {"name": "Sales", "steps": [{"name": "one", "query": "select 1 as n", "output_datasets": ["first"]}]}
    first = applying.apply(either, definitions.new(said))
    assert (first.deed, first.pipeline, first.changes) == (Deed.CREATED, "sales", ())
    again = applying.apply(either, definitions.new(said))
    assert (again.deed, again.version, again.uid) == (Deed.UNCHANGED, first.version, first.uid)
    assert len(catalogue.get(either, first.uid or "").versions) == 1


def test_applying_says_what_changes_and_does_it_unless_it_is_dry(app: App) -> None:
    before = applying.apply(app, new("Sales", step(), step("two", "select * from first", "second")))
    wanted = new("Sales", step(query="select 2 as n"), step("three", "select 3 as n", "third"), description="by day")
    changes = ("description", "step three added", "step one changed", "step two removed")
    dry = applying.apply(app, wanted, dry=True)
    assert (dry.deed, dry.changes, dry.version) == (Deed.CHANGED, changes, None)
    assert (
        applying.apply(app, new("Sales", step(), step("two", "select * from first", "second"))).version
        == before.version
    )
    done = applying.apply(app, wanted)
    assert (done.deed, done.changes, done.uid) == (Deed.CHANGED, changes, before.uid)
    assert applying.apply(app, wanted).deed is Deed.UNCHANGED
    turned = new("Sales", *reversed(wanted.blocks), description="by day")
    assert applying.apply(app, turned).changes == ("the order of steps",)


def test_applying_puts_right_what_somebody_has_changed_by_hand(app: App) -> None:
    applying.apply(app, new("Sales"))
    (file,) = (app.settings.home / "authored" / "transformers" / "sales").iterdir()
    file.write_text("select 3 as n")
    assert applying.apply(app, new("Sales"), dry=True).changes == ("step one changed",)
    assert applying.apply(app, new("Sales")).deed is Deed.CHANGED
    assert file.read_text() == "select 1 as n"


def test_a_dry_application_of_a_new_pipeline_writes_nothing(app: App) -> None:
    told = applying.apply(app, new("Sales"), dry=True)
    assert (told.deed, told.uid, told.version) == (Deed.CREATED, None, None)
    assert not (app.settings.home / "authored").exists()
    with pytest.raises(errors.BadBlock):
        applying.apply(app, new("Sales", step(query="selec")), dry=True)


def test_what_was_deleted_is_the_same_pipeline_once_it_is_applied_again(app: App) -> None:
    made = applying.apply(app, new("Sales"))
    authoring.delete(app, catalogue.row(app, made.uid or "").id)
    again = applying.apply(app, new("Sales"))
    assert (again.deed, again.uid, again.pipeline) == (Deed.CREATED, made.uid, made.pipeline)


def test_a_description_changes_and_the_rest_stays(app: App) -> None:
    made = authoring.create(app, new("Sales", tags=["corn"]))
    changed = authoring.change(app, made.row.id, Changes(name="Sold", tags=[]))
    assert (changed.pipeline.title, changed.pipeline.tags, changed.row) == ("Sold", (), made.row)
    assert changed.pipeline.blocks == made.pipeline.blocks
    with pytest.raises(errors.BadField):
        authoring.describe(app, made.row.id, name=" ")


def test_of_many_that_ask_for_one_name_at_once_one_gets_it(either: App) -> None:
    together = threading.Barrier(4)

    def create(number: int) -> str | None:
        together.wait()
        try:
            return authoring.create(either, new("Sales", step(query=f"select {number} as n"))).row.uid
        except errors.PipelineExists:
            return None

    with ThreadPoolExecutor(4) as pool:
        made = [uid for uid in pool.map(create, range(4)) if uid]
    assert [row.uid for row in either.store.pipelines.all()] == made
    assert len(made) == 1
    assert len(files(either)) == 2


FILE = """
pipelines:
- name: sales
  tags: [corn]
  steps:
  - name: clean
    query_file: clean.sql
    output_datasets: [clean_orders]
- name: As the SDK says it
  description: the same
  workflow_config:
    jobs:
    - name: clean
      config: {job_type: data-transform, query_type: sql, query: select 1 as n, output_datasets: [{name: kept}]}
"""


def test_a_file_of_definitions_is_read(tmp_path: Path) -> None:
    (tmp_path / "all.yaml").write_text(FILE)
    (tmp_path / "clean.sql").write_text("select 1 as id\n")
    sales, other = map(definitions.new, definitions.read(tmp_path / "all.yaml"))
    assert (sales.name, sales.tags, sales.blocks[0].code) == ("sales", ["corn"], "select 1 as id\n")
    assert (other.blocks[0].code, other.blocks[0].configuration) == (
        "select 1 as n",
        {"output_datasets": [{"name": "kept"}]},
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name: [", "line 2"),
        ("- a\n- b", "a name and steps"),
        ("pipelines: 3", "a name and steps"),
        ("name: a", "steps"),
        ("{name: a, steps: 3}", "steps"),
        ("{name: a, steps: [{name: b, query: 1, output_datasets: [c]}]}", "$.steps[0].query"),
        ("{name: a, steps: [{name: b, query: select 1, output_datasets: [c], mode: d}]}", "mode"),
        ("{name: a, steps: [{name: b, query_file: nowhere.sql, output_datasets: [c]}]}", "nowhere.sql"),
        ("{name: a, jobs: []}", "jobs"),
        ("{name: a, pipeline_config: {jobs: [{name: b, config: {job_type: embeddings, query: x}}]}}", "job_type"),
    ],
)
def test_a_file_that_defines_nothing_is_refused_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "all.yaml").write_text(text)
    with pytest.raises(errors.BadDefinition, match=re.escape(said)):
        [definitions.new(each) for each in definitions.read(tmp_path / "all.yaml")]
