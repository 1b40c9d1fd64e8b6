"""Runs: begun, looked at, cancelled, run again."""

from typing import Any

from anyio import to_thread
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from headrace import errors
from headrace.api import gate
from headrace.api.v1 import answers, given, here, waiting
from headrace.api.v1.here import Changes, Home
from headrace.model.access import Role
from headrace.model.run import Run, RunSettings
from headrace.operations import cancelling, documents, projects, retrying, runs, starting, why
from headrace.operations.asking import Again, Asked
from headrace.store.creating import Created
from headrace.store.projects import ProjectRow

router = here.routes("runs")

SHOWN = answers.tells("ShownRun") | answers.nothing(304, "It is as the `If-None-Match` of the caller has it.")
BEGUN = answers.tells("Run", 201) | answers.tells("Run", said="It was begun before, with this key.")
ASKED = answers.tells("Run", 202)


class NewRun(given.Body):
    """A run that is to begin: of the whole pipeline, from a block on, or of some blocks only."""

    project: given.Name | None = Field(None, description="The project's name; may be left out when there is one.")
    pipeline: given.Name = Field(description="The pipeline's name.", examples=["mill_stream"])
    variables: dict[str, Any] = Field({}, description="The run's own variables.", examples=[{"day": "2026-01-31"}])
    start: str | None = Field(None, alias="from", description="Run this block and all below it, on earlier outputs.")
    only: list[str] = Field([], description="Run only these blocks, on earlier outputs.", max_length=10_000)
    timeout: float | None = Field(None, gt=0, le=1e9, description="Seconds after which the run fails.")


class Retry(given.Body):
    """What of a final run is to run again; what had not completed, unless something else is said."""

    start: str | None = Field(None, alias="from", description="This block and all below it too.")
    whole: bool = Field(False, description="All of it.")
    latest: bool = Field(False, description="With the code as it is in the project's folder now.")


@router.post("/runs", status_code=201, summary="Begin a run", responses=BEGUN)
@gate.needs(Role.EDITOR)
async def create(home: Home, feed: Changes, request: Request, new: NewRun, key: given.Key = None) -> Response:
    """Answers with the run as soon as it is kept; with `Prefer: wait=N` once it has ended, or N seconds later."""
    if new.start and new.only:
        raise errors.BadField(field="only", given=new.only, expected="nothing, where `from` is given")
    created, project = await to_thread.run_sync(_start, home, new, key)
    run = await waiting.for_end(home, feed, created.run, waiting.asked(request))
    return _told(run, project, new.pipeline, 201 if created.made else 200)


@router.get("/runs/{run_id:run}", summary="A run with its block runs, attempts and events", responses=SHOWN)
async def show(home: Home, feed: Changes, request: Request, run_id: given.RunId) -> Response:
    """With `Prefer: wait=N` the answer comes once the run has ended, or N seconds later."""
    if seconds := waiting.asked(request):
        run = await to_thread.run_sync(runs.get, home, run_id)
        await waiting.for_end(home, feed, run, seconds)
    return answers.marked(await to_thread.run_sync(_shown, home, run_id), request)


@router.get(
    "/runs/{run_id:run}/why",
    summary="Why a run and its blocks wait, or ended as they did",
    responses=answers.tells("Reasons"),
)
def explain(home: Home, run_id: given.RunId) -> Response:
    return answers.written({"reasons": why.explain(home, runs.show(home, run_id))})


@router.post("/runs/{run_id:run}/cancel", status_code=202, summary="Ask for a run to be cancelled", responses=ASKED)
@gate.needs(Role.EDITOR)
async def cancel(home: Home, feed: Changes, request: Request, run_id: given.RunId) -> Response:
    """The engine that moves it stops its blocks, and ends it when they are gone. 409 for a run that is final."""
    since = await to_thread.run_sync(cancelling.ask, home, run_id)
    run = await to_thread.run_sync(runs.get, home, run_id)
    if since is None:
        raise errors.RunFinal(run=run_id, status=run.status.value)
    return await told(home, await waiting.for_end(home, feed, run, waiting.asked(request)), 202)


@router.get("/runs/{run_id:run}/events", summary="What has happened in a run", responses=answers.tells("Events"))
def events(
    home: Home, request: Request, run_id: given.RunId, limit: given.Limit = 100, cursor: given.Cursor = None
) -> Response:
    """In the order it was recorded."""
    found = runs.events(home, run_id, limit, given.beyond(cursor) or 0)
    following = answers.following([each.id for each in found], limit)
    return answers.page(request, "events", [documents.event(each) for each in found], following)


@router.get(
    "/runs/{run_id:run}/blocks/{block:path}",
    summary="A block run with its attempts",
    responses=answers.tells("BlockRun"),
)
def show_block(home: Home, run_id: given.RunId, block: str) -> Response:
    shown = runs.show(home, run_id)
    return answers.written(documents.shown_block_run(shown, runs.row(shown, block)))


@router.post(
    "/runs/{run_id:run}/retry",
    status_code=202,
    summary="Run again what of a run did not complete, or more",
    responses=answers.tells("RetriedRun", 202),
)
@gate.needs(Role.EDITOR)
async def retry(
    home: Home, feed: Changes, request: Request, run_id: given.RunId, asked: Retry | None = None
) -> Response:
    """In the same run: what has completed is used again, and earlier attempts stay."""
    wanted = asked or Retry.model_validate({})
    if wanted.start and wanted.whole:
        raise errors.BadField(field="whole", given=True, expected="false, where `from` is given")
    again = Again(run_id, wanted.start, wanted.whole, wanted.latest)
    planned = await to_thread.run_sync(retrying.plan, home, again)
    feed.reopened(run_id)
    await to_thread.run_sync(retrying.ask, home, planned)
    run = await waiting.for_reopened(home, feed, planned.run, waiting.asked(request))
    return await told(home, run, 202, retry=documents.retry(planned))


async def told(home: Home, run: Run, status: int, **more: Any) -> Response:
    """The run, without its blocks, and where it is to be found."""
    project, pipeline = await to_thread.run_sync(home.store.projects.names, run.pipeline_id)
    return _told(run, project, pipeline, status, **more)


def _told(run: Run, project: ProjectRow, pipeline: str, status: int, **more: Any) -> Response:
    document = documents.run(run, project.name, pipeline, abandoned=False)
    return answers.written({**document, **more}, status, {"Location": f"/v1/runs/{run.id}"})


def _start(home: Home, new: NewRun, key: str | None) -> tuple[Created, ProjectRow]:
    """The run, and the project it is of."""
    project, settings = projects.named(home, new.project), RunSettings(timeout=new.timeout)
    asked = Asked(project.path, new.pipeline, new.variables, new.start, new.only, settings, key)
    return starting.start(home, asked), project


def _shown(home: Home, run_id: int) -> dict[str, Any]:
    return documents.shown(runs.show(home, run_id))
