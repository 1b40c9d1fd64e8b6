"""Jobs: each moves one table. How one loads, and how far it has got."""

from typing import Annotated, Any

from fastapi import Body
from starlette.responses import Response

from headrace.api import applications, gate
from headrace.api.applications import Home
from headrace.api.maestro import given, ids, shapes
from headrace.api.maestro.errors import JOBS, MEMORY_OF_JOB, Style, told
from headrace.api.maestro.given import JobId
from headrace.model.access import Role
from headrace.model.loads import Change
from headrace.operations import jobs
from headrace.operations.jobs import Job

router = applications.routes("jobs")


def _answers(model: Any, style: Style = JOBS) -> dict[int | str, dict[str, Any]]:
    return {200: {"model": model}, **style.declared}


@router.get("/jobs/jdbc/{job_id}", responses=_answers(shapes.ShownJob))
@told(JOBS)
def show(home: Home, job_id: JobId) -> Response:
    """What a job moves, from where whereto."""
    return applications.written(shapes.job(_found(home, job_id)))


@router.patch("/jobs/{job_id}/input", responses=_answers(shapes.Patched))
@gate.needs(Role.EDITOR)
@told(JOBS)
def patch(home: Home, job_id: JobId, changes: Annotated[dict[str, Any], Body()]) -> Response:
    """Change fields of a job's input; columns are added to those that it has."""
    job = _found(home, job_id)
    updated = jobs.amend_input(home, job, changes)
    detail = f"successfully patched {job.id}"
    return applications.written({"status": True, "detail": detail, "updated_fields": updated})


@router.put("/jobs/jdbc/{job_id}/sync-mode", responses=_answers(shapes.ShownSync))
@gate.needs(Role.EDITOR)
@told(JOBS)
def put_sync_mode(home: Home, job_id: JobId, sync: given.Sync) -> Response:
    """Have a job load in another way."""
    return _synced(home, job_id, sync)


@router.post("/jobs/jdbc/{job_id}/sync-mode", responses=_answers(shapes.ShownSync))
@gate.needs(Role.EDITOR)
@told(JOBS)
def post_sync_mode(home: Home, job_id: JobId, sync: given.Sync) -> Response:
    """The same."""
    return _synced(home, job_id, sync)


@router.post("/jobs/{job_id}/reset-state", responses=_answers(shapes.ShownSync))
@gate.needs(Role.EDITOR)
@told(JOBS)
def reset_state(home: Home, job_id: JobId) -> Response:
    """Forget how far a job has got: its next load is a full one."""
    job = _found(home, job_id)
    jobs.reset(home, job)
    return _told(job.id, job.transfer.load, Change(resets=True))


@router.put("/jobs/{job_id}/memory", responses=_answers(shapes.ShownMemoryOfJob, MEMORY_OF_JOB))
@gate.needs(Role.EDITOR)
@told(MEMORY_OF_JOB)
def give_memory(home: Home, job_id: JobId, memory: given.Memory) -> Response:
    """So many megabytes may the job hold."""
    job = _found(home, job_id)
    allowed = jobs.give_memory(home, job.entry, memory.amount, job.index)
    uid, message = ids.told(job.entry.row.uid), f"Memory of job {job.id} was set."
    told = {"message": message, "job_id": job.id, "pipeline_id": uid, "memory_mb": allowed}
    return applications.written({"status": True, "data": told})


def _found(home: Home, job_id: str) -> Job:
    """JobNotFound."""
    return jobs.find(home, *ids.job(job_id))


def _synced(home: Home, job_id: str, sync: given.Sync) -> Response:
    job = _found(home, job_id)
    wanted = jobs.Sync(
        load=sync.target_load_type,
        increment=sync.incremental_column_name,
        increment_type=sync.incremental_column_type,
        keys=sync.primary_keys,
        force=bool(sync.force),
    )
    return _told(job.id, sync.target_load_type, jobs.sync(home, job, wanted))


def _told(job_id: str, load_type: str, change: Change) -> Response:
    state = "reset" if change.resets else "initialised" if change.initialises else "kept"
    message = f"Job {job_id} loads as {load_type}; its state was {state}."
    data = {"message": message, "job_id": job_id, "load_type": load_type, "state": state}
    return applications.written({"status": True, "data": data})
