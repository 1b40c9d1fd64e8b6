"""The logs of a pipeline's runs as files would have them: one for each block run, with what its attempts wrote."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, islice

from headrace import errors
from headrace.app import App
from headrace.model.query import Query, Span
from headrace.model.run import Attempt, BlockRun, Run
from headrace.operations import listing, pipelines, run_logs, runs
from headrace.operations.run_logs import Entry
from headrace.operations.runs import Shown
from headrace.store.projects import ProjectRow

MOST = 20  # runs, and block runs, whose logs are read at once
DEEPEST = 10_000  # runs, the newest first, among which they are
EVER = Span()
LINES = 5_000  # of a block run; of a longer log the last are read,
LARGEST = 2**20  # and of those no more than come to so many characters


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which logs of a pipeline: those of what is given, of all where nothing is.

    `blocks` are beginnings of blocks' names; `dates` is a span of execution dates.
    """

    project: str
    pipeline: str
    triggers: Collection[int] = ()
    runs: Collection[int] = ()
    block_runs: Collection[int] = ()
    blocks: Sequence[str] = ()
    dates: Span = EVER


@dataclass(frozen=True, slots=True)
class BlockLog:
    """The lines of a block run's attempts, first to last; where there were more than LINES or LARGEST, the last of them."""

    run: Run
    block_run: BlockRun
    type: str
    attempts: Sequence[Attempt]
    entries: Sequence[Entry]
    is_cut: bool


@dataclass(frozen=True, slots=True)
class Found:
    """The newest first; and how many there are of both, as far as that is known without opening them."""

    runs: Sequence[Shown]
    blocks: Sequence[BlockLog]
    run_count: int
    block_count: int


def find(app: App, wanted: Wanted, limit: int = MOST, offset: int = 0) -> Found:
    """The logs of at most `limit` runs, beginning with the one at `offset`, and no more than MOST; none beyond DEEPEST. BadFilter."""
    ids, count = _wanted_runs(app, wanted, min(limit, MOST), offset)
    shown = [runs.show(app, run_id) for run_id in ids]
    rows = [(each, row) for each in shown for row in reversed(each.blocks) if _wants(wanted, row)]
    begun = ((each, row) for each, row in rows if each.attempts[row.block])
    return Found(shown, [_block_log(app, *each) for each in islice(begun, min(limit, MOST))], count, len(rows))


def _block_log(app: App, shown: Shown, row: BlockRun) -> BlockLog:
    page = run_logs.page(app, shown.run.id, block=row.block, last=True, limit=LINES)
    kept = _last(page.lines)
    is_cut = page.more or len(kept) < len(page.lines)
    return BlockLog(shown.run, row, _type(shown, row.block), shown.attempts[row.block], kept, is_cut)


def _last(entries: Sequence[Entry]) -> Sequence[Entry]:
    sizes = accumulate(len(entry.line.message) for entry in reversed(entries))
    return entries[len(entries) - sum(size <= LARGEST for size in sizes) :]


def _type(shown: Shown, block: str) -> str:
    return next((str(each.type) for each in shown.pipeline.blocks if each.uuid == block), "custom")


def _wants(wanted: Wanted, row: BlockRun) -> bool:
    of_name = not wanted.blocks or row.block.startswith(tuple(wanted.blocks))
    return of_name and (not wanted.block_runs or row.id in wanted.block_runs)


def _wanted_runs(app: App, wanted: Wanted, limit: int, offset: int) -> tuple[list[int], int]:
    """Their ids, the newest first, and how many there are in all."""
    if wanted.runs or wanted.block_runs:
        named = set(wanted.runs) | set(app.store.runs.of_block_runs(wanted.block_runs).values())
        found = [run.id for run in _there(app, sorted(named, reverse=True)) if _fits(app, wanted, run)]
        return found[offset : offset + limit], len(found)
    queries = [_query(wanted, trigger) for trigger in set(wanted.triggers) or {None}]
    pages = [_first(app, query, min(offset + limit, DEEPEST)) for query in queries]
    ids = sorted((run_id for page in pages for run_id in page), reverse=True)
    counts = [listing.count(app, query) for query in queries]
    known = (len(page) if count is None else count for count, page in zip(counts, pages, strict=True))
    return ids[offset : offset + limit], sum(known)


def _query(wanted: Wanted, trigger: int | None) -> Query:
    return Query(project=wanted.project, pipeline=wanted.pipeline, trigger=trigger, execution_date=wanted.dates)


def _first(app: App, query: Query, count: int) -> list[int]:
    found = listing.walk(app, query, min(max(count, 1), listing.MOST))
    return [each.run.id for each in islice(found, count)]


def _there(app: App, run_ids: Sequence[int]) -> Iterator[Run]:
    """Those that there are."""
    for run_id in run_ids:
        try:
            yield runs.get(app, run_id)
        except errors.RunNotFound:
            continue


def _fits(app: App, wanted: Wanted, run: Run) -> bool:
    project, pipeline = app.store.projects.names(run.pipeline_id)
    since, until = wanted.dates.since, wanted.dates.until
    return (
        (project.name, pipeline) == (wanted.project, wanted.pipeline)
        and (not wanted.triggers or run.trigger_id in wanted.triggers)
        and (since is None or run.execution_date >= since)
        and (until is None or run.execution_date < until)
    )


def refuse_unknown(app: App, project: ProjectRow, pipeline: str) -> None:
    """PipelineNotFound for one that nothing is kept of, and that is not in the project's folder either. BadFilter."""
    listing.refuse_wrong(Query(pipeline=pipeline))
    if app.store.projects.pipeline(project.path, pipeline) is None:
        pipelines.shown_in(app, project.path, pipeline)


def pipeline_of(app: App, block_run: int) -> str:
    """The pipeline of the run that the block run is of. NoSuchRecord."""
    found = app.store.runs.of_block_runs((block_run,))
    if not found:
        raise errors.NoSuchRecord(noun="block run", id=block_run)
    return app.store.projects.names(runs.get(app, found[block_run]).pipeline_id)[1]
