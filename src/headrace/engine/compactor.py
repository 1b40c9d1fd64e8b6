"""Compactor: where little by little was written, small files become one, so that the dataset stays as fast to read.

The rows are those that were there, in a version of their own, which begins no runs. Whoever writes meanwhile does not wait:
where a file that was merged has been changed by then, all is left as it is until the next time.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from headrace import errors, identity
from headrace.datasets import compacting, names
from headrace.datasets.committing import Committed
from headrace.datasets.compacting import FEW, Compaction
from headrace.engine import interrupted
from headrace.model.dataset import Dataset, Operation, Version
from headrace.settings import Settings
from headrace.store import Store

PAGE = 100  # datasets that are looked at together
ROUNDS = 8  # versions that are made of one dataset before the others have their turn


class Compactor:
    """`tell` hears which dataset's files could not be merged, and why."""

    def __init__(self, store: Store, settings: Settings, at: datetime, tell: Callable[[str], None]) -> None:
        self._store = store
        self._home = settings.home
        self._at = at
        self._tell = tell

    def steps(self) -> Iterator[None]:
        """Does it wherever it is due, a few megabytes or one commit between one step and the next."""
        after = ""
        while some := self._store.datasets.all(PAGE, after):
            after = some[-1].name
            for each in some:
                yield from self._carefully(each)

    def _carefully(self, dataset: Dataset) -> Iterator[None]:
        """What is wrong with one keeps back no other."""
        try:
            rounds = 0
            while rounds < ROUNDS and (yield from self._round(dataset)):
                rounds += 1
        except errors.StoreUnavailable:
            raise
        except Exception as error:
            self._tell(f"the files of the dataset {dataset.name} cannot be merged: {type(error).__name__}: {error}")

    def _round(self, dataset: Dataset) -> Generator[None, None, bool]:
        """Whether files were merged: there may be more."""
        yield
        versions = self._store.datasets.versions(dataset.id, FEW)
        if not _is_due(versions) or self._store.datasets.is_awaited(dataset.name):
            return False
        found = compacting.plan(names.absolute(self._home, dataset.location), versions[0].version)
        if found is None:
            return False
        return (yield from self._merge(dataset, versions[0], found))

    def _merge(self, dataset: Dataset, newest: Version, found: Compaction) -> Generator[None, None, bool]:
        """Known first, as other writes that no run makes, so that no one cleans the new file away; recorded last."""
        attempt = identity.new()
        write = self._store.writes.begin(dataset.id, attempt, attempt, Operation.COMPACT, (), self._at)
        try:
            yield from found.copy()
            done = self._committed(found, attempt)
        except Exception as error:
            if not isinstance(error, errors.DatasetInDoubt):
                self._store.writes.end(write.id)
            raise
        if done is None:
            self._store.writes.end(write.id)
            return False
        version = replace(interrupted.written(write, done), profile=newest.profile)
        self._store.datasets.settle(version, write.id)
        return True

    def _committed(self, found: Compaction, attempt: str) -> Committed | None:
        """The version that it has made; where it has made none, the new file is there no more."""
        try:
            done = found.commit(attempt, self._at)
        except errors.DatasetUnwritable:
            found.take_back()
            raise
        if done is None:
            found.take_back()
        return done


def _is_due(versions: Sequence[Version]) -> bool:
    """Whether there may be many small files: as many writes have come since there was one file, or some were left over."""
    if not versions or any(each.lost_at for each in versions):
        return False
    few = len(versions) < FEW or any(each.operation in (Operation.REPLACE, Operation.COMPACT) for each in versions)
    return versions[0].operation is Operation.COMPACT or not few
