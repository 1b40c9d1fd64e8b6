"""A secret as Mage shows it: without its value."""

from typing_extensions import TypedDict

from headrace.operations import secrets


class Secret(TypedDict):
    id: int
    name: str


def secret(found: secrets.Secret) -> Secret:
    return {"id": found.id, "name": found.name}
