"""Everything remembered; the only room with SQL. A Store is its facets, each a noun with its own file."""

from pathlib import Path

from headrace.store import database
from headrace.store.projects import Projects
from headrace.store.runs import Runs


class Store:
    """What a home remembers: `projects` with their pipelines, snapshots and versions, and `runs` with all of theirs."""

    def __init__(self, opened: database.Database) -> None:
        self._database = opened
        self.projects = Projects(opened)
        self.runs = Runs(opened)

    def close(self) -> None:
        """Lets go of the database; what was written stays."""
        self._database.close()


def open_home(home: Path) -> Store:
    """The store of a home, made or brought up to date first; see `database.open_home` for what it raises."""
    return Store(database.open_home(home))
