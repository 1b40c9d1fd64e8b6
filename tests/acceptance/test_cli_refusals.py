"""Bad input: one clear error on stderr, exit code 2, and nothing was started or written."""

import os
import resource
from pathlib import Path

import pytest
from tests.acceptance.conftest import Command, Folder

REFUSED = {
    "no such project": (["run", "nowhere", "grind"], "There is no project folder at"),
    "a project that is a file": (["run", "mill/custom/sow.py", "grind"], "it is a file"),
    "no such pipeline": (
        ["run", "mill", "nope"],
        "The project mill has no pipeline nope; it has broken, grind, round.",
    ),
    "no pipeline named": (["run", "mill"], "Name a project folder and a pipeline"),
    "a variable without =": (["run", "mill", "grind", "--var", "days"], "'days' is not of the form NAME=VALUE"),
    "a variable without name": (["run", "mill", "grind", "--var", "=3"], "'=3' is not of the form NAME=VALUE"),
    "a number too large": (["run", "mill", "grind", "--var", f"n={2**63}"], "more than 64 bits"),
    "variables that are no object": (["run", "mill", "grind", "--runtime-vars", "[1]"], "not a JSON object"),
    "no such block to begin at": (["run", "mill", "grind", "--from", "nope"], "no block nope; it has sow, reap, bake"),
    "no such block alone": (["run", "mill", "grind", "--only", "sow,nope"], "no block nope"),
    "two ways to choose": (["run", "mill", "grind", "--from", "sow", "--only", "bake"], "cannot be given together"),
    "resume with a pipeline": (["run", "--resume", "1", "mill", "grind"], "takes no other arguments"),
    "no such command": (["grind"], "No such command 'grind'"),
    "a file at fault": (["run", "mill", "broken"], "pipelines/broken/metadata.yaml"),
    "a cycle": (["run", "mill", "round"], "pipelines/round/metadata.yaml"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_input(headrace: Command, mill: Folder, case: str) -> None:
    mill.write("pipelines/broken/metadata.yaml", "blocks: [\n")
    mill.pipeline("round", {"sow": ["reap"], "reap": ["sow"]})
    words, sentence = REFUSED[case]
    said = headrace(*words, code=2)
    assert said.out == ""
    assert said.err.startswith("error: ")
    assert sentence in said.err
    assert len(said.err.splitlines()) == 1
    assert not headrace.home.exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is unreadable to root")
@pytest.mark.parametrize("words", [["run", "mill", "grind"], ["pipelines", "list", "mill"]])
def test_a_folder_that_may_not_be_read(headrace: Command, mill: Folder, words: list[str]) -> None:
    mill.path.chmod(0)
    try:
        said = headrace(*words, code=2)
    finally:
        mill.path.chmod(0o755)
    assert said.err == f"error: The project folder {mill.path} cannot be read: Permission denied.\n"


def test_runs_that_are_not_there(headrace: Command) -> None:
    for words in (["run", "--resume", 7], ["runs", "show", 7], ["runs", "logs", 7], ["runs", "output", 7, "sow"]):
        assert headrace(*words, code=2).err == "error: There is no run 7.\n"


@pytest.mark.parametrize("words", [["run", "mill", "grind"], ["runs", "list"]])
def test_a_home_that_cannot_be_written(headrace: Command, mill: Folder, words: list[str]) -> None:
    headrace.home.write_text("a file, not a folder")
    said = headrace(*words, code=2)
    assert said.err.startswith(f"error: The home {headrace.home} cannot be written")
    assert said.out == ""


@pytest.mark.parametrize("limit", [0, 40_000])
def test_a_full_disk_before_the_run(headrace: Command, mill: Folder, limit: int) -> None:
    """A limit on the size of files stands in for a full disk: the home is sound, and no more can be written to it."""
    headrace("runs", "list")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        said = headrace("run", "mill", "grind", code=2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert said.err.startswith(f"error: The home {headrace.home} cannot be written")
    assert len(said.err.splitlines()) == 1


def test_a_wrong_setting_is_named(headrace: Command, mill: Folder) -> None:
    said = headrace("run", "mill", "grind", code=2, HEADRACE_WORKERS="many")
    assert "The setting workers from HEADRACE_WORKERS is 'many'" in said.err
    assert not headrace.home.exists()


def test_a_fault_of_headrace_itself_says_where_to_look(headrace: Command, mill: Folder, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import json\njson.dumps = None\n")
    path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    said = headrace("pipelines", "list", "mill", "-o", "json", code=70, PYTHONPATH=path)
    assert said.err.startswith("error: Something in headrace itself went wrong: TypeError")
    assert "HEADRACE_DEBUG=1" in said.err
