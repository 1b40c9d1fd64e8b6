"""Whatever a project's files say, they are read into values that survive being kept, or refused in words."""

from datetime import UTC

import msgspec
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace import errors, project
from headrace.model.pipeline import Pipeline
from headrace.project import environment

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=20)
    | st.dates()
    | st.datetimes(timezones=st.sampled_from([None, UTC]))
)
keys = st.text(st.characters(codec="utf-8"), max_size=8) | st.integers(0, 9) | st.booleans() | st.dates()
values = st.recursive(
    scalars, lambda below: st.lists(below, max_size=4) | st.dictionaries(keys, below, max_size=4), max_leaves=20
)
mappings = st.dictionaries(keys, values, max_size=5)


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder = tmp_path_factory.mktemp("project")
    for name in ("custom/a.py", "custom/b.py", "pipelines/p/metadata.yaml"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("")
    return project.open(folder)


@given(variables=mappings, configuration=mappings, extra=values, description=scalars)
def test_a_pipeline_comes_back_from_json_as_it_was(found, variables, configuration, extra, description):
    written = {
        "description": description,
        "variables": variables,
        "unknown": extra,
        "blocks": [
            {"uuid": "a", "type": "custom", "configuration": {**configuration, "file_path": None}, "note": extra},
            {"uuid": "b", "type": "custom", "upstream_blocks": ["a"], "timeout": 3},
        ],
    }
    (found.path / "pipelines/p/metadata.yaml").write_text(yaml.safe_dump(written, allow_unicode=True), "utf-8")
    pipeline = project.read(found, "p")
    assert len(pipeline.variables) <= len(variables)
    assert msgspec.json.decode(msgspec.json.encode(pipeline), type=Pipeline) == pipeline


fields = st.sampled_from(
    [
        "uuid",
        "name",
        "type",
        "language",
        "upstream_blocks",
        "downstream_blocks",
        "configuration",
        "retry_config",
        "timeout",
        "executor_config",
        "executor_type",
        "replicated_block",
        "has_callback",
    ]
)
words = st.sampled_from(["a", "b", "custom", "python", "markdown", "sql", "../a", ""])
blocks = st.dictionaries(fields, words | st.lists(words, max_size=3) | values, max_size=6)
pipelines = st.dictionaries(
    st.sampled_from(
        ["blocks", "callbacks", "variables", "retry_config", "tags", "type", "executor_config", "extensions"]
    ),
    st.lists(blocks, max_size=3) | values,
    max_size=5,
)


@given(written=pipelines)
@settings(max_examples=200)
def test_any_pipeline_is_read_or_refused_in_one_line(found, written):
    (found.path / "pipelines/p/metadata.yaml").write_text(yaml.safe_dump(written), "utf-8")
    (read,) = project.read_all(found).values()
    if isinstance(read, Pipeline):
        assert msgspec.json.decode(msgspec.json.encode(read), type=Pipeline) == read
    else:
        assert isinstance(read, errors.BadInput)
        assert str(read).startswith("pipelines/p/metadata.yaml")
        assert "\n" not in str(read)


@given(text=st.text(st.characters(codec="utf-8"), max_size=60) | st.text("[]{}:,-&*a?!|>'\" \n#%@`", max_size=60))
@settings(max_examples=300)
def test_any_text_is_read_or_refused(found, text):
    (found.path / "pipelines/p/metadata.yaml").write_text(text, "utf-8")
    (read,) = project.read_all(found).values()
    assert isinstance(read, Pipeline | errors.BadInput)


names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)


@given(st.dictionaries(names, texts))
def test_what_is_quoted_in_a_dotenv_comes_back(given_values):
    def quoted(value):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'

    text = "\n".join(f"{name}={quoted(value)}" for name, value in given_values.items())
    assert environment.parse(text) == environment.Dotenv(given_values)


@given(st.dictionaries(names, texts))
def test_no_secret_hides_part_of_a_longer_one(environ):
    lengths = [len(each) for each in project.secrets_of(environ)]
    assert lengths == sorted(lengths, reverse=True)
    assert all(length >= 4 for length in lengths)
