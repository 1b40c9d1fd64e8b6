"""The story that docs/guides/mage_api.md tells."""

from tests.api.conftest import Served
from tests.api.sockets import listening_at
from tests.dialects import telling

from headrace.model.access import Grant, Role
from headrace.operations import users


def test_the_story_is_as_it_is_told(alone: Served) -> None:
    alone.run("grind")  # so that its tag is known
    users.create(alone.app, "ada", "correct horse", [Grant(Role.EDITOR)], email="ada@mill.example")
    with listening_at(alone) as site:
        telling.tell("mage_api.md", {"URL": site.url, "TOKEN": alone.said[Role.EDITOR]})
