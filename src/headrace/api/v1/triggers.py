"""Triggers: defined, looked at, paused and resumed; and runs of them asked for."""

from typing import Annotated, Any

from anyio import to_thread
from fastapi import Body, Path, Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from headrace import errors
from headrace.api import gate
from headrace.api.v1 import answers, definitions, given, here, runs, waiting
from headrace.api.v1.definitions import Variables
from headrace.api.v1.here import Changes, Home
from headrace.app import App
from headrace.engine.calls import Call
from headrace.model.access import Role
from headrace.model.trigger import Definition, Trigger, TriggerType
from headrace.operations import documents, projects, triggers
from headrace.store.creating import Created

router = here.routes("triggers")

SHOWN = answers.tells("ShownTrigger")
BEGUN = answers.tells("Run", 201) | answers.tells("Run", said="It was begun before, with this key.")
SECRET = {"Cache-Control": "no-store"}

TriggerId = Annotated[int, Path(ge=1, le=given.GREATEST, description="The trigger's number.")]
Project = Annotated[given.Name | None, Query(description="Of the project of this name.")]
Pipeline = Annotated[given.Name | None, Query(description="Of pipelines of this name.")]


class NewTrigger(definitions.NewDefinition):
    """A trigger that is to be."""

    project: given.Name | None = Field(None, description="The project's name; may be left out when there is one.")
    pipeline: given.Name = Field(examples=["mill_stream"])
    active: bool = Field(True, description="Otherwise it begins no runs until it is resumed.")


class Asked(given.Body):
    """A run of a trigger."""

    variables: Variables = Field({}, description="Over those of the trigger.")
    event_variables: dict[str, Any] | None = Field(None, description="As a caller gives them.")
    execution_date: given.Moment | None = Field(None, description="Now, unless it is given.")


class Foreseen(given.Body):
    """A trigger that nobody has made."""

    interval: given.Text = Field(max_length=1000, examples=["0 6 * * MON-FRI"])
    zone: given.Text = Field("UTC", max_length=255, examples=["Europe/Zurich"])
    start_time: given.Moment | None = None
    after: given.Moment | None = Field(None, description="Now, unless it is given.")
    count: Annotated[int, Field(ge=1, le=1000), given.WHOLE] = 10


@router.get("/triggers", summary="Triggers", responses=answers.tells("Triggers"))
def list_all(
    home: Home,
    request: Request,
    project: Project = None,
    pipeline: Pipeline = None,
    limit: given.Limit = 100,
    cursor: given.Cursor = None,
) -> Response:
    """The oldest first; none of backfills."""
    found = triggers.latest(home, limit, project=project, pipeline=pipeline, after=given.beyond(cursor) or 0)
    following = answers.following([each.trigger.id for each in found], limit)
    return answers.page(request, "triggers", [documents.listed_trigger(each) for each in found], following)


@router.post("/triggers", status_code=201, summary="Make a trigger", responses=answers.tells("ShownTrigger", 201))
@gate.needs(Role.EDITOR)
def create(home: Home, new: NewTrigger) -> Response:
    folder = projects.named(home, new.project).path
    made = triggers.create(home, folder, new.pipeline, new.definition, active=new.active)
    return _shown(home, made, 201)


@router.post("/triggers/preview", summary="When it would fire", responses=answers.tells("FireTimes"))
def preview(foreseen: Foreseen) -> Response:
    """The fire times of an interval. Nothing is written."""
    definition = Definition(
        name="preview",
        type=TriggerType.TIME,
        interval=foreseen.interval,
        zone=foreseen.zone,
        start_time=foreseen.start_time,
    )
    times = triggers.preview(definition, foreseen.count, foreseen.after)
    return answers.written({"fire_times": documents.fire_times(times, foreseen.zone)})


@router.get("/triggers/find", summary="The trigger that is meant", responses=SHOWN)
def find(home: Home, named: Annotated[given.Name, Query(examples=["orders/nightly"])]) -> Response:
    """By its number, its name, or as PIPELINE/NAME. 422 where there are several of that name."""
    return _shown(home, triggers.find(home, named))


@router.get("/triggers/{trigger_id:number}", summary="A trigger, and when it fires next", responses=SHOWN)
def show(home: Home, trigger_id: TriggerId) -> Response:
    return _shown(home, _found(home, trigger_id))


@router.patch("/triggers/{trigger_id:number}", summary="Define a trigger anew", responses=SHOWN)
@gate.needs(Role.EDITOR)
def change(home: Home, trigger_id: TriggerId, changes: definitions.Changes) -> Response:
    """Only the fields that are given change. No run begins by it: only what comes due later is run as it is then."""
    found = _found(home, trigger_id)
    return _shown(home, triggers.change(home, found, changes.over(found.definition)))


@router.delete("/triggers/{trigger_id:number}", status_code=204, summary="Delete a trigger", response_class=Response)
@gate.needs(Role.EDITOR)
def delete(home: Home, trigger_id: TriggerId) -> Response:
    """The runs it has begun stay; those that have not started are cancelled."""
    triggers.delete(home, _found(home, trigger_id))
    return Response(status_code=204)


@router.post("/triggers/{trigger_id:number}/pause", summary="Have a trigger begin no runs", responses=SHOWN)
@gate.needs(Role.EDITOR)
def pause(home: Home, trigger_id: TriggerId) -> Response:
    """Its runs that have not begun wait until it is resumed."""
    return _shown(home, triggers.pause(home, _found(home, trigger_id)))


@router.post("/triggers/{trigger_id:number}/resume", summary="Have a trigger begin runs again", responses=SHOWN)
@gate.needs(Role.EDITOR)
def resume(home: Home, trigger_id: TriggerId) -> Response:
    """What came due while it was paused gets no run, and is among its gaps."""
    return _shown(home, triggers.resume(home, _found(home, trigger_id)))


@router.get("/triggers/{trigger_id:number}/token", summary="A trigger's token", responses=answers.tells("Said"))
@gate.needs(Role.EDITOR)
def token(home: Home, trigger_id: TriggerId) -> Response:
    """What a caller of the trigger shows."""
    return answers.written({"token": triggers.token(home, _found(home, trigger_id))}, headers=SECRET)


@router.post("/triggers/{trigger_id:number}/rotate", summary="A new token", responses=answers.tells("Said"))
@gate.needs(Role.EDITOR)
def rotate(home: Home, trigger_id: TriggerId) -> Response:
    """The one before is worth nothing from then on."""
    return answers.written({"token": triggers.rotate(home, _found(home, trigger_id))}, headers=SECRET)


@router.post("/triggers/{trigger_id:number}/runs", status_code=201, summary="Begin a run of a trigger", responses=BEGUN)
@gate.needs(Role.EDITOR)
async def run(
    home: Home,
    feed: Changes,
    request: Request,
    trigger_id: TriggerId,
    asked: Asked | None = None,
    key: given.Key = None,
) -> Response:
    """Whatever its type. With `Prefer: wait=N` it is answered once the run has ended, or N seconds later."""
    created = await to_thread.run_sync(_run, home, trigger_id, asked or Asked.model_validate({}), key)
    ended = await waiting.for_end(home, feed, created.run, waiting.asked(request))
    return await runs.told(home, ended, 201 if created.made else 200)


@router.post(
    "/triggers/{trigger_id:number}/call",
    status_code=201,
    summary="Call a trigger",
    responses=BEGUN,
    openapi_extra={"security": [{"trigger": []}]},
)
@gate.open_to_all
async def call(
    home: Home,
    feed: Changes,
    request: Request,
    trigger_id: TriggerId,
    body: Annotated[
        dict[str, Any] | None, Body(examples=[{"order": 17, "pipeline_run": {"variables": {"day": "2026-01-31"}}}])
    ] = None,
    key: given.Key = None,
) -> Response:
    """Whoever shows the trigger's own token, and nobody else, has it begin a run: one of type api alone.

    The body is what the blocks are told as event variables; `pipeline_run.variables` in it are the run's own.
    """
    said = _bearer(request)
    created = await to_thread.run_sync(triggers.call, home, trigger_id, said, body, key)
    ended = await waiting.for_end(home, feed, created.run, waiting.asked(request))
    return await runs.told(home, ended, 201 if created.made else 200)


def _shown(home: App, trigger: Trigger, status: int = 200) -> Response:
    headers = {"Location": f"/v1/triggers/{trigger.id}"} if status == 201 else {}
    return answers.written(documents.shown_trigger(triggers.show(home, trigger)), status, headers)


def _found(home: App, trigger_id: int) -> Trigger:
    return triggers.find(home, str(trigger_id))


def _run(home: App, trigger_id: int, asked: Asked, key: str | None) -> Created:
    call = Call(
        variables=asked.variables,
        event_variables=asked.event_variables,
        execution_date=asked.execution_date,
        key=key,
    )
    return triggers.run(home, _found(home, trigger_id), call)


def _bearer(request: Request) -> str:
    scheme, _, said = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not said.strip():
        raise errors.NotAuthenticated(why="show the trigger's token in the header `Authorization: Bearer TOKEN`")
    return said.strip()
