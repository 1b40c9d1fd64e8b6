"""Pipelines' files are changed on disk in the place that differs alone, and their folders made, moved and removed."""

import copy
import difflib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headrace import errors, project
from headrace.project import block_files, drafts, pipeline_files, pipeline_texts

HAND = """\
# ours
name: p
uuid: p
type: python
blocks:
# the first
- uuid: a  # here it begins
  type: custom
  upstream_blocks: []
  downstream_blocks: [b]
- uuid: b
  type: custom
  upstream_blocks:
  - a
  configuration: {x: 1,  y: [ 2 ]}
tags: []   # none yet
variables:
  day: 1  # of the month
"""


def changed(change: Callable[[Any], Any], text: str = HAND) -> list[str]:
    """The lines that the change takes out and puts in."""
    after = copy.deepcopy(pipeline_texts.read(text, "f"))
    change(after)
    lines = difflib.unified_diff(
        text.splitlines(), pipeline_texts.rewrite(text, "f", after).splitlines(), n=0, lineterm=""
    )
    return [line for line in lines if not line.startswith(("---", "+++", "@@"))]


def test_only_what_differs_is_touched() -> None:
    assert changed(lambda whole: whole.update(name="q")) == ["-name: p", "+name: q"]
    assert changed(lambda whole: whole["variables"].update(day=2)) == [
        "-  day: 1  # of the month",
        "+  day: 2  # of the month",
    ]
    assert changed(lambda whole: whole["blocks"][1]["configuration"].update(x=3)) == [
        "-  configuration: {x: 1,  y: [ 2 ]}",
        "+  configuration: {x: 3,  y: [ 2 ]}",
    ]
    assert changed(lambda whole: whole.update(description="a: b")) == ["+description: 'a: b'"]
    assert changed(lambda whole: whole.pop("type")) == ["-type: python"]


def test_a_block_is_put_at_the_end_renamed_in_its_place_and_taken_out() -> None:
    assert changed(lambda whole: whole["blocks"].append({"uuid": "c", "type": "custom"})) == [
        "+- uuid: c",
        "+  type: custom",
    ]
    assert changed(lambda whole: whole["blocks"][0].update(uuid="z")) == [
        "-- uuid: a  # here it begins",
        "+- uuid: z  # here it begins",
    ]
    assert changed(lambda whole: whole["blocks"].pop()) == [
        "-- uuid: b",
        "-  type: custom",
        "-  upstream_blocks:",
        "-  - a",
        "-  configuration: {x: 1,  y: [ 2 ]}",
    ]


def test_another_order_is_written_anew() -> None:
    after = copy.deepcopy(pipeline_texts.read(HAND, "f"))
    after["blocks"].reverse()
    text = pipeline_texts.rewrite(HAND, "f", after)
    assert pipeline_texts.read(text, "f") == after
    assert text.startswith("# ours\n")
    assert "# of the month" in text


def test_json_stays_what_yaml_reads() -> None:
    text = '{\n "blocks": [\n  {\n   "uuid": "a",\n   "downstream_blocks": []\n  }\n ],\n "tags": []\n}'
    after = copy.deepcopy(pipeline_texts.read(text, "f"))
    after["blocks"][0]["downstream_blocks"] = ["b"]
    after["blocks"].append({"uuid": "b"})
    after["tags"] = ["x"]
    assert pipeline_texts.read(pipeline_texts.rewrite(text, "f", after), "f") == after


def test_what_shares_an_anchor_is_for_hands_to_change() -> None:
    text = "name: p\nblocks: &b\n- uuid: a\n  timeout: &t 1\n- uuid: b\n  timeout: *t\n"
    after = copy.deepcopy(pipeline_texts.read(text, "f"))
    after["blocks"][0]["timeout"] = 5
    with pytest.raises(errors.BadPipeline, match="by hand"):
        pipeline_texts.rewrite(text, "f", after)


@pytest.fixture
def found(tmp_path: Path) -> project.Project:
    (tmp_path / "mill" / "pipelines" / "p").mkdir(parents=True)
    (tmp_path / "mill" / "custom").mkdir()
    (tmp_path / "mill" / "custom" / "a.py").write_text("")
    (tmp_path / "mill" / "custom" / "b.py").write_text("")
    (tmp_path / "mill" / "pipelines" / "p" / "metadata.yaml").write_text(HAND)
    return project.open(tmp_path / "mill", {})


def names(found: project.Project) -> set[str]:
    return {each.name for each in (found.path / "pipelines").iterdir()}


def test_a_folder_is_made_moved_and_removed(found: project.Project) -> None:
    pipeline_files.create(found, "q", {"name": "q", "blocks": []})
    assert project.draft(found, "q").whole == {"name": "q", "blocks": []}
    pipeline_files.move(found, "q", "r")
    assert names(found) == {"p", "r"}
    pipeline_files.remove(found, "r")
    assert names(found) == {"p"}
    with pytest.raises(errors.PipelineNotFound):
        pipeline_files.remove(found, "r")


def test_nothing_is_put_where_something_is(found: project.Project) -> None:
    (found.path / "pipelines" / "q").mkdir()
    for deed in (
        lambda: pipeline_files.create(found, "p", {}),
        lambda: pipeline_files.create(found, "q", {}),
        lambda: pipeline_files.move(found, "p", "q"),
    ):
        with pytest.raises(errors.PipelineExists):
            deed()
    assert names(found) == {"p", "q"}
    assert project.draft(found, "p").whole["name"] == "p"


def test_a_pipeline_that_can_be_read_is_not_made_one_that_cannot(found: project.Project) -> None:
    with pytest.raises(errors.BadPipeline):
        pipeline_files.amend(found, "p", lambda whole: {**whole, "concurrency_config": {"pipeline_run_limit": -1}})
    file = found.path / "pipelines" / "p" / "metadata.yaml"
    assert file.read_text() == HAND
    file.write_text(HAND.replace("type: custom", "type: never"))
    pipeline_files.amend(found, "p", lambda whole: drafts.change(whole, "a", {"type": "custom"}))
    assert file.read_text().count("type: never") == 1


def test_no_code_is_written_outside_the_project(found: project.Project, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (found.path / "sensors").symlink_to(tmp_path / "elsewhere")
    for file in ("../x.py", "/tmp/x.py", "sensors/x.py", "custom/.x.py", "data/x.py", "custom/x.sh"):
        with pytest.raises(errors.FileUnwritable):
            block_files.write(found, file, "print()")
    assert not list((tmp_path / "elsewhere").iterdir())


def test_code_is_written_as_a_whole_with_its_folder(found: project.Project) -> None:
    block_files.write(found, "custom/sub/x.py", "one\n")
    block_files.write(found, "custom/sub/x.py", "two\n")
    assert block_files.read(found, "custom/sub/x.py") == "two\n"
    assert [each.name for each in (found.path / "custom" / "sub").iterdir()] == ["x.py"]
    block_files.remove(found, "custom/sub/x.py")
    assert not block_files.there(found, "custom/sub/x.py")
    with pytest.raises(errors.FileUnwritable, match="bytes"):
        block_files.write(found, "custom/x.py", "x" * (2**20 + 1))
