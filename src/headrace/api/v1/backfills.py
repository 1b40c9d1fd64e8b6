"""Backfills: planned, written down, started; paused, resumed and cancelled."""

from typing import Annotated, Literal

from fastapi import Path, Query
from pydantic import Field, Strict
from starlette.requests import Request
from starlette.responses import Response

from headrace.api import gate
from headrace.api.v1 import answers, definitions, given, here
from headrace.api.v1.here import Home
from headrace.app import App
from headrace.model.access import Role
from headrace.model.trigger import Backfill, TriggerSettings, Which
from headrace.operations import backfills, documents, projects
from headrace.operations.backfills import Asked

router = here.routes("backfills")

SHOWN = answers.tells("ShownBackfill")

BackfillId = Annotated[int, Path(ge=1, le=given.GREATEST, description="The backfill's number.")]
Pipeline = Annotated[given.Name | None, Query(description="Of pipelines of this name.")]
Interval = Literal["second", "minute", "hour", "day", "week", "month", "year", "custom"]


class NewBackfill(given.Body):
    """Which runs there are to be."""

    project: given.Name | None = Field(None, description="The project's name; may be left out when there is one.")
    pipeline: given.Name = Field(examples=["mill_stream"])
    name: given.Name | None = Field(None, description="Its dates, unless it is given.")
    start_time: given.Moment = Field(description="The first date.")
    end_time: given.Moment = Field(description="No date is later.")
    interval_type: Interval = Field("day", description="`custom` is seconds.")
    interval_units: definitions.Count = Field(1, description="How many of them lie from a date to the next.")
    which: Annotated[Which, Strict(False)] = Field(Which.MISSING, description="Which of the dates get a run.")
    variables: definitions.Variables = Field({})
    settings: definitions.Settings = Field(definitions.Settings())

    @property
    def asked(self) -> Asked:
        return Asked(
            name=self.name or f"{self.start_time:%Y-%m-%d} to {self.end_time:%Y-%m-%d}",
            start=self.start_time,
            end=self.end_time,
            interval_type=self.interval_type,
            interval_units=self.interval_units,
            which=self.which,
            variables=self.variables,
            settings=self.settings.over(TriggerSettings()),
        )


class Start(given.Body):
    plan: given.Text | None = Field(None, max_length=64, description="Only if its plan is still the one of this hash.")


@router.post("/backfills/plan", summary="What a backfill would make", responses=answers.tells("Plan"))
@gate.needs(Role.EDITOR)
def plan(home: Home, new: NewBackfill) -> Response:
    """Nothing is written."""
    folder = projects.named(home, new.project).path
    return answers.written(documents.plan(backfills.foresee(home, folder, new.pipeline, new.asked)))


@router.post(
    "/backfills", status_code=201, summary="Write down a backfill", responses=answers.tells("MadeBackfill", 201)
)
@gate.needs(Role.EDITOR)
def create(home: Home, new: NewBackfill) -> Response:
    """Nothing is started. The answer tells what it would make, and the hash of that plan: start it by that."""
    made = backfills.create(home, projects.named(home, new.project).path, new.pipeline, new.asked)
    told = {"id": made.id, "name": made.name, **documents.plan(backfills.plan(home, made))}
    return answers.written(told, 201, {"Location": f"/v1/backfills/{made.id}"})


@router.get("/backfills", summary="Backfills", responses=answers.tells("Backfills"))
def list_all(
    home: Home, request: Request, pipeline: Pipeline = None, limit: given.Limit = 20, cursor: given.Cursor = None
) -> Response:
    """The newest first, with how many of their runs have each status."""
    found = backfills.latest(home, limit, before=given.beyond(cursor), pipeline=pipeline)
    rows = [documents.backfill(each.backfill, each.project, each.pipeline, each.counts) for each in found]
    return answers.page(request, "backfills", rows, answers.following([row["id"] for row in rows], limit))


@router.get("/backfills/{backfill_id:number}", summary="A backfill, and which dates it misses", responses=SHOWN)
def show(home: Home, backfill_id: BackfillId) -> Response:
    return _shown(home, backfills.get(home, backfill_id))


@router.get("/backfills/{backfill_id:number}/plan", summary="Its plan, as of now", responses=answers.tells("Plan"))
def replan(home: Home, backfill_id: BackfillId) -> Response:
    """What starting it now would make."""
    return answers.written(documents.plan(backfills.plan(home, backfills.get(home, backfill_id))))


@router.post("/backfills/{backfill_id:number}/start", summary="Make the runs of a backfill", responses=SHOWN)
@gate.needs(Role.EDITOR)
def start(home: Home, backfill_id: BackfillId, asked: Start | None = None) -> Response:
    """With the hash of a plan just that one, or nothing: 409 where it would make other runs by now."""
    planned = asked.plan if asked else None
    return _shown(home, backfills.start(home, backfills.get(home, backfill_id), planned=planned))


@router.post("/backfills/{backfill_id:number}/pause", summary="Have nothing more of it begin", responses=SHOWN)
@gate.needs(Role.EDITOR)
def pause(home: Home, backfill_id: BackfillId) -> Response:
    """What has begun goes on."""
    return _shown(home, backfills.pause(home, backfills.get(home, backfill_id)))


@router.post("/backfills/{backfill_id:number}/resume", summary="Have a backfill go on", responses=SHOWN)
@gate.needs(Role.EDITOR)
def resume(home: Home, backfill_id: BackfillId) -> Response:
    return _shown(home, backfills.resume(home, backfills.get(home, backfill_id)))


@router.post("/backfills/{backfill_id:number}/cancel", summary="End a backfill", responses=SHOWN)
@gate.needs(Role.EDITOR)
def cancel(home: Home, backfill_id: BackfillId) -> Response:
    """It makes no more runs, and those that are not final are stopped."""
    return _shown(home, backfills.cancel(home, backfills.get(home, backfill_id)))


def _shown(home: App, backfill: Backfill) -> Response:
    return answers.written(documents.shown_backfill(backfills.show(home, backfill)))
