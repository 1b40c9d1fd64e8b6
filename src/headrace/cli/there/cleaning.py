"""The same as `here`, of a server: cleaning."""

from headrace.cli.there.likeness import alike
from headrace.client.front import Client
from headrace.operations.cleaning import Cleaned, Share


class Cleaning:
    def __init__(self, client: Client) -> None:
        self._client = client

    def clean(self, *, dry: bool) -> Cleaned:
        told = self._client.cleaning.foresee() if dry else self._client.cleaning.clean()
        return alike(Cleaned, told, cleaned=[alike(Share, each) for each in told.cleaned])
