"""Datasets: named tables with versions, looked at, and given rows."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from headrace.client.connection import Connection, path
from headrace.client.decoding import value
from headrace.client.values import Dataset, Rows
from headrace.model.dataset import Version

PAGE = 100  # datasets or versions that are asked for at once


class Datasets:
    def __init__(self, connection: Connection) -> None:
        self._server = connection

    def list(self, *, cursor: str | None = None) -> Iterator[Dataset]:
        """All of them, by name, each with its newest version; with a cursor (a name), what comes after it."""
        while True:
            found = self._server.read("/datasets", limit=PAGE, cursor=cursor)
            yield from value(found["datasets"], tuple[Dataset, ...])
            cursor = found["next"]
            if cursor is None:
                return

    def get(self, name: str) -> Dataset:
        """DatasetNotFound, BadDatasetName."""
        return value(self._server.read(path("datasets", name)), Dataset)

    def versions(self, name: str, *, cursor: int | str | None = None) -> Iterator[Version]:
        """The newest first; with a cursor, those below that version. DatasetNotFound, BadDatasetName."""
        while True:
            found = self._server.read(path("datasets", name, "versions"), limit=PAGE, cursor=cursor)
            yield from value(found["versions"], tuple[Version, ...])
            cursor = found["next"]
            if cursor is None:
                return

    def rows(self, name: str, *, version: int | None = None, offset: int = 0, limit: int = 100) -> Rows:
        """A page of the rows of that version, or of the newest. Moments, decimals and the like are text.

        DatasetNotFound, BadDatasetName, DatasetVersionNotFound.
        """
        place = path("datasets", name, "rows")
        return value(self._server.read(place, version=version, offset=offset, limit=limit), Rows)

    def upsert(
        self,
        name: str,
        identifier: str,
        rows: Sequence[Mapping[str, Any]],
        *,
        types: Mapping[str, str] | None = None,
        description: str = "",
    ) -> Dataset:
        """The rows come in place of those that have the same value in that column: one new version.

        The dataset is made if there is none, with columns of these types (string, integer, number, boolean, date,
        timestamp) or of those that the rows show. BadRows, BadDatasetName: then nothing was written.
        """
        body = {"identifier": identifier, "rows": rows, "types": types, "description": description}
        asked = {field: each for field, each in body.items() if each}
        return value(self._server.do("PUT", path("datasets", name, "rows"), asked), Dataset)

    def restart(self, name: str) -> Dataset:
        """The dataset, whose table is lost, is begun anew: it is empty, and the numbers of its versions go on.

        DatasetNotLost where its table is there; DatasetNotFound, BadDatasetName.
        """
        return value(self._server.do("POST", path("datasets", name, "restart")), Dataset)
