"""The same as `here`, of a server: engines."""

from headrace.client.front import Client


class Engines:
    def __init__(self, client: Client) -> None:
        self._client = client

    def any_takes(self) -> bool:
        """A server has one of its own."""
        return True

    def holding(self) -> dict[str, int]:
        return {each.name: each.runs for each in self._client.engines.list() if each.lives and not each.own}

    def drain(self, engine: str) -> None:
        self._client.engines.drain(engine)
