"""Cleaning: one look at everything that has become old, of which what may go goes, in steps.

Runs go as `model/retention` decides: their rows first, then what they have on the disk. So do snapshots and versions
that no run has, attempts' folders that no row names, versions of datasets that nobody reads, and other rows that nobody
asks for any more. Runs come last: what goes because they have gone is for the next cleaning, so that a dry one tells
what a real one does.
"""

from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby, islice
from pathlib import Path
from typing import TypeVar

from headrace import errors
from headrace.engine import leavings
from headrace.engine.standings import Standings
from headrace.engine.superseded import Superseded
from headrace.model import retention
from headrace.model.retention import Ended, Policy, Rule, Standing
from headrace.project import shelf
from headrace.settings import Settings
from headrace.store import Store
from headrace.store.retention import Removed

AT_ONCE = 20  # runs of one transaction: a few milliseconds, for which others wait that write
PLACES = 100  # files and folders that are taken away before that is written down
PAGE = 1000  # runs that are looked at together
ROWS = 500  # of others, in one transaction
ALL = 10**9
SPARED = timedelta(hours=1)  # what was put on the disk since then is left alone, whatever it is
UNUSED = timedelta(days=7)  # since a snapshot or version was pinned last
SETTLED = timedelta(days=30)  # since an occurrence was handled, or a token let nobody in any more
NOTICED = timedelta(days=90)  # since a gap was noticed

Share = tuple[int | None, str]  # a pipeline, or None for what is of none, and the kind of thing that was cleaned
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Cleaned:
    """How many rows have gone, or would go, and how many bytes of files."""

    rows: Counter[Share] = field(default_factory=Counter[Share])
    bytes: Counter[Share] = field(default_factory=Counter[Share])


class Cleaning:
    """`tell` hears what could not be cleaned, and why; a `dry` one changes nothing."""

    def __init__(
        self, store: Store, settings: Settings, at: datetime, tell: Callable[[str], None], *, dry: bool = False
    ) -> None:
        self._retention = store.retention
        self._superseded = Superseded(store, settings, at, tell, dry=dry)
        self._audit = store.audit
        self._keep_audit = settings.keep_audit_days
        self._home = settings.home
        self._policy = policy(settings)
        self._standings = Standings(store, self._policy)
        self._at = at
        self._tell = tell
        self._dry = dry
        self._stuck = 0  # the last of the remains that could not be taken away; those before it are not tried again
        self.cleaned = Cleaned()

    def steps(self, *, thorough: bool = True) -> Iterator[None]:
        """Does it, a small transaction or a few files between one step and the next; `thorough` looks into each folder.

        Raises StoreUnavailable; anything else ends what it concerns alone.
        """
        tables = partial(self._tables, thorough=thorough)
        parts = (self._take_remains, self._abandoned, self._code, self._rows, tables, self._runs)
        for part in parts if thorough else (each for each in parts if each != self._abandoned):
            try:
                yield from part()
            except errors.StoreUnavailable:
                raise
            except Exception as error:
                self._tell(f"cleaning is not complete: {type(error).__name__}: {error}")

    def _take_remains(self) -> Iterator[None]:
        """What is written down as remains of rows that have gone is taken away."""
        while some := self._retention.remains(self._stuck, PLACES):
            gone = set[int]()
            for each in some:
                if self._take(self._home / each.path, each.pipeline_id) and not self._dry:
                    gone.add(each.id)
                yield
            self._retention.settle(gone)
            self._stuck = max((each.id for each in some if each.id not in gone), default=self._stuck)

    def _take(self, path: Path, pipeline_id: int | None = None) -> bool:
        """Whether it is there no more."""
        kind = path.relative_to(self._home).parts[0]
        try:
            weight = leavings.weigh(path)
            gone = self._dry or self._goes(kind, path)
        except OSError as error:
            self._tell(f"{path} cannot be cleaned: {error.strerror or error}")
            return False
        self.cleaned.bytes[pipeline_id, kind] += weight if gone else 0
        return gone

    def _goes(self, kind: str, path: Path) -> bool:
        if kind == "versions":
            return shelf.take_away(path.parent, path.name, lambda: bool(self._retention.laid_out([path.name])))
        leavings.take_away(path)
        return True

    def _abandoned(self) -> Iterator[None]:
        """Attempts that came to nothing, or too late, may have left files that no row names; of open runs they stay."""
        before = (self._at - SPARED).timestamp()
        for some in _batches(leavings.folders(self._home / "outputs"), PAGE):
            named = self._retention.named([folder.name for folder in some])
            for folder in (each for each in some if each.name in named):
                for attempt in leavings.folders(folder, before):
                    if attempt.name not in named[folder.name]:
                        self._take(attempt)
                yield

    def _code(self) -> Iterator[None]:
        """Snapshots and versions that no run has, but for those used last."""
        before = self._at - UNUSED
        while hashes := self._retention.drop_snapshots(before, ALL if self._dry else AT_ONCE, dry=self._dry):
            self.cleaned.rows[None, "snapshots"] += len(hashes)
            if self._dry:
                self.cleaned.bytes[None, "versions"] += sum(
                    leavings.weigh(self._home / "versions" / each) for each in hashes
                )
                break
            yield from self._take_remains()
        yield from self._drop("versions", self._retention.drop_versions, UNUSED)

    def _rows(self) -> Iterator[None]:
        """What nobody asks for any more."""
        yield from self._drop("occurrences", self._retention.drop_occurrences, SETTLED)
        yield from self._drop("tokens", self._retention.drop_tokens, SETTLED)
        yield from self._drop("gaps", self._retention.drop_gaps, NOTICED)
        if self._keep_audit is not None:
            yield from self._drop("audit", self._audit.drop, timedelta(days=self._keep_audit))

    def _tables(self, *, thorough: bool) -> Iterator[None]:
        """Versions of datasets that others came after, and files in their tables that are of no version."""
        for gone in self._superseded.steps(thorough=thorough):
            self.cleaned.rows[None, "dataset_versions"] += gone.versions
            self.cleaned.bytes[None, "datasets"] += gone.bytes
            yield

    def _drop(self, kind: str, drop: Callable[..., int], age: timedelta) -> Iterator[None]:
        most = ALL if self._dry else ROWS
        count = most
        while count == most:
            count = drop(self._at - age, most, dry=self._dry)
            self.cleaned.rows[None, kind] += count
            yield

    def _runs(self) -> Iterator[None]:
        since, after = self._policy.since(self._at), None
        while since is not None:
            page = self._retention.ended(since, PAGE, after)
            for pipeline_id, some in groupby(sorted(page.runs, key=_pipeline), _pipeline):
                yield from self._of_pipeline(pipeline_id, list(some))
            if page.after is None:
                return
            after = page.after

    def _of_pipeline(self, pipeline_id: int, ended: Sequence[Ended]) -> Iterator[None]:
        yield
        old = [run for run in ended if self._is_due(run, self._standings.edges(pipeline_id))]
        standing = self._standings.of(pipeline_id, old)
        going = [run for run in old if retention.goes(self._policy, run, standing, self._at)]
        gone = yield from self._clear(pipeline_id, going, partial(self._retention.remove, dry=self._dry))
        yield from self._of_staying(pipeline_id, [run for run in old if run.id not in gone], standing)

    def _of_staying(self, pipeline_id: int, staying: Sequence[Ended], standing: Standing) -> Iterator[None]:
        outputs = [run for run in staying if retention.loses_outputs(self._policy, run, standing, self._at)]
        logs = [run for run in staying if retention.loses_logs(self._policy, run, self._at)]
        given = {"at": self._at, "dry": self._dry}
        yield from self._clear(pipeline_id, outputs, partial(self._retention.clear_outputs, **given))
        yield from self._clear(pipeline_id, logs, partial(self._retention.clear_logs, **given))

    def _is_due(self, run: Ended, edges: Standing) -> bool:
        """Whether something of it may go, unless it is needed."""
        return (
            retention.goes(self._policy, run, edges, self._at)
            or retention.loses_outputs(self._policy, run, edges, self._at)
            or retention.loses_logs(self._policy, run, self._at)
        )

    def _clear(
        self, pipeline_id: int, those: Sequence[Ended], deed: Callable[[Sequence[Ended]], Removed]
    ) -> Generator[None, None, set[int]]:
        """Does that to them, some at once, and takes away what is left of them on the disk: the ids of those it was done to."""
        done = set[int]()
        for some in _batches(those, AT_ONCE):
            removed = self._done(deed, some)
            done.update(run.id for run in removed.runs)
            for table, count in removed.rows.items():
                self.cleaned.rows[pipeline_id, table] += count
            for _, path in removed.places if self._dry else ():
                self._take(self._home / path, pipeline_id)
            yield
            if not self._dry:
                yield from self._take_remains()
        return done

    def _done(self, deed: Callable[[Sequence[Ended]], Removed], some: Sequence[Ended]) -> Removed:
        """What became of them; where not all can be done together, each is tried alone, and the others go on."""
        try:
            return deed(some)
        except errors.StoreUnavailable:
            raise
        except Exception as error:
            if len(some) == 1:
                self._tell(f"run {some[0].id} cannot be cleaned: {type(error).__name__}: {error}")
                return Removed()
        alone = [self._done(deed, [run]) for run in some]
        runs, places = ([x for each in alone for x in each.runs], [x for each in alone for x in each.places])
        return Removed(runs, sum((each.rows for each in alone), Counter[str]()), places)


def policy(settings: Settings) -> Policy:
    """What the settings say."""
    return Policy(
        runs=Rule(settings.keep_runs_days, settings.keep_runs),
        failed=Rule(settings.keep_failed_days, settings.keep_failed),
        outputs=settings.keep_outputs_days,
        logs=settings.keep_logs_days,
    )


def _pipeline(run: Ended) -> int:
    return run.pipeline_id


def _batches(those: Iterable[T], size: int) -> Iterator[list[T]]:
    left = iter(those)
    while some := list(islice(left, size)):
        yield some
