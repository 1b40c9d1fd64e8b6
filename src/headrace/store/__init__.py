"""Everything remembered; the only room with SQL. A Store is its facets, each a noun with its own file."""

from collections.abc import Callable
from pathlib import Path

from headrace.store import databases
from headrace.store.database import Database, Listener
from headrace.store.engines import Engines
from headrace.store.limits import LimitTable
from headrace.store.projects import Projects
from headrace.store.runs import Runs


class Store:
    """What is remembered: `projects` with all that pins their runs, `engines`, `limits`, and `runs` with all of theirs."""

    def __init__(self, opened: Database) -> None:
        self._database = opened
        self.projects = Projects(opened)
        self.engines = Engines(opened)
        self.limits = LimitTable(opened)
        self.runs = Runs(opened)

    def listen(self, name: str, wake: Callable[[], None]) -> Listener:
        """Calls `wake`, from a thread of its own, whenever there may be something for the engine of that name to do.

        It says nothing but: look. One that is lost is not repeated, so look from time to time all the same.
        """
        return self._database.listen(name, wake)

    def close(self) -> None:
        """Lets go of the database; what was written stays."""
        self._database.close()


def open(home: Path, database: str | None = None) -> Store:
    """The store of a home, or in the PostgreSQL database of that URL; see `databases.open` for what it raises."""
    return Store(databases.open(home, database))


def status(home: Path, database: str | None = None) -> databases.Status:
    """What there is to say of the database; nothing is made or changed."""
    return databases.status(home, database)


def upgrade(home: Path, database: str | None = None) -> tuple[str | None, str]:
    """Makes the database, or brings it up to date: the revisions before and after."""
    return databases.upgrade(home, database)
