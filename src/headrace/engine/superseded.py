"""Superseded: versions of datasets after which others came long ago go. First their rows say so, then their files go.

Which files are of no version that is kept is looked up in the table's own log each time, so whoever is killed in between
leaves nothing that the next one does not find.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from headrace import errors
from headrace.datasets import cleaning, names
from headrace.engine import interrupted, leavings
from headrace.model.dataset import Dataset
from headrace.settings import Settings
from headrace.store import Store

PAGE = 100  # datasets that are looked at together
AT_ONCE = 500  # versions of one transaction
FILES = 100  # that go between one step and the next
SPARED = timedelta(hours=1)  # no version goes sooner after another came than this, and no file after it was written


class Gone(NamedTuple):
    """What a step has cleaned, or would clean: versions, and bytes of files."""

    versions: int = 0
    bytes: int = 0


class Superseded:
    """A `dry` one changes nothing; `tell` hears what could not be cleaned, and why."""

    def __init__(
        self, store: Store, settings: Settings, at: datetime, tell: Callable[[str], None], *, dry: bool
    ) -> None:
        self._store = store
        self._datasets = store.datasets
        self._home = settings.home
        self._days = settings.keep_dataset_versions_days
        self._newest = settings.keep_dataset_versions
        self._at = at
        self._tell = tell
        self._dry = dry

    def steps(self, *, thorough: bool) -> Iterator[Gone]:
        """Cleans each dataset; a `thorough` one looks for files also where no version goes."""
        if not self._dry:
            interrupted.take_up_all(self._store, self._home, self._at)
        after = ""
        while some := self._datasets.all(PAGE, after):
            after = some[-1].name
            for each in some:
                yield from self._carefully(each, thorough=thorough)

    def _carefully(self, dataset: Dataset, *, thorough: bool) -> Iterator[Gone]:
        """What is wrong with one keeps back no other."""
        try:
            yield from self._clean(dataset, thorough=thorough)
        except errors.StoreUnavailable:
            raise
        except Exception as error:
            self._tell(f"the dataset {dataset.name} cannot be cleaned: {type(error).__name__}: {error}")

    def _clean(self, dataset: Dataset, *, thorough: bool) -> Iterator[Gone]:
        """Another time where a version is awaited: should others have come after it, it would count as one that is not kept."""
        if self._datasets.is_awaited(dataset.name):
            return
        old = self._old(dataset)
        for first in range(0, len(old), AT_ONCE):
            some = old[first : first + AT_ONCE]
            if not self._dry:
                self._datasets.clean(dataset.id, some, self._before, self._at)
            yield Gone(versions=len(some))
        kept = [version for version in self._datasets.kept(dataset.id) if not (self._dry and version in old)]
        if kept and (old or thorough):
            yield from self._take_away(names.absolute(self._home, dataset.location), kept)

    @property
    def _before(self) -> datetime:
        return self._at - max(timedelta(days=self._days or 0.0), SPARED)

    def _old(self, dataset: Dataset) -> Sequence[int]:
        if self._days is None:
            return []
        return self._datasets.old(dataset.id, self._before, self._newest)

    def _take_away(self, place: str, kept: Sequence[int]) -> Iterator[Gone]:
        if names.is_url(place):
            cleaning.vacuum(place, kept, dry=self._dry)
            return
        size = 0
        for number, path in enumerate(cleaning.leavings(place, kept, (self._at - SPARED).timestamp()), 1):
            size += self._taken(path)
            if number % FILES == 0:
                yield Gone(bytes=size)
                size = 0
        yield Gone(bytes=size)

    def _taken(self, path: Path) -> int:
        """How many bytes it had."""
        size = leavings.weigh(path)
        if not self._dry:
            leavings.take_away(path)
        return size
