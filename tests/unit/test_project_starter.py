"""A new project works as it is made."""

import pytest

from headrace import errors, project


def run(block, code, inputs, variables):
    """The block's function, and then its tests, called as the format calls them."""
    found = {block.type: [], "test": []}
    names = {kind: lambda function, kind=kind: found[kind].append(function) or function for kind in found}
    exec(code, {str(kind): decorator for kind, decorator in names.items()})
    output = found[block.type][0](*inputs, **variables)
    for test in found["test"]:
        test(output)
    return output, len(found["test"])


def test_a_new_project_runs(tmp_path):
    made = project.create(tmp_path / "new" / "water")
    assert made == project.open(tmp_path / "new" / "water")
    found = project.read(made, "mill_stream")
    project.refuse_unsupported(found)
    assert (found.warnings, found.imports) == ((), ())
    outputs = {}
    for block in found.blocks:
        code = (made.path / block.file).read_text()
        inputs = [outputs[upstream] for upstream in block.upstream]
        outputs[block.uuid], tests = run(block, code, inputs, {**found.variables, "repo_path": str(made.path)})
        assert tests > 0
    assert list(outputs) == ["read_gauge", "flow_by_day", "write_flow"]
    lines = (made.path / "data" / "flow_by_day.csv").read_text().splitlines()
    assert lines[0] == "day,lowest,mean,highest"
    assert len(lines) == 15


def test_what_lies_in_a_new_project(tmp_path):
    made = project.create(tmp_path / "water")
    names = {path.relative_to(made.path).as_posix() for path in made.path.rglob("*") if path.is_file()}
    assert {"metadata.yaml", "io_config.yaml", "requirements.txt", "README.md", ".gitignore"} < names
    assert not [name for name in names if "template" in name]
    assert (made.path / "README.md").read_text().startswith("# water\n")
    assert "@project@" not in (made.path / "README.md").read_text()
    assert ".env" in (made.path / ".gitignore").read_text().splitlines()


@pytest.mark.parametrize("before", [[], [".git/config"]])
def test_an_empty_folder_will_do(tmp_path, before):
    for name in before:
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text("")
    assert project.pipeline_names(project.create(tmp_path)) == ("mill_stream",)


def test_a_folder_that_holds_something_is_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(errors.CannotCreate, match="the folder is not empty"):
        project.create(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("name", ["file", "file/below", "nul\0"])
def test_a_place_that_cannot_be_a_folder(tmp_path, name):
    (tmp_path / "file").write_text("")
    with pytest.raises(errors.CannotCreate):
        project.create(tmp_path / name)
