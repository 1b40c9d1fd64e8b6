"""A folder is opened as a project, or refused for a reason that can be acted on."""

import os

import pytest

from headrace import errors, project


def write(folder, files):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def test_a_project_is_named_for_its_folder_and_needs_no_metadata(tmp_path):
    (tmp_path / "water" / "pipelines").mkdir(parents=True)
    found = project.open(tmp_path / "water")
    assert (found.name, found.path) == ("water", tmp_path / "water")
    assert (found.metadata, found.retry_config) == ({}, {})
    assert project.pipeline_names(found) == ()


def test_a_relative_path_becomes_absolute(tmp_path, monkeypatch):
    (tmp_path / "water" / "pipelines").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "water")
    assert project.open(".") == project.open(tmp_path / "water")


def test_a_pipeline_is_a_folder_with_metadata(tmp_path):
    write(
        tmp_path,
        {
            "pipelines/b/metadata.yaml": "",
            "pipelines/a/metadata.yaml": "",
            "pipelines/none/other.yaml": "",
            "pipelines/.hidden/metadata.yaml": "",
            "pipelines/metadata.yaml": "",
        },
    )
    assert project.pipeline_names(project.open(tmp_path)) == ("a", "b")


def test_metadata_is_a_template_first(tmp_path):
    text = """
retry_config: {retries: {{ env_var('RETRIES') }}, delay: {{ env_var('DELAY', 7) }}, max_delay: {{ mage_secret_var('x') }}}
variables_dir: {{ unknown.thing }}
name: "{{ env_var('FROM_FILE') }}/{{ env_var('BOTH') }}"
"""
    write(tmp_path, {"metadata.yaml": text, ".env": "FROM_FILE=file\nBOTH=file\n"})
    (tmp_path / "pipelines").mkdir()
    found = project.open(tmp_path, {"RETRIES": "2", "BOTH": "given"})
    assert found.retry_config == {"retries": 2, "delay": 7}
    assert found.metadata["variables_dir"] is None
    assert found.metadata["name"] == "file/given"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb: [1, 2\nc: 3", r"metadata\.yaml line 3 column 2: "),
        ("- a", "the whole file: a list is written; expected a mapping"),
        ("retry_config: {retries: often}", "retry_config.retries: retries is 'often'; expected a whole number"),
        ("a: 1\nb: {{ env_var( }}", r"line 2: unexpected '}'"),
        ("a: {{ 'x' * 10 ** 9 }}", r"the result of \* is too large|the result of \*\* is too large"),
        ("a: {{ 9 ** 9999 }}", r"the result of \*\* is too large"),
        ("a: {b: .inf}", "a.b: inf is no number that can be kept"),
        ("a: {% for i in range(9999) %}{{ '%s' }}{% for j in range(9999) %}x{% endfor %}{% endfor %}", "more than"),
        ("a: {{ ''.__class__.__mro__ }}{{ [].__class__.__base__.__subclasses__() }}", "cannot be rendered"),
        ("a: {{ open('/etc/passwd') }}", "cannot be rendered"),
    ],
)
def test_metadata_at_fault_is_refused_with_its_place(tmp_path, text, said):
    write(tmp_path, {"metadata.yaml": text})
    (tmp_path / "pipelines").mkdir()
    with pytest.raises(errors.BadProject, match=said):
        project.open(tmp_path)


def test_metadata_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "metadata.yaml").write_bytes(b"a: 1\nb: \xff\n")
    with pytest.raises(errors.BadProject, match="not UTF-8: byte 0xff in line 2"):
        project.open(tmp_path)


@pytest.mark.parametrize("name", ["missing", "file.txt/below", "nul\0"])
def test_a_path_that_is_not_there(tmp_path, name):
    write(tmp_path, {"file.txt": ""})
    with pytest.raises(errors.ProjectNotFound):
        project.open(tmp_path / name)


def test_a_path_that_is_no_project(tmp_path):
    write(tmp_path, {"file.txt": "", "half/pipelines": ""})
    with pytest.raises(errors.NotAProject, match=r"file\.txt is not a project folder: it is a file"):
        project.open(tmp_path / "file.txt")
    with pytest.raises(errors.NotAProject, match="it has no folder `pipelines`"):
        project.open(tmp_path)
    with pytest.raises(errors.NotAProject, match="half/pipelines is not a project folder: it is a file"):
        project.open(tmp_path / "half")


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is unreadable to root")
@pytest.mark.parametrize("part", [".", "pipelines"])
def test_a_folder_that_may_not_be_read(tmp_path, part):
    (tmp_path / "p" / "pipelines").mkdir(parents=True)
    (tmp_path / "p" / part).chmod(0)
    try:
        with pytest.raises(errors.ProjectUnreadable, match="Permission denied"):
            project.open(tmp_path / "p")
    finally:
        (tmp_path / "p" / part).chmod(0o755)


def test_a_name_that_is_too_long_cannot_be_read(tmp_path):
    with pytest.raises(errors.ProjectUnreadable, match="too long"):
        project.open(tmp_path / ("x" * 300))


@pytest.mark.parametrize("name", ["c", "../a", "a/../a", "/a", ".", "", "a\0", "a/metadata.yaml"])
def test_a_name_that_is_no_pipeline(tmp_path, name):
    write(tmp_path, {"pipelines/a/metadata.yaml": "", "pipelines/b/metadata.yaml": "", "metadata.yaml": ""})
    with pytest.raises(errors.PipelineNotFound, match="it has a, b"):
        project.read(project.open(tmp_path), name)
