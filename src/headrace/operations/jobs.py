"""Jobs: pipelines whose blocks move a table each, defined by an API. The jobs of a run go side by side, its runs one by one.

A job is a document, kept as the block's file: `input`, `transformations` and `output`, as `model.transfer` reads them,
and the `state` under which its bookmark is kept. To forget a bookmark is to give the job another state.
"""

import contextlib
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import yaml

from headrace import clock, errors, identity
from headrace.app import App
from headrace.model import dataset, loads, terms, transfer
from headrace.model.loads import Change
from headrace.model.pipeline import Block, BlockType, Language
from headrace.model.query import Query
from headrace.model.run import Run, RunSettings
from headrace.model.transfer import LoadType, Transfer
from headrace.model.trigger import Definition, Trigger, TriggerSettings, TriggerType
from headrace.operations import authoring, catalogue, deleting, listing, reasons, starting, triggers
from headrace.operations.asking import Asked
from headrace.operations.authoring import NewBlock, NewPipeline
from headrace.operations.catalogue import Entry
from headrace.project import amending, authored
from headrace.project.document import parse
from headrace.store.pipelines import PipelineRow

Document = Mapping[str, Any]

MOST = 100  # jobs of a pipeline
CRON = "cron"  # the name of the trigger that a pipeline's schedule is
EACH_FOR_ITSELF = RunSettings(allow_blocks_to_fail=True)  # a job that fails holds up none of the others
ONE_BY_ONE = {"concurrency_config": {"pipeline_run_limit_all_triggers": 1}}
_PAGE = 500  # runs that are deleted between two looks at what is left


@dataclass(frozen=True, slots=True, kw_only=True)
class NewJobs:
    """A pipeline of jobs that is to be; its id is chosen by whoever asks for it."""

    uid: str
    name: str
    description: str = ""
    cron: str | None = None
    jobs: Sequence[Any] = ()


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it is written: the `index`th block of its pipeline."""

    entry: Entry
    index: int
    document: Document

    @property
    def block(self) -> Block:
        return self.entry.current.content.blocks[self.index]

    @property
    def id(self) -> str:
        return id_of(self.entry.row.uid, self.index)

    @property
    def transfer(self) -> Transfer:
        return transfer.read(self.document)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sync:
    """How a job is to load from now on; what is None stays as it is. With `force` its bookmark is forgotten."""

    load: LoadType
    increment: str | None = None
    increment_type: str | None = None
    keys: Sequence[str] | None = None
    force: bool = False


def id_of(uid: str, index: int) -> str:
    """The id of a job of that pipeline."""
    return f"{uid.replace('-', '_')}_{index}"


def create(app: App, new: NewJobs) -> Entry:
    """The pipeline is there, and its schedule in force.

    Raises IdTaken, PipelineExists, BadSchedule, BadField naming the job's field, and what `authoring.create` does.
    """
    _refuse_taken(app, new.uid)
    _check_jobs(new.jobs)
    if new.cron is not None:
        terms.refuse_wrong(_definition(new.cron))
    _forget_deleted(app, new.uid, stopped=True)
    blocks = [_block(new.uid, index, {**given, "state": identity.new()}) for index, given in enumerate(new.jobs)]
    wanted = NewPipeline(name=new.name, description=new.description, blocks=blocks, uid=new.uid, extra=ONE_BY_ONE)
    authoring.create(app, wanted)
    entry = catalogue.get(app, new.uid)
    if new.cron is not None:
        schedule_by(app, entry, new.cron)
    return entry


def amend(app: App, entry: Entry, given: Mapping[str, str | None]) -> None:
    """Name, description and cron of the pipeline are as given, where they are; a cron of None takes its schedule away.

    BadSchedule, NotAuthored, and what `authoring.describe` raises: nothing has changed then.
    """
    authoring.writable(app, entry.row.id)
    if (cron := given.get("cron")) is not None:
        terms.refuse_wrong(_definition(cron))
    if "name" in given or "description" in given:
        said = (given["description"] or "") if "description" in given else None
        authoring.describe(app, entry.row.id, name=given.get("name"), description=said)
    if "cron" in given:
        schedule_by(app, entry, cron)


def schedule_by(app: App, entry: Entry, cron: str | None) -> None:
    """The pipeline runs by that schedule from now on, or with None by hand alone. BadSchedule."""
    trigger = schedule(app, entry)
    if cron is None:
        if trigger:
            triggers.delete(app, trigger)
        return
    terms.refuse_wrong(_definition(cron))
    if trigger is None:
        triggers.create(app, entry.row.project.path, entry.row.name, _definition(cron), active=True)
    elif trigger.definition.interval != cron:
        triggers.change(app, trigger, _definition(cron), active=True)


def start(app: App, entry: Entry) -> Run:
    """A run of the pipeline as it is now; one of jobs waits for the one that is under way. PipelinePaused."""
    settings = EACH_FOR_ITSELF if _is_of_jobs(entry) else RunSettings()
    return starting.start(app, Asked(entry.row.project.path, entry.row.name, {}, settings=settings)).run


def delete(app: App, uid: str) -> PipelineRow:
    """The pipeline of that uid goes, with its schedule, its bookmarks and its runs; what was loaded stays.

    Runs that are under way are cancelled, and go when they are old, or when another pipeline is given that uid.
    NoSuchRecord for a pipeline that was deleted before, of which nothing is left then, should whoever deleted it have
    been interrupted; NotAuthored.
    """
    _forget_deleted(app, uid)
    row = catalogue.get(app, uid).row
    authoring.delete(app, row.id)
    _forget(app, row)
    return row


def is_deleted(app: App, row: PipelineRow) -> bool:
    """Whether it came by an API, and is written no more."""
    found = authored.found(app.settings.home)
    return row.project.path == found.path and row.name not in authored.names(found)


def find(app: App, uid: str, index: int) -> Job:
    """The job of that place in that pipeline. JobNotFound."""
    try:
        entry = catalogue.get(app, uid)
    except errors.NoSuchRecord:
        raise errors.JobNotFound(job=id_of(uid, index)) from None
    blocks = entry.current.content.blocks
    if index >= len(blocks) or not blocks[index].is_transfer:
        raise errors.JobNotFound(job=id_of(uid, index))
    return Job(entry, index, document(blocks[index]))


def document(block: Block) -> Document:
    """What the job's file says; of a block that moves no table, nothing."""
    return cast("Document", parse(block.text).value) if block.is_transfer and block.text else {}


def amend_input(app: App, job: Job, given: Document) -> list[str]:
    """Those fields of the input are what is given; columns are added to those there were. The fields that have changed.

    BadField.
    """
    with _held(app, job) as now:
        merged = _merged(now, given)
        if merged != now.document["input"]:
            _rewrite(app, now, _amended(now, merged)[0])
    return [name for name in given if merged.get(name) != now.document["input"].get(name)]


def sync(app: App, job: Job, wanted: Sync) -> Change:
    """The job loads so from now on; what that does to its bookmark. BadField."""
    given = {
        "load_type": wanted.load.value,
        "incremental_column_name": wanted.increment,
        "incremental_column_type": wanted.increment_type,
        "primary_keys": None if wanted.keys is None else [*wanted.keys],
    }
    with _held(app, job) as now:
        merged = {**now.document["input"], **{name: value for name, value in given.items() if value is not None}}
        document, change = _amended(now, merged, force=wanted.force)
        _rewrite(app, now, document)
    return change


def reset(app: App, job: Job) -> None:
    """Its bookmark is forgotten: the next load is a full one."""
    with _held(app, job) as now:
        _rewrite(app, now, {**now.document, "state": identity.new()})


def give_memory(app: App, entry: Entry, amount: Any, index: int | None = None) -> int:
    """The jobs of the pipeline, or one of them, may hold so many megabytes; how many that are. BadField, NotOfJobs."""
    allowed = transfer.memory(amount, "amount")
    _refuse_others(entry)
    with _alone(app):
        current = catalogue.get(app, entry.row.uid)
        blocks = [
            _with_memory(current, place, allowed) if index in (None, place) else _as_it_is(current, place)
            for place in range(len(current.current.content.blocks))
        ]
        authoring.revise(app, entry.row.id, blocks)
    return allowed


@contextlib.contextmanager
def _held(app: App, job: Job) -> Generator[Job]:
    """The job as it is by now, which nobody else changes meanwhile. NotOfJobs, JobNotFound."""
    _refuse_others(job.entry)
    with _alone(app):
        yield find(app, job.entry.row.uid, job.index)


def _merged(job: Job, given: Document) -> dict[str, Any]:
    """The input with what is given; columns are added. BadField."""
    before = job.document["input"]
    merged = {**before, **given}
    if given.get("column_include_list") is not None and before.get("column_include_list") is not None:
        _check({**job.document, "input": merged})
        joined = [*before["column_include_list"], *given["column_include_list"]]
        merged["column_include_list"] = list(dict.fromkeys(joined))
    return merged


def _amended(job: Job, merged: Document, *, force: bool = False) -> tuple[Document, Change]:
    """The job with that input, and what that does to its bookmark, which says nothing of other rows or another column."""
    document = {**job.document, "input": merged}
    _check(document)
    before, after = job.transfer, transfer.read(document)
    moved = (before.source, before.increment) != (after.source, after.increment)
    change = loads.change(before.load, after.load, force=force, moved=moved)
    return (document if change.keeps else {**document, "state": identity.new()}), change


def _rewrite(app: App, job: Job, document: Document) -> None:
    """The job says that from now on, and the others what they said."""
    entry = job.entry
    blocks = [_as_it_is(entry, place) for place in range(len(entry.current.content.blocks))]
    blocks[job.index] = _block(entry.row.uid, job.index, document)
    authoring.revise(app, entry.row.id, blocks)


def _with_memory(entry: Entry, place: int, amount: int) -> NewBlock:
    said = document(entry.current.content.blocks[place])
    return _block(entry.row.uid, place, {**said, "input": {**said["input"], "memory_allocation_mb": amount}})


def _as_it_is(entry: Entry, place: int) -> NewBlock:
    return _block(entry.row.uid, place, document(entry.current.content.blocks[place]))


def _is_of_jobs(entry: Entry) -> bool:
    return all(block.is_transfer for block in entry.current.content.blocks)


def _refuse_others(entry: Entry) -> None:
    if not _is_of_jobs(entry):
        raise errors.NotOfJobs(pipeline=entry.title)


def _block(uid: str, index: int, document: Document) -> NewBlock:
    job = transfer.read(document)
    configuration: dict[str, Any] = {"job_type": transfer.JOB_TYPE, "job_id": id_of(uid, index)}
    if job.target.plugin == "dataset":
        configuration["output_datasets"] = [job.target.table]
    return NewBlock(
        uuid=f"job_{index}",
        type=BlockType.CUSTOM,
        language=Language.YAML,
        code=yaml.safe_dump(dict(document), sort_keys=False, allow_unicode=True),
        configuration=configuration,
        extra={"executor_config": {"memory_limit": f"{job.memory_mb}MiB"}},
    )


def _check_jobs(given: Sequence[Any]) -> None:
    if not 0 < len(given) <= MOST:
        raise errors.BadField(field="jobs", given=f"{len(given)} jobs", expected=f"a list of 1 to {MOST} jobs")
    for index, each in enumerate(given):
        _check(each, f"jobs[{index}]")
        if "state" in each:
            raise errors.BadField(field=f"jobs[{index}].state", given=each["state"], expected="no such field")
    _refuse_twins([transfer.read(each) for each in given])


def _refuse_twins(those: Sequence[Transfer]) -> None:
    """BadField for a dataset that two jobs would write: each would undo what the other does."""
    taken: set[str] = set()
    for index, each in enumerate(those):
        for name in each.writes:
            if dataset.key(name) in taken:
                expected = "a dataset that no other of the jobs writes"
                raise errors.BadField(field=f"jobs[{index}].output.table_name", given=name, expected=expected)
            taken.add(dataset.key(name))


def _refuse_taken(app: App, uid: str) -> None:
    with contextlib.suppress(errors.NoSuchRecord):
        catalogue.get(app, uid)
        raise errors.IdTaken(id=uid)


def _check(document: Any, place: str = "the job") -> None:
    """BadField. Who calls from elsewhere knows no folder that a path could begin at."""
    job = transfer.read(document, place)
    for field, end in (("input.path", job.source), ("output.path", job.target)):
        if end.path is not None and not (end.path.startswith("/") or "://" in end.path):
            raise errors.BadField(field=f"{place}.{field}", given=end.path, expected="an absolute path, or a URL")


def _definition(cron: str) -> Definition:
    settings = TriggerSettings(allow_blocks_to_fail=EACH_FOR_ITSELF.allow_blocks_to_fail)
    return Definition(name=CRON, type=TriggerType.TIME, interval=cron, settings=settings)


def schedule(app: App, entry: Entry) -> Trigger | None:
    """The trigger that the pipeline's cron is."""
    return app.store.triggers.find(entry.row.id, CRON)


def _triggers(app: App, row: PipelineRow) -> list[Trigger]:
    placed = app.store.triggers.list(project=row.project.name, pipeline=row.name)
    return [each.trigger for each in placed if each.trigger.pipeline_id == row.id]


def _forget_deleted(app: App, uid: str, *, stopped: bool = False) -> None:
    """As `_forget` the pipeline of that uid, if it was deleted, whoever did so."""
    row = app.store.pipelines.by_uid(uid)
    if row is not None and is_deleted(app, row):
        _forget(app, row, stopped=stopped)


def _forget(app: App, row: PipelineRow, *, stopped: bool = False) -> None:
    """Nothing is left of a pipeline that is written no more, but runs that its deletion has `stopped`, unless those too."""
    for each in _triggers(app, row):
        triggers.delete(app, each)
    app.store.bookmarks.reset(row.id)
    app.store.pipelines.resume(row.id, clock.now())
    _delete_runs(app, row.id, stopped=stopped)


def _delete_runs(app: App, pipeline_id: int, *, stopped: bool) -> None:
    for each in listing.walk(app, Query(pipeline=pipeline_id), _PAGE):
        if stopped or app.store.runs.cancel_reason(each.run.id) != reasons.DELETED:
            _delete_run(app, each.run)


def _delete_run(app: App, run: Run) -> None:
    with contextlib.suppress(errors.RunNotDeletable, errors.RunNotFound):
        deleting.delete(app, run.id)


def _alone(app: App) -> contextlib.AbstractContextManager[None]:
    """No two change jobs at once, of which each would undo what the other did."""
    return amending.alone(authored.place(app.settings.home) / BlockType.CUSTOM)
