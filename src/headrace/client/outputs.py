"""Outputs: what blocks have left behind."""

from headrace.client.connection import Connection, path
from headrace.client.decoding import value
from headrace.client.values import Content, Head, Output


class Outputs:
    def __init__(self, connection: Connection) -> None:
        self._server = connection

    def list(self, run: int, block: str) -> tuple[Output, ...]:
        """What the block left behind in the run, or in that whose outputs it uses. RunNotFound, BlockNotFound."""
        return value(self._server.read(path("runs", run, "blocks", block, "outputs"))["outputs"], tuple[Output, ...])

    def read(self, run: int, block: str, name: str, *, offset: int = 0, limit: int = 100) -> Content:
        """A page of the rows of a frame or array, or the value of what is neither. NaN, moments and the like are text.

        OutputNotFound; CannotRead when it is no longer there.
        """
        place = path("runs", run, "blocks", block, "outputs", name)
        return value(self._server.read(place, offset=offset, limit=limit), Content)

    def head(self, run: int, block: str, name: str, *, rows: int = 10) -> Head:
        """The first rows, elements or keys, for people to look at."""
        place = path("runs", run, "blocks", block, "outputs", name, "head")
        return value(self._server.read(place, rows=rows), Head)
