"""A tag as Mage shows it: its name is also its uuid, and one that is only carried has no id."""

from typing_extensions import TypedDict

from headrace.operations import tags


class Tag(TypedDict):
    description: str | None
    id: int | None
    name: str
    uuid: str


def tag(found: tags.Listed) -> Tag:
    return {"description": found.description, "id": found.id, "name": found.name, "uuid": found.name}
