"""Tags of the Mage dialect."""

import pytest
from tests.api.conftest import Served
from tests.dialects.mage.contract import like

from headrace import errors
from headrace.api.mage.tags.shapes import Tag
from headrace.model.access import Role
from headrace.operations import tags


def test_tags_are_those_written_down_and_those_carried(served: Served) -> None:
    served.run("grind")  # it carries the tag `corn`
    name = served.name("tag")
    made = served.client(Role.EDITOR).post("/api/tags", json={"tag": {"name": name, "description": "of rye"}})
    tag = made.json()["tag"]
    like(tag, Tag)
    assert (tag["name"], tag["uuid"], tag["description"]) == (name, name, "of rye")

    found = served.client(Role.VIEWER).get("/api/tags?_limit=1000").json()
    for each in found["tags"]:
        like(each, Tag)
    assert tag in found["tags"]
    assert {"description": None, "id": None, "name": "corn", "uuid": "corn"} in found["tags"]
    assert found["metadata"] == {"count": len(found["tags"]), "next": False}
    first = served.client().get("/api/tags?_limit=1").json()
    assert first == {"tags": found["tags"][:1], "metadata": {"count": len(found["tags"]), "next": True}}


def test_a_tag_is_written_down_once_and_has_a_name(served: Served) -> None:
    client, name = served.client(), served.name("tag")
    client.post("/api/tags", json={"tag": {"uuid": name}})
    assert "already" in client.post("/api/tags", json={"tag": {"name": name}}).json()["error"]["exception"]
    lacking = client.post("/api/tags", json={"tag": {"description": "x"}}).json()
    assert lacking["error"]["code"] == 200
    assert lacking["error"]["errors"]["error"] == "name cannot be empty."


@pytest.mark.parametrize("name", [" ", "x" * 256, "a\0b", "\ud800"])
def test_what_is_no_name_is_refused(served: Served, name: str) -> None:
    with pytest.raises(errors.BadTag):
        tags.create(served.app, name)
