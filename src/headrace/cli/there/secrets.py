"""The same as `here`, of a server: secrets."""

from headrace.cli.there.likeness import alike
from headrace.client.front import Client
from headrace.operations.secrets import Secret


class Secrets:
    def __init__(self, client: Client) -> None:
        self._client = client

    def list(self, project: str | None) -> list[Secret]:
        return [alike(Secret, each) for each in self._client.secrets.list(project=project)]

    def set(self, name: str, value: str, project: str | None) -> str | None:
        self._client.secrets.set(name, value, project=project)
        return project

    def delete(self, name: str, project: str | None) -> str | None:
        self._client.secrets.delete(name, project=project)
        return project
