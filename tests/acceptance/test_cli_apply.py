"""`headrace apply`: pipelines are as a file defines them, in the home here or at a server."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.acceptance.test_cli_remote import Typed
from tests.api.conftest import Served, serving
from tests.api.sockets import Site, listening_at

from headrace.cli import exits
from headrace.model.access import Role

FILE = """
pipelines:
- name: sales
  steps:
  - {name: one, query: select 1 as n, output_datasets: [first]}
- name: Other
  steps:
  - {name: two, query: select * from first, output_datasets: [second]}
"""


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Served]:
    with serving(tmp_path) as made:
        yield made


@pytest.fixture
def site(here: Served) -> Iterator[Site]:
    with listening_at(here) as made:
        yield Site(made.url, here.said[Role.OWNER])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "all.yaml").write_text(FILE)
    return tmp_path / "all.yaml"


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Typed:
    monkeypatch.setenv("HEADRACE_HOME", str(tmp_path / "own"))
    return Typed(monkeypatch, capsys)


def test_a_file_is_applied_to_the_home_here(typed: Typed, file: Path, tmp_path: Path) -> None:
    dry = typed("apply", file, "--dry-run")
    assert (dry.code, dry.out) == (0, "sales would be created\nother would be created\n")
    assert not (tmp_path / "own" / "authored").exists()
    lines = typed("apply", file).out.splitlines()
    assert [line.partition(" (version ")[0] for line in lines] == ["sales created", "other created"]
    assert typed("apply", file).out == "sales unchanged\nother unchanged\n"
    file.write_text(FILE.replace("1 as n", "2 as n"))
    said = json.loads(typed("apply", file, "-o", "json").out)["pipelines"]
    assert [(each["deed"], each["changes"]) for each in said] == [("changed", ["step one changed"]), ("unchanged", [])]
    deeds = [each["deed"] for each in json.loads(typed("audit", "list", "-o", "json").out)]
    assert "pipelines.apply" in deeds


def test_a_file_is_applied_to_a_server(typed: Typed, file: Path, site: Site, here: Served) -> None:
    server = ("--url", site.url)
    assert typed(*server, "apply", file, "--dry-run", HEADRACE_TOKEN=site.token).out.startswith(
        "sales would be created"
    )
    assert typed(*server, "apply", file, HEADRACE_TOKEN=site.token).out.startswith("sales created (version")
    assert typed(*server, "apply", file, HEADRACE_TOKEN=site.token).out == "sales unchanged\nother unchanged\n"
    assert [row.name for row in here.app.store.pipelines.all()] == ["sales", "other"]


def test_what_is_wrong_is_told_with_its_place(typed: Typed, file: Path) -> None:
    file.write_text(FILE.replace("select 1 as n", "'select 1 as n, from where x'"))
    said = typed("apply", file)
    assert said.code == exits.USAGE
    assert "The block one: line 1 column" in said.err
