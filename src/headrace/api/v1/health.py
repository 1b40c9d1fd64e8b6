"""Whether the server lives, and whether it is ready; and the description of this API."""

from starlette.requests import Request
from starlette.responses import Response

from headrace import errors, version
from headrace.api import gate
from headrace.api.v1 import answers, description, here
from headrace.api.v1.here import Home

router = here.routes("server")


@router.get("/health", summary="Whether the server lives", responses=answers.tells("Stands"))
@gate.open_to_all
async def health() -> Response:
    """Answers as long as the server does anything at all. Nobody has to say who he is."""
    return answers.written({"status": "ok"})


@router.get(
    "/ready",
    summary="Whether the server is ready",
    responses=answers.tells("Stands") | answers.tells("Stands", 503),
)
@gate.open_to_all
def ready(home: Home) -> Response:
    """200 when the database answers and the engine takes runs; 503 otherwise, as while it drains. Open to all."""
    try:
        home.store.happenings.last()
    except errors.StoreUnavailable:
        return answers.written({"status": "no database"}, 503)
    if home.engine.ending:
        return answers.written({"status": "draining"}, 503)
    return answers.written({"status": "ready"})


@router.get(
    "/version",
    name="version",
    summary="Which headrace this is",
    responses=answers.tells("ServerVersion"),
)
async def told_version() -> Response:
    return answers.written({"version": version.__version__})


@router.get("/openapi.json", include_in_schema=False)
@gate.open_to_all
async def openapi(request: Request) -> Response:
    return answers.written(description.of(request.app))
