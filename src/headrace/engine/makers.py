"""Makers: whatever makes runs of triggers over one store, for those who ask, for what begins by itself, and for blocks."""

from functools import cached_property

from headrace.engine.calls import Calls
from headrace.engine.maker import Maker
from headrace.engine.registry import Registry
from headrace.engine.starts import Starts
from headrace.settings import Settings
from headrace.store import Store
from headrace.vault import Vault


class Makers:
    """Each is made when it is first asked for, and is the same from then on."""

    def __init__(self, store: Store, settings: Settings, vault: Vault) -> None:
        self._store = store
        self._settings = settings
        self.vault = vault

    @cached_property
    def maker(self) -> Maker:
        """What says of which code a run is."""
        return Maker(self._store, self._settings)

    @cached_property
    def registry(self) -> Registry:
        """Where triggers are written down and changed."""
        return Registry(self._store, self.maker, self.vault)

    @cached_property
    def calls(self) -> Calls:
        """Where runs of triggers are asked for."""
        return Calls(self._store, self.maker, self.registry)

    @cached_property
    def starts(self) -> Starts:
        """Where blocks ask for runs."""
        return Starts(self._store, self.maker, self.registry, self.calls)
