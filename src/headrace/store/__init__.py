"""Everything remembered; the only room with SQL. A Store is its facets, each a noun with its own file."""

from collections.abc import Callable
from pathlib import Path

from headrace.model.reach import Reach
from headrace.store import databases
from headrace.store.audit import Audit
from headrace.store.auditing import Auditor
from headrace.store.backfills import Backfills
from headrace.store.bookmarks import Bookmarks
from headrace.store.database import About, Database, Listener
from headrace.store.datasets import Datasets
from headrace.store.engines import Engines
from headrace.store.happenings import Happenings
from headrace.store.limits import LimitTable
from headrace.store.lineages import Lineages
from headrace.store.occurrences import Occurrences
from headrace.store.pipelines import Pipelines
from headrace.store.projects import Projects
from headrace.store.retention import Retention
from headrace.store.runs import Runs
from headrace.store.secrets import Secrets
from headrace.store.statistics import Statistics
from headrace.store.tags import Tags
from headrace.store.tallies import Tallies
from headrace.store.tokens import Tokens
from headrace.store.trigger_files import TriggerFiles
from headrace.store.triggers import Triggers
from headrace.store.users import Users
from headrace.store.watches import Watches
from headrace.store.writes import Writes


class Store:
    """What is remembered: `projects` with all that pins their runs, their `pipelines`, `engines`, `limits`,
    `runs` with all of theirs, `triggers` and `backfills`, `occurrences` and the `watches` that look for some of them,
    `secrets`, the `datasets` that runs read and write, the `writes` that no run makes, the `lineages` of datasets, and the
    `bookmarks` of blocks that load by and by; by `retention` what has become old goes.
    """

    def __init__(self, opened: Database, auditor: Auditor | None = None) -> None:
        self._database = opened
        self.audit = Audit(opened)
        self.auditor = auditor or Auditor(self.audit)
        self.projects = Projects(opened)
        self.pipelines = Pipelines(opened)
        self.engines = Engines(opened)
        self.limits = LimitTable(opened)
        self.runs = Runs(opened)
        self.triggers = Triggers(opened)
        self.trigger_files = TriggerFiles(opened)
        self.backfills = Backfills(opened)
        self.occurrences = Occurrences(opened)
        self.watches = Watches(opened)
        self.retention = Retention(opened)
        self.users = Users(opened)
        self.tokens = Tokens(opened)
        self.tallies = Tallies(opened)
        self.statistics = Statistics(opened)
        self.tags = Tags(opened)
        self.happenings = Happenings(opened)
        self.secrets = Secrets(opened)
        self.datasets = Datasets(opened)
        self.writes = Writes(opened)
        self.lineages = Lineages(opened)
        self.bookmarks = Bookmarks(opened)

    def within(self, reach: Reach) -> "Store":
        """The same store, where only what is within reach is there, and only that of it may be changed for which it takes."""
        return Store(self._database.within(reach), self.auditor)

    def listen(self, name: str, wake: Callable[[About], None]) -> Listener:
        """Calls `wake`, from a thread of its own, whenever there may be something for the engine of that name to do.

        It says where to look, and nothing else. One that is lost is not repeated, so look from time to time all the same.
        """
        return self._database.listen(name, wake)

    def close(self) -> None:
        """Lets go of the database; what was written stays."""
        self.auditor.close()
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
