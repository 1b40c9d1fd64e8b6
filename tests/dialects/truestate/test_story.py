"""The story that docs/guides/truestate.md tells."""

from tests.api.conftest import Served
from tests.api.sockets import listening_at
from tests.dialects import telling

from headrace.model.access import Role


def test_the_story_is_as_it_is_told(alone: Served) -> None:
    with listening_at(alone) as site:
        telling.tell("truestate.md", {"URL": site.url, "TOKEN": alone.said[Role.EDITOR]})
