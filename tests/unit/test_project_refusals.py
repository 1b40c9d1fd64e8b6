"""A pipeline at fault is refused with one error that says where, what, and what was expected."""

import itertools
import os
import re

import pytest

from headrace import errors, project
from headrace.project import files

FILES = ("custom/a.py", "custom/b.py", "custom/c.py")


def refusal(folder, metadata, code=FILES, **contents):
    """The message with which the pipeline `p` of that metadata is refused."""
    given = {"pipelines/p/metadata.yaml": metadata, **dict.fromkeys(code, "x = 1\n"), **contents}
    for name, text in given.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(errors.BadInput) as caught:
        project.read(project.open(folder), "p")
    return str(caught.value)


BLOCKS = """name: p
blocks:
- uuid: a
  type: custom
- uuid: b
  type: custom
  upstream_blocks:
  - a
- uuid: c
  CHANGED
"""


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            "type: foo",
            "line 10: blocks[2].type: 'foo' is not a block type; expected one of data_loader, transformer, "
            "data_exporter, custom, sensor, callback, conditional, dbt, extension, global_data_product, hook, "
            "markdown, scratchpad, chart",
        ),
        ("type: 7", "line 10: blocks[2].type: 7 is not a block type"),
        ("type: [custom]", "line 10: blocks[2].type: ['custom'] is not a block type"),
        (
            "type: custom\n  language: cobol",
            "line 11: blocks[2].language: 'cobol' is not a language; expected one of p",
        ),
        (
            "type: custom\n  upstream_blocks: a",
            "line 11: blocks[2].upstream_blocks: 'a' is written; expected a list",
        ),
        (
            "type: custom\n  upstream_blocks: [a, 7]",
            "line 11: blocks[2].upstream_blocks[1]: 7 is written; expected the",
        ),
        ("type: custom\n  downstream_blocks: {}", "line 11: blocks[2].downstream_blocks: a mapping is written; expect"),
        (
            "type: custom\n  timeout: soon",
            "line 11: blocks[2].timeout: 'soon' is written; expected a number of seconds",
        ),
        ("type: custom\n  timeout: -1", "line 11: blocks[2].timeout: -1 is written; expected a number of seconds"),
        ("type: custom\n  timeout: true", "line 11: blocks[2].timeout: True is written; expected a number of seconds"),
        ("type: custom\n  configuration: [1]", "line 11: blocks[2].configuration: a list is written; expected a map"),
        (
            "type: custom\n  retry_config:\n    delay: 1\n    retries: x",
            "line 13: blocks[2].retry_config.retries: retri",
        ),
        (
            "type: custom\n  executor_config: {memory_limit: lots}",
            "line 11: blocks[2].executor_config.memory_limit: 'lo",
        ),
        (
            "type: custom\n  executor_config: {memory_limit: 0}",
            "executor_config.memory_limit: 0 is written; expected a s",
        ),
        (
            "type: custom\n  executor_config: {fresh_process: 1}",
            "executor_config.fresh_process: 1 is written; expected t",
        ),
        (
            "type: custom\n  replicated_block: ../c",
            "line 11: blocks[2].replicated_block: '../c' is written; expected a n",
        ),
        ("type: custom\n- uuid: d", "line 11: blocks[3].type: nothing is written; expected one of data_loader"),
        ("type: custom\n- type: custom", "line 11: blocks[3].uuid: nothing is written; expected the name of a block"),
        ("type: custom\n- uuid: 2024_01", "line 11: blocks[3].uuid: 202401 is written; expected the name of a block"),
        ("type: custom\n- uuid: a", "line 11: blocks[3].uuid: two blocks are named 'a'"),
        ("type: custom\n- just text", "line 11: blocks[3]: 'just text' is written; expected a mapping"),
        ("type: custom\ncallbacks: 7", "line 11: callbacks: 7 is written; expected a list"),
        ("type: custom\nvariables: [1]", "line 11: variables: a list is written; expected a mapping"),
        ("type: custom\nvariables: {n: .nan}", "line 11: variables.n: nan is no number that can be kept"),
        ("type: custom\nvariables: {n: 99999999999999999999}", "line 11: variables.n: a whole number of more than 64"),
        ("type: custom\nretry_config: {delay: -1}", "line 11: retry_config.delay: delay is -1; expected a number"),
    ],
)
def test_a_field_at_fault(tmp_path, changed, said):
    message = refusal(tmp_path, BLOCKS.replace("CHANGED", changed))
    assert message.startswith("pipelines/p/metadata.yaml line ")
    assert said in message


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ("a: 1\nb: c: d\n", "line 2 column 5: this is not YAML: mapping values are not allowed in this context"),
        ("a: 1\n\tb: 2\n", "line 2 column 1: this is not YAML: found a tab character that violates indentation"),
        ("a: 1\nb: \x07", "line 2 column 4: this is not YAML: control characters are not allowed"),
        ("a: !!python/object:os.system x", "line 1 column 4: this is not YAML: could not determine a constructor"),
        ("a: 2024-99-99", "this is not YAML: a value is not of the kind it is written as (month must be in 1..12)"),
        ("[" * 100_000, "line 1 column 65: this is not YAML: it is nested deeper than 64 levels"),
        ("- " * 100_000, "line 1 column 129: this is not YAML: it is nested deeper than 64 levels"),
        ("a: &a [*a]", "line 1: a: its aliases repeat without end"),
        ("- a", "line 1: the whole file: a list is written; expected a mapping"),
        ("text", "line 1: the whole file: 'text' is written; expected a mapping"),
        ("", "metadata.yaml: the whole file: nothing is written; expected a mapping"),
        (b"a: \xe9", "metadata.yaml: the file: it is not UTF-8: byte 0xe9 in line 1"),
        ("#" * (2**20 + 1), "metadata.yaml: the file: it has more than 1048576 bytes"),
    ],
)
def test_a_file_at_fault(tmp_path, metadata, said):
    assert said in refusal(tmp_path, metadata)


def test_aliases_of_aliases_end(tmp_path):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    assert "its aliases repeat without end" in refusal(tmp_path, "\n".join(lines))


def test_merges_of_merges_end(tmp_path):
    lines = ["a0: &a0 {x: 1}"]
    lines += [f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}" for n in range(1, 40)]
    assert "its merge keys multiply without end" in refusal(tmp_path, "\n".join(lines))


@pytest.mark.parametrize(
    ("edges", "circle"),
    [({"a": "c", "b": "a", "c": "b"}, {"a", "b", "c"}), ({"b": "b"}, {"b"}), ({"a": "b", "b": "a"}, {"a", "b"})],
)
def test_a_cycle_names_its_blocks_in_order(tmp_path, edges, circle):
    blocks = [f"- {{uuid: {name}, type: custom, upstream_blocks: [{edges.get(name, '')}]}}" for name in "abc"]
    message = refusal(tmp_path, "blocks:\n" + "\n".join(blocks))
    named = re.search(r"line 2: blocks: these blocks wait for each other: (.*)", message)[1].split(" → ")
    assert set(named) == circle
    assert named[0] == named[-1]
    assert all(edges[below] == above for above, below in itertools.pairwise(named))


@pytest.mark.parametrize(
    ("block", "place"),
    [
        ("uuid: gone, type: custom", "custom/gone.py"),
        ("uuid: gone, type: transformer, language: sql", "transformers/gone.sql"),
        ("uuid: gone, type: custom, configuration: {file_path: /home/src/x/gone.py}", "custom/gone.py"),
        ("uuid: copy, type: custom, replicated_block: gone", "custom/gone.py"),
        (f"uuid: {'x' * 300}, type: custom", f"custom/{'x' * 300}.py"),
    ],
)
def test_a_block_file_that_is_missing_is_named(tmp_path, block, place):
    message = refusal(tmp_path, f"blocks:\n- {{uuid: a, type: custom}}\n- {{{block}}}")
    assert message.startswith("pipelines/p/metadata.yaml line 3: blocks[1]: the file of block ")
    assert message.endswith(f" is missing: {place}")


@pytest.mark.parametrize(
    "name", ["../a", "/etc/passwd", "x/../../a", "a\\nb", "a\\0", "x//y", "./a", "..\\\\a", " ", ""]
)
def test_a_block_name_is_never_a_path(tmp_path, name):
    message = refusal(tmp_path, f'blocks:\n- {{uuid: "{name}", type: custom}}')
    assert message.startswith("pipelines/p/metadata.yaml line 2: blocks[0].uuid: ")


@pytest.mark.parametrize("name", ["../outside.py", "/etc/passwd", "custom/../../outside.py", ""])
def test_no_file_is_found_outside_a_folder(tmp_path, name):
    (tmp_path / "outside.py").write_text("")
    (tmp_path / "inside" / "custom").mkdir(parents=True)
    with pytest.raises(files.Unreadable, match="outside the project folder"):
        files.find(tmp_path / "inside", name)


@pytest.mark.parametrize("link", ["custom/out.py", "custom", "pipelines/p", "pipelines/p/metadata.yaml"])
def test_a_link_that_leads_outside_is_refused(tmp_path, link):
    contents = {"pipelines/p/metadata.yaml": "blocks: [{uuid: out, type: custom}]", "custom/out.py": "x = 1\n"}
    for name, text in contents.items():
        for top in ("inside", "outside"):
            (tmp_path / top / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / top / name).write_text(text)
    place = tmp_path / "inside" / link
    place.rename(tmp_path / "moved")
    place.symlink_to(tmp_path / "outside" / link)
    with pytest.raises(errors.BadPipeline, match="it is a link that leads outside the project folder"):
        project.read(project.open(tmp_path / "inside"), "p")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("x = 1\n\ndef f(:\n    pass\n", "custom/a.py line 3: invalid syntax: def f(:"),
        (
            "if True:\n  x = 1\n y = 2\n",
            "custom/a.py line 3: unindent does not match any outer indentation level: y = 2",
        ),
        ("x = 1\nreturn x\n", "custom/a.py line 2: 'return' outside function: return x"),
        ("x = '\0'\n", "source code string cannot contain null bytes"),
        (b"x = 1\n# \xe9\n", "custom/a.py: it is not UTF-8: byte 0xe9 in line 2"),
        ("#" * (2**20 + 1), "custom/a.py: it has more than 1048576 bytes"),
        ("(" * 5000, "custom/a.py line 1: too many nested parentheses"),
    ],
)
def test_block_code_at_fault(tmp_path, code, said):
    message = refusal(tmp_path, "blocks: [{uuid: a, type: custom}]", **{"custom/a.py": code})
    assert message.startswith("custom/a.py")
    assert said in message


def test_code_in_a_folder_that_no_run_is_pinned_to(tmp_path):
    metadata = "blocks: [{uuid: a, type: custom, configuration: {file_path: data/a.py}}]"
    assert refusal(tmp_path, metadata, code=["data/a.py"]).startswith("data/a.py: code is not kept from there")


def test_code_that_warns_when_compiled_is_read(tmp_path):
    (tmp_path / "pipelines/p").mkdir(parents=True)
    (tmp_path / "custom").mkdir()
    (tmp_path / "pipelines/p/metadata.yaml").write_text("blocks: [{uuid: a, type: custom}]")
    (tmp_path / "custom/a.py").write_text("x = '\\d' is 'y'\n")
    assert project.read(project.open(tmp_path), "p").blocks


def test_a_pipe_in_place_of_a_file_is_no_file(tmp_path):
    (tmp_path / "custom").mkdir()
    os.mkfifo(tmp_path / "custom" / "a.py")
    assert "is missing: custom/a.py" in refusal(tmp_path, "blocks: [{uuid: a, type: custom}]", code=())
