"""The database of a home, or the one its settings name: looked at, and brought up to date."""

from headrace import store
from headrace.settings import Settings
from headrace.store.databases import Status


def status(settings: Settings) -> Status:
    """Where it is, and at which revision. Nothing is made or changed."""
    return store.status(settings.home, settings.database)


def upgrade(settings: Settings) -> tuple[str | None, str]:
    """Makes it, or brings it up to date: its revision before (None for a new one) and after."""
    return store.upgrade(settings.home, settings.database)
