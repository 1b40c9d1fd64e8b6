"""Everything the format writes finds its place; what real projects get wrong is forgiven, and said."""

import pytest

from headrace import errors, project
from headrace.model.limits import Limits
from headrace.model.pipeline import Block, BlockType, Language

CODE = "x = 1\n"


def made(folder, metadata, *files, **contents):
    """A project with the pipeline `p` of that metadata, and files of code."""
    for name, text in {"pipelines/p/metadata.yaml": metadata, **dict.fromkeys(files, CODE), **contents}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return project.open(folder)


def read(folder, metadata, *files):
    return project.read(made(folder, metadata, *files), "p")


def blocks_of(folder, blocks, *files):
    """The blocks, by name, of a pipeline with these lines of YAML under `blocks`."""
    found = read(folder, f"blocks: [{blocks}]", *files)
    return {block.uuid: block for block in found.blocks}, found.warnings


FULL = """
name: A full one
uuid: another_name
description: All that can be said
type: python
tags: [a, 7]
created_at: 2024-01-01 00:00:00
variables: {n: 3, nested: {list: [1, null, 2.5, true]}}
retry_config: {retries: 4}
concurrency_config: {block_run_limit: 2}
executor_config: {memory_limit: 1GiB}
unknown: {kept: true}
blocks:
- uuid: load
  name: Load it
  type: data_loader
  language: python
  configuration: {limit: 10}
  retry_config: {retries: 1, delay: 0.5}
  timeout: 30
  color: blue
- uuid: clean
  type: transformer
  upstream_blocks: [load]
  executor_config: {fresh_process: true, memory_limit: 512MB}
callbacks:
- {uuid: tell, type: callback, upstream_blocks: [clean]}
conditionals:
- {uuid: if_any, type: conditional, upstream_blocks: [clean]}
"""


def test_every_field_finds_its_place(tmp_path):
    (tmp_path / "metadata.yaml").write_text("retry_config: {retries: 9, delay: 2}")
    found = read(
        tmp_path, FULL, "data_loaders/load.py", "transformers/clean.py", "callbacks/tell.py", "conditionals/if_any.py"
    )
    assert (found.name, found.title, found.type) == ("p", "A full one", "python")
    assert (found.description, found.tags) == ("All that can be said", ("a", "7"))
    assert found.variables == {"n": 3, "nested": {"list": [1, None, 2.5, True]}}
    assert found.retry_config == {"retries": 4, "delay": 2}
    assert found.limits == Limits(run_blocks=2)
    assert found.extra == {
        "uuid": "another_name",
        "created_at": "2024-01-01T00:00:00",
        "executor_config": {"memory_limit": "1GiB"},
        "unknown": {"kept": True},
    }
    assert found.blocks == (
        Block(
            uuid="load",
            name="Load it",
            type=BlockType.DATA_LOADER,
            file="data_loaders/load.py",
            configuration={"limit": 10},
            retry_config={"retries": 1, "delay": 0.5},
            timeout=30.0,
            memory_limit=2**30,
            extra={"color": "blue"},
        ),
        Block(
            uuid="clean",
            name="clean",
            type=BlockType.TRANSFORMER,
            file="transformers/clean.py",
            upstream=("load",),
            fresh_process=True,
            memory_limit=512_000_000,
            extra={"executor_config": {"fresh_process": True, "memory_limit": "512MB"}},
        ),
    )
    assert [(block.uuid, block.upstream) for block in found.callbacks] == [("tell", ("clean",))]
    assert [(block.uuid, block.file) for block in found.conditionals] == [("if_any", "conditionals/if_any.py")]
    assert found.retry_policy("load").retries == 1
    assert found.warnings == ()


@pytest.mark.parametrize("text", ["blocks: []", "blocks:", "name: x\nvariables:\ntags:\nretry_config:\ntype:"])
def test_a_pipeline_may_have_nothing(tmp_path, text):
    found = read(tmp_path, text)
    assert (found.blocks, found.variables, found.type, found.warnings) == ((), {}, "python", ())


def test_the_order_of_inputs_is_that_of_upstream_blocks(tmp_path):
    blocks, _ = blocks_of(
        tmp_path,
        "{uuid: a, type: custom}, {uuid: b, type: custom}, {uuid: c, type: custom, upstream_blocks: [b, a]}",
        *(f"custom/{name}.py" for name in "abc"),
    )
    assert blocks["c"].upstream == ("b", "a")


def test_edges_that_lead_nowhere_are_left_out_and_said(tmp_path):
    blocks, warnings = blocks_of(
        tmp_path,
        "{uuid: a, type: custom, downstream_blocks: [b, c]}, {uuid: note, type: markdown},"
        "{uuid: b, type: custom, upstream_blocks: [gone, a, a, note]}, {uuid: c, type: custom}",
        *(f"custom/{name}.py" for name in "abc"),
    )
    assert (blocks["b"].upstream, blocks["c"].upstream) == (("a",), ())
    assert warnings == (
        "blocks[2].upstream_blocks[0]: there is no block 'gone'; the edge to 'b' is left out",
        "blocks[2].upstream_blocks[2]: 'a' is named twice; once counts",
        "blocks[2].upstream_blocks[3]: 'note' never runs; the edge to 'b' is left out",
        "blocks[0].downstream_blocks[1]: 'c' does not name 'a' upstream; the edge is left out",
    )


@pytest.mark.parametrize(
    ("block", "file", "type", "language"),
    [
        ("{uuid: x, type: data_loader}", "data_loaders/x.py", "data_loader", "python"),
        ("{uuid: x, type: data_loader, language: null}", "data_loaders/x.sql", "data_loader", "sql"),
        ("{uuid: x, type: custom, language: sql}", "custom/x.sql", "custom", "sql"),
        ("{uuid: x, language: python}", "transformers/x.py", "transformer", "python"),
        ("{uuid: x, type: null, language: null}", "sensors/x.py", "sensor", "python"),
        ("{uuid: sub/deep/x, type: transformer}", "transformers/sub/deep/x.py", "transformer", "python"),
        ("{uuid: größe, type: custom}", "custom/größe.py", "custom", "python"),
        ("{uuid: x, type: data_exporter, language: yaml}", "data_exporters/x.yml", "data_exporter", "yaml"),
        ("{uuid: x, type: data_loader, language: r}", "data_loaders/x.r", "data_loader", "r"),
        ("{uuid: x, type: dbt, language: yaml}", "dbts/x.yaml", "dbt", "yaml"),
        (
            "{uuid: m, type: dbt, language: sql, configuration: {file_path: demo/models/m.sql}}",
            "dbt/demo/models/m.sql",
            "dbt",
            "sql",
        ),
        ("{uuid: x, type: custom, configuration: {file_path: lib/y.py}}", "lib/y.py", "custom", "python"),
        ("{uuid: x, type: custom, configuration: {file_path: PROJECT/lib/y.py}}", "lib/y.py", "custom", "python"),
        ("{uuid: x, type: custom, configuration: {file_path: ROOT/lib/y.py}}", "lib/y.py", "custom", "python"),
    ],
)
def test_a_block_is_found(tmp_path, block, file, type, language):
    block = block.replace("PROJECT", tmp_path.name).replace("ROOT", str(tmp_path))
    blocks, warnings = blocks_of(tmp_path, block, file)
    (found,) = blocks.values()
    assert (found.file, found.type, found.language) == (file, BlockType(type), Language(language))
    assert warnings == ()


def test_what_file_path_names_comes_before_the_default_place(tmp_path):
    blocks, _ = blocks_of(
        tmp_path, "{uuid: x, type: custom, configuration: {file_path: lib/x.py}}", "custom/x.py", "lib/x.py"
    )
    assert blocks["x"].file == "lib/x.py"


@pytest.mark.parametrize("path", ["/home/src/other/custom/x.py", "../elsewhere.py", "custom/gone.py", "/etc/passwd"])
def test_a_file_path_of_another_machine_falls_back(tmp_path, path):
    blocks, warnings = blocks_of(
        tmp_path, f"{{uuid: x, type: custom, configuration: {{file_path: {path}}}}}", "custom/x.py"
    )
    if path.endswith("custom/x.py"):
        assert warnings == ()
    else:
        assert warnings == (f"blocks[0].configuration.file_path: {path} is not here; custom/x.py is used instead",)
    assert blocks["x"].file == "custom/x.py"


def test_a_replicated_block_has_the_other_ones_code(tmp_path):
    blocks, _ = blocks_of(
        tmp_path,
        "{uuid: a, type: custom, configuration: {file_path: lib/a.py}}, {uuid: b, type: custom, replicated_block: a},"
        "{uuid: c, type: transformer, replicated_block: elsewhere}",
        "lib/a.py",
        "transformers/elsewhere.py",
    )
    assert (blocks["b"].file, blocks["c"].file) == ("lib/a.py", "transformers/elsewhere.py")


def test_blocks_that_never_run_need_no_file(tmp_path):
    blocks, _ = blocks_of(
        tmp_path, "{uuid: a, type: markdown}, {uuid: b, type: scratchpad}, {uuid: c, type: chart}", "scratchpads/b.py"
    )
    assert [block.file for block in blocks.values()] == [None, "scratchpads/b.py", None]


def test_remote_executors_run_locally_and_it_is_said(tmp_path):
    found = read(
        tmp_path,
        "executor_type: ecs\nblocks: [{uuid: a, type: custom, executor_type: k8s},"
        "{uuid: b, type: custom, executor_type: local_python}]",
        "custom/a.py",
        "custom/b.py",
    )
    assert found.warnings == (
        "executor_type: ecs is not set up here; the pipeline runs locally",
        "blocks[0].executor_type: k8s is not set up here; the block runs locally",
    )


def test_dates_become_text_and_it_is_said_where_code_would_see_them(tmp_path):
    found = read(tmp_path, "created_at: 2024-02-29\nvariables: {day: 2024-02-29, at: 2024-02-29T01:02:03Z}")
    assert found.variables == {"day": "2024-02-29", "at": "2024-02-29T01:02:03+00:00"}
    assert found.warnings == tuple(
        f"variables.{name}: this is a date; blocks are given it as text" for name in ("day", "at")
    )


def test_has_callback_of_old_projects(tmp_path):
    found = read(
        tmp_path,
        "blocks: [{uuid: a, type: custom, has_callback: true}, {uuid: b, type: custom, has_callback: true}]",
        "custom/a.py",
        "custom/b.py",
        "callbacks/a_callback.py",
    )
    assert [(block.uuid, block.file, block.upstream) for block in found.callbacks] == [
        ("a_callback", "callbacks/a_callback.py", ("a",))
    ]


@pytest.mark.parametrize(
    ("written", "size"),
    [("1000", 1000), ("512MB", 512_000_000), ("1.5 GiB", 3 * 2**29), ("2Gi", 2**31), ("64k", 64_000)],
)
def test_sizes_of_memory(tmp_path, written, size):
    blocks, _ = blocks_of(
        tmp_path, f"{{uuid: a, type: custom, executor_config: {{memory_limit: {written}}}}}", "custom/a.py"
    )
    assert blocks["a"].memory_limit == size


def test_a_link_within_the_project_is_followed(tmp_path):
    made(tmp_path, "blocks: [{uuid: a, type: custom}]", "lib/a.py")
    (tmp_path / "custom").symlink_to("lib")
    assert project.read(project.open(tmp_path), "p").blocks[0].file == "custom/a.py"


def test_one_broken_pipeline_hides_no_other(tmp_path):
    found = made(tmp_path, "blocks: []")
    made(tmp_path, "blocks: [", **{"pipelines/broken/metadata.yaml": "blocks: ["})
    (tmp_path / "pipelines/p/metadata.yaml").write_text("blocks: []")
    everything = project.read_all(found)
    assert list(everything) == ["broken", "p"]
    assert isinstance(everything["broken"], errors.BadPipeline)
    assert everything["p"].name == "p"


@pytest.mark.parametrize(
    ("metadata", "what"),
    [
        ("type: streaming", "a pipeline of type streaming"),
        ("type: integration", "a pipeline of type integration"),
        ("blocks: [{uuid: a, type: sensor}]", "the block a of type sensor"),
        ("blocks: [{uuid: a, type: custom, language: sql}]", "the block a in sql"),
        ("blocks: [{uuid: a, type: custom, configuration: {dynamic: true}}]", "the dynamic block a"),
        ("blocks: [{uuid: a, type: custom, configuration: {dynamic: {parent: true}}}]", "the dynamic block a"),
        ("blocks: [{uuid: a, type: custom, configuration: {reduce_output: true}}]", "reduce_output"),
        (
            "blocks: [{uuid: a, type: custom}]\ncallbacks: [{uuid: a, type: callback, upstream_blocks: [a]}]",
            "the callback a",
        ),
        (
            "blocks: [{uuid: a, type: custom}]\nconditionals: [{uuid: a, type: conditional, upstream_blocks: [a]}]",
            "the conditional a",
        ),
        ("extensions: {great_expectations: {blocks: [{uuid: a}]}}", "the extension great_expectations"),
    ],
)
def test_what_is_read_but_not_run_yet(tmp_path, metadata, what):
    files = ("custom/a.py", "custom/a.sql", "sensors/a.py", "callbacks/a.py", "conditionals/a.py")
    found = read(tmp_path, metadata, *files)
    with pytest.raises(errors.Unsupported, match=rf"pipelines/p/metadata\.yaml: .*{what}"):
        project.refuse_unsupported(found)


@pytest.mark.parametrize(
    "metadata",
    [
        "blocks: []",
        "type: pyspark",
        "blocks: [{uuid: a, type: custom, configuration: {dynamic: false}}, {uuid: n, type: markdown}]",
        "blocks: [{uuid: a, type: custom}]\ncallbacks: [{uuid: a, type: callback}]\nextensions: {x: {blocks: []}}",
        "blocks: [{uuid: a, type: custom}, {uuid: b, type: custom, replicated_block: a}]",
    ],
)
def test_what_is_run(tmp_path, metadata):
    project.refuse_unsupported(read(tmp_path, metadata, "custom/a.py", "callbacks/a.py"))
