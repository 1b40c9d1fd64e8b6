"""Runs are listed in an order of one's own, page by page, and counted; with what is told beside each of them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from headrace.app import App
from headrace.model import reach
from headrace.model.access import Caller, Role
from headrace.model.query import Query
from headrace.model.reach import Reach
from headrace.model.run import Attempt, BlockRun, BlockStatus, Run
from headrace.model.sorting import BlockSorting, Sorting
from headrace.model.trigger import Trigger
from headrace.operations import listing
from headrace.store.listing import Listed
from headrace.store.triggers import Label


@dataclass(frozen=True, slots=True)
class Row:
    """A run with its block runs, and its trigger, unless that was deleted.

    `project` and `pipeline` are names, `folder` is where the project lies. `token` is the trigger's, for who may run it;
    `failed` has the latest attempts of the block runs that have failed, by the block run's id.
    """

    run: Run
    project: str
    pipeline: str
    folder: Path
    blocks: Sequence[BlockRun]
    trigger: Label | None
    token: str | None
    failed: Mapping[int, Attempt]


@dataclass(frozen=True, slots=True)
class Page:
    """Some runs of a list, and how many it has in all."""

    rows: Sequence[Row]
    count: int


def page(
    app: App, caller: Caller | None, sorting: Sorting, limit: int, offset: int, *, whole_dates: bool = False
) -> Page:
    """At most `limit` runs of the list, without the first so many; see `Runs.sorted`. Raises BadFilter."""
    listing.refuse_wrong(sorting.query)
    found = app.store.runs.sorted(sorting, limit, offset, whole_dates=whole_dates) if limit else ()
    return Page(_told(app, caller, found), count(app, sorting))


def count(app: App, sorting: Sorting) -> int:
    """How many runs the list has: kept at hand for those of a trigger, pipeline or project, of a status or all."""
    query = sorting.query
    if not sorting.is_tallied:
        return app.store.runs.count(sorting)
    if query.trigger is not None and query == Query(trigger=query.trigger):
        return sum(app.store.tallies.of_triggers([query.trigger])[query.trigger].values())
    return app.store.tallies.total(query)


@dataclass(frozen=True, slots=True)
class BlockPage:
    """Some block runs of a list, each with its run, and how many the list has in all."""

    rows: Sequence[tuple[Row, BlockRun]]
    count: int


def block_runs(app: App, wanted: BlockSorting, limit: int, offset: int) -> BlockPage:
    """At most `limit` block runs of the list, without the first so many; of triggers no tokens are told. BadFilter."""
    listing.refuse_wrong(Query(project=wanted.project, pipeline=wanted.pipeline))
    found = app.store.runs.sorted_blocks(wanted, limit, offset) if limit else ()
    runs = {each.run.id: each for each, _ in found}
    told = {row.run.id: row for row in _told(app, None, list(runs.values()))}
    return BlockPage([(told[each.run.id], block) for each, block in found], app.store.runs.count_blocks(wanted))


def block_run(app: App, block_run_id: int) -> tuple[Row, BlockRun]:
    """NoSuchRecord."""
    found = app.store.runs.block_run(block_run_id)
    return one(app, None, found.run_id), found


def one(app: App, caller: Caller | None, run_id: int) -> Row:
    """RunNotFound."""
    return _told(app, caller, [app.store.runs.listed(run_id)])[0]


def begun(app: App, caller: Caller | None, run: Run) -> Row:
    """A run as it was made, however far it has got since."""
    return _told(app, caller, [replace(app.store.runs.listed(run.id), run=run)])[0]


def _told(app: App, caller: Caller | None, found: Sequence[Listed]) -> Sequence[Row]:
    triggers = app.store.triggers.labels({each.run.trigger_id for each in found if each.run.trigger_id is not None})
    tokens, failed = _tokens(app, caller, triggers), _failed(app, found)
    return [
        Row(
            each.run,
            each.project,
            each.pipeline,
            each.folder,
            each.blocks,
            triggers.get(each.run.trigger_id or 0),
            tokens.get(each.run.trigger_id or 0),
            failed,
        )
        for each in found
    ]


def tokens_for(app: App, caller: Caller | None, triggers: Iterable[Trigger]) -> Mapping[int, str]:
    """The tokens of those of the triggers that who calls may run, by trigger."""
    return _tokens(app, caller, app.store.triggers.labels({each.id for each in triggers}))


def _tokens(app: App, caller: Caller | None, triggers: Mapping[int, Label]) -> Mapping[int, str]:
    if caller is None or not caller.role.may(Role.EDITOR):
        return {}
    seen = reach.of(caller, Role.EDITOR)
    mine = [each for each in triggers.values() if seen is None or _changes(app, seen, each)]
    return {each.id: app.registry.tell(each) for each in mine}


def _changes(app: App, seen: Reach, trigger: Label) -> bool:
    return seen.changes(app.store.tags.of_pipeline(trigger.pipeline_id))


def _failed(app: App, found: Collection[Listed]) -> Mapping[int, Attempt]:
    those = [block.id for each in found for block in each.blocks if block.status is BlockStatus.FAILED]
    tries = app.store.runs.attempts(those) if those else {}
    return {block_run: attempts[-1] for block_run, attempts in tries.items()}
