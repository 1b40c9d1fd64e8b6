"""`headrace pipelines` and `headrace init`."""

import re

from tests.acceptance.conftest import Command, Folder


def test_list_shows_the_broken_beside_the_others(headrace: Command, mill: Folder) -> None:
    mill.pipeline("astray", {"sow": ["nobody"]}, description="It reads what is not there")
    mill.write("pipelines/broken/metadata.yaml", "blocks: [\n")
    mill.write("pipelines/later/metadata.yaml", "blocks: [{uuid: wait, type: sensor, language: python}]")
    mill.write("sensors/wait.py", "@sensor\ndef wait(*args):\n    return True\n")
    said = headrace("pipelines", "list", "mill")
    assert re.search(r"^grind +3$", said.out, re.MULTILINE)
    assert re.search(r"^astray +1 +It reads what is not there$", said.out, re.MULTILINE)
    assert re.search(r"^broken +cannot be read$", said.out, re.MULTILINE)
    assert "✗ broken: pipelines/broken/metadata.yaml" in said.out
    found = {each["name"]: each for each in headrace("pipelines", "list", "mill", "-o", "json").json}
    assert found["grind"]["blocks"] == 3
    assert (found["grind"]["error"], found["grind"]["cannot_run"]) == (None, None)
    assert found["broken"]["error"]
    assert "sensor" in found["later"]["cannot_run"]
    assert "nobody" in found["astray"]["warnings"][0]
    assert not headrace.home.exists()


def test_show_draws_the_graph(headrace: Command, mill: Folder) -> None:
    mill.block("brew", "return 0")
    mill.block("feast", "return 0")
    mill.pipeline(
        "harvest", {"sow": [], "bake": ["sow"], "brew": ["sow"], "feast": ["bake", "brew"]}, variables={"a": 1}
    )
    out = headrace("pipelines", "show", "mill", "harvest").out
    assert "●    sow    custom\n├─●  bake   custom\n● │  brew   custom\n●─╯  feast  custom\n" in out
    assert re.search(r"^feast +custom +custom/feast.py +bake, brew$", out, re.MULTILINE)
    assert re.search(r"^a +1$", out, re.MULTILINE)
    shown = headrace("pipelines", "show", "mill", "harvest", "-o", "json").json
    assert shown["blocks"][3]["upstream_blocks"] == ["bake", "brew"]
    assert shown["variables"] == {"a": 1}


def test_show_of_one_that_cannot_be_read(headrace: Command, mill: Folder) -> None:
    mill.write("custom/sow.py", "def (:\n")
    assert "error: custom/sow.py line 1" in headrace("pipelines", "show", "mill", "grind", code=2).err


def test_a_new_project_runs_as_it_is_told_to(headrace: Command) -> None:
    out = headrace("init", "water").out
    assert "pipelines/mill_stream/metadata.yaml" in out
    command = next(line.split() for line in out.splitlines() if line.startswith("  headrace run "))
    assert "completed" in headrace(*command[1:]).out
    assert "the folder is not empty" in headrace("init", "water", code=2).err
