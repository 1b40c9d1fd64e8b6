"""How much may run at once is read from where the format has it; what is no such number is refused by its field."""

import pytest

from headrace import errors, project
from headrace.model.limits import Limits

BLOCKS = """
blocks:
- {uuid: a, type: custom}
- {uuid: b, type: custom, concurrency_config: {block_run_limit: '3'}}
"""


def opened(folder, pipeline, metadata=""):
    """A project with the pipeline `p` of that metadata, and its own."""
    contents = {"pipelines/p/metadata.yaml": pipeline, "metadata.yaml": metadata, "custom/a.py": "", "custom/b.py": ""}
    for name, text in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return project.open(folder, {"MOST": "6"})


def test_every_limit_finds_its_place(tmp_path):
    written = """
concurrency_config:
  block_run_limit: 2
  pipeline_run_limit: '4'
  pipeline_run_limit_all_triggers: 5
  block_run_limit_per_block_uuid: {a: 1, b: 9}
  on_pipeline_run_limit_reached: skip
"""
    found = project.read(opened(tmp_path, written + BLOCKS, "queue_config: {concurrency: {{ env_var('MOST') }}}"), "p")
    limits = Limits(project_blocks=6, pipeline_runs=5, trigger_runs=4, run_blocks=2, blocks={"a": 1, "b": 3}, skip=True)
    assert found.limits == limits
    assert found.warnings == ()


@pytest.mark.parametrize(
    "written",
    ["", "concurrency_config:", "concurrency_config: {pipeline_run_limit: , on_pipeline_run_limit_reached: wait}"],
)
def test_what_is_not_written_is_no_limit(tmp_path, written):
    found = project.read(opened(tmp_path, f"{written}\nblocks: []", "queue_config: {queue_type: process}"), "p")
    assert found.limits == Limits()


def test_a_limit_of_no_block_is_forgiven_and_said(tmp_path):
    written = "concurrency_config: {block_run_limit_per_block_uuid: {gone: 1}}"
    found = project.read(opened(tmp_path, written + BLOCKS), "p")
    assert found.limits.blocks == {"b": 3}
    (warning,) = found.warnings
    assert warning == (
        "concurrency_config.block_run_limit_per_block_uuid.gone: there is no block 'gone'; its limit is left out"
    )


@pytest.mark.parametrize("value", ["0", "-1", "1.5", "many", "true", "[1]", "{}", "''", "'٣'", f"'{'9' * 5000}'"])
@pytest.mark.parametrize(
    "field",
    [
        "block_run_limit",
        "pipeline_run_limit",
        "pipeline_run_limit_all_triggers",
        "block_run_limit_per_block_uuid.a",
    ],
)
def test_a_limit_that_is_none_is_refused_by_its_field(tmp_path, field, value):
    name, _, block = field.partition(".")
    written = f"{{{block}: {value}}}" if block else value
    found = opened(tmp_path, f"name: p\nconcurrency_config:\n  {name}: {written}\n{BLOCKS}")
    with pytest.raises(errors.BadPipeline) as refused:
        project.read(found, "p")
    assert str(refused.value).startswith(f"pipelines/p/metadata.yaml line 3: concurrency_config.{field}: ")
    assert str(refused.value).endswith("expected a whole number, 1 or more")


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("concurrency_config: 3", "concurrency_config: 3 is written; expected a mapping"),
        ("concurrency_config: {block_run_limit_per_block_uuid: 3}", "per_block_uuid: 3 is written; expected a mapping"),
        (
            "concurrency_config: {on_pipeline_run_limit_reached: wait_a_bit}",
            "'wait_a_bit' is written; expected wait or",
        ),
        (
            "blocks: [{uuid: a, type: custom, concurrency_config: {block_run_limit: x}}]",
            "blocks[0].concurrency_config.",
        ),
    ],
)
def test_what_is_no_concurrency_config_is_refused(tmp_path, written, said):
    with pytest.raises(errors.BadPipeline) as refused:
        project.read(opened(tmp_path, written), "p")
    assert said in str(refused.value)


@pytest.mark.parametrize("value", ["0", "lots", "{}"])
def test_a_project_with_a_limit_that_is_none_is_refused(tmp_path, value):
    with pytest.raises(errors.BadProject) as refused:
        opened(tmp_path, "blocks: []", f"queue_config: {{concurrency: {value}}}")
    assert str(refused.value).startswith("metadata.yaml: queue_config.concurrency: ")
    assert str(refused.value).endswith("expected a whole number, 1 or more")
