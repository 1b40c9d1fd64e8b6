"""The same as `here`, of a server: datasets."""

from itertools import islice

from headrace.cli.there.likeness import alike
from headrace.client import values
from headrace.client.front import Client
from headrace.model.dataset import Dataset, Version
from headrace.outputs import Head
from headrace.store.datasets import Standing


class Datasets:
    def __init__(self, client: Client) -> None:
        self._client = client

    def listed(self, limit: int, after: str) -> list[Standing]:
        return [_standing(each) for each in islice(self._client.datasets.list(cursor=after or None), limit)]

    def show(self, name: str) -> Standing:
        return _standing(self._client.datasets.get(name))

    def history(self, name: str, limit: int, before: int | None) -> list[Version]:
        return list(islice(self._client.datasets.versions(name, cursor=before), limit))

    def head(self, name: str, version: int | None, rows: int) -> Head:
        found = self._client.datasets.rows(name, version=version, limit=rows)
        return Head(list(found.columns), [list(row) for row in found.rows])

    def restart(self, name: str) -> Standing:
        return _standing(self._client.datasets.restart(name))


def _standing(found: values.Dataset) -> Standing:
    return Standing(alike(Dataset, found), found.newest)
