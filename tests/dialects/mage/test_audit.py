"""What is done through the Mage dialect is audited as what it is."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.api.conftest import Served, serving

from headrace.model.access import Role


@pytest.fixture
def shared(tmp_path: Path, postgres_url: str) -> Iterator[Served]:
    """A server over PostgreSQL, whose texts hold less than SQLite's."""
    with serving(tmp_path, postgres_url) as made:
        yield made


def test_each_deed_has_its_row_whatever_stands_beside_it(shared: Served) -> None:
    editor = shared.client(Role.EDITOR)
    editor.post("/api/tags", json={"tag": {"name": "rye"}})
    editor.delete("/api/secrets/a%00b")
    editor.post("/api/users", json={"user": {"username": "eve", "password": "correct horse"}})
    shared.until(lambda: len(told(shared)) >= 3)
    assert [(each["deed"], each["object"], each["outcome"], each["via"]) for each in told(shared)[-3:]] == [
        ("tags.create", "rye", "ok", "mage"),
        ("secrets.delete", "ab", "failed", "mage"),
        ("users.create", None, "refused", "mage"),
    ]


def test_a_deed_is_kept_whatever_project_its_address_names(shared: Served) -> None:
    shared.client(Role.EDITOR).put("/projects/a%00b/api/pipeline_runs/1", json={"pipeline_run": {}})
    shared.client(Role.EDITOR).post(f"/projects/{'x' * 300}/api/tags", json={"tag": {"name": "oats"}})
    shared.until(lambda: len(told(shared)) >= 2)
    assert [(each["deed"], each["project"]) for each in told(shared)[-2:]] == [
        ("pipeline_runs.update", "ab"),
        ("tags.create", "x" * 200),
    ]


def told(served: Served) -> list[dict[str, str]]:
    """The audit, the oldest first."""
    return served.client().get("/v1/audit").json()["audit"][::-1]
