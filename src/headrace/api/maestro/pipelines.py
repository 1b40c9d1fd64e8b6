"""Pipelines of jobs: made, looked at, described, deleted; begun, paused, and given memory."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from headrace import errors
from headrace.api import applications, auditing, gate
from headrace.api.applications import Home
from headrace.api.maestro import given, ids, shapes
from headrace.api.maestro.errors import DEEDS, DETAIL, GONE, MEMORY, Style, told
from headrace.api.maestro.given import PipelineId
from headrace.model.access import Role
from headrace.operations import catalogue, jobs, pausing, standing
from headrace.operations.catalogue import Entry
from headrace.operations.jobs import NewJobs

router = applications.routes("pipelines")
deeds = applications.routes("pipelines")

_PATCHED = ("name", "description", "cron")


def _answers(model: Any, style: Style = DETAIL) -> dict[int | str, dict[str, Any]]:
    return {200: {"model": model}, **style.declared}


@deeds.post("/pipeline/execute", responses=_answers(shapes.ShownRun, DEEDS))
@gate.needs(Role.EDITOR)
@told(DEEDS)
def execute(home: Home, request: Request, named: given.Named) -> Response:
    """Begin a run; it waits for the one that is under way."""
    entry = _named(home, request, named)
    run = jobs.start(home, entry)
    auditing.touch(request, "runs", run.uid, run.id)
    message = f"Pipeline {ids.told(entry.row.uid)} was started."
    begun = {"message": message, "pipeline_id": ids.told(entry.row.uid), "run_id": ids.told(run.uid)}
    return applications.written({"status": True, "data": begun})


@deeds.post("/pipeline/pause", responses=_answers(shapes.ShownSwitch, DEEDS))
@gate.needs(Role.EDITOR)
@told(DEEDS)
def pause(home: Home, request: Request, named: given.Named) -> Response:
    """No run begins from now on, neither by schedule nor by hand; one that is under way goes on."""
    entry = _named(home, request, named)
    pausing.pause(home, entry.row)
    return _switched(entry, "paused")


@deeds.post("/pipeline/unpause", responses=_answers(shapes.ShownSwitch, DEEDS))
@gate.needs(Role.EDITOR)
@told(DEEDS)
def unpause(home: Home, request: Request, named: given.Named) -> Response:
    """Runs begin again. What came due meanwhile gets none."""
    entry = _named(home, request, named)
    pausing.resume(home, entry.row)
    return _switched(entry, "unpaused")


@router.post("/pipeline", responses=_answers(shapes.ShownPipeline))
@gate.needs(Role.EDITOR)
@told(DETAIL)
def create(home: Home, request: Request, new: given.NewPipeline) -> Response:
    """Make a pipeline of jobs."""
    uid = ids.find(new.id)
    if uid is None:
        raise errors.BadField(field="id", given=new.id, expected="a UUID")
    auditing.touch(request, "pipelines", uid)
    wanted = NewJobs(uid=uid, name=new.name, description=new.description or "", cron=new.cron, jobs=new.jobs)
    return _shown(home, jobs.create(home, wanted))


@router.get("/pipelines", responses=_answers(list[shapes.ListedPipeline]))
@told(DETAIL)
def list_all(home: Home) -> Response:
    """Every pipeline, with its jobs."""
    return applications.written([shapes.listed(each) for each in standing.all_of(home)])


@router.get("/pipeline/{pipeline_id}", responses=_answers(shapes.ShownPipeline))
@told(DETAIL)
def show(home: Home, pipeline_id: PipelineId) -> Response:
    """One pipeline, with its jobs."""
    return _shown(home, _found(home, pipeline_id))


@router.patch("/pipeline/{pipeline_id}", responses=_answers(shapes.Detail))
@gate.needs(Role.EDITOR)
@told(DETAIL)
def patch(home: Home, pipeline_id: PipelineId, changes: given.Patch) -> Response:
    """Call, describe or schedule a pipeline otherwise; only what is given changes."""
    entry = _found(home, pipeline_id)
    said = changes.model_fields_set | set(changes.model_extra or ())
    for name in said.difference(_PATCHED):
        raise errors.BadRecord(why=f"Property {name} is read only")
    jobs.amend(home, entry, {name: getattr(changes, name) for name in said})
    return applications.written({"detail": f"successfully patched {ids.told(entry.row.uid)}"})


@router.delete("/pipeline/{pipeline_id}", responses=_answers(shapes.Deleted))
@gate.needs(Role.EDITOR)
@told(GONE)
def delete(home: Home, pipeline_id: PipelineId) -> Response:
    """Delete a pipeline, with its schedule, its runs and how far its jobs have got. What was loaded stays."""
    row = jobs.delete(home, ids.read(pipeline_id))
    return applications.written({"pipeline_id": ids.told(row.uid), "status": "PIPELINE_DELETED"})


@router.put("/pipeline/{pipeline_id}/memory", responses=_answers(shapes.ShownMemory, MEMORY))
@gate.needs(Role.EDITOR)
@told(MEMORY)
def give_memory(home: Home, pipeline_id: PipelineId, memory: given.Memory) -> Response:
    """So many megabytes may each of its jobs hold."""
    entry = _found(home, pipeline_id)
    allowed = jobs.give_memory(home, entry, memory.amount)
    uid = ids.told(entry.row.uid)
    return applications.written({"status": True, "data": _memory(uid, f"Memory of pipeline {uid} was set.", allowed)})


def _memory(uid: str, message: str, allowed: int) -> dict[str, Any]:
    return {"message": message, "pipeline_id": uid, "memory_mb": allowed}


def _found(home: Home, pipeline_id: str) -> Entry:
    """NoSuchRecord."""
    return catalogue.get(home, ids.read(pipeline_id))


def _named(home: Home, request: Request, named: given.Named) -> Entry:
    auditing.touch(request, "pipelines", ids.find(named.pipeline_id) or named.pipeline_id)
    return _found(home, named.pipeline_id)


def _shown(home: Home, entry: Entry) -> Response:
    return applications.written(shapes.pipeline(standing.of(home, entry)))


def _switched(entry: Entry, how: str) -> Response:
    uid = ids.told(entry.row.uid)
    return applications.written({"status": True, "data": {"message": f"Pipeline {uid} was {how}.", "pipeline_id": uid}})
