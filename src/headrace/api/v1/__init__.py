"""headrace's own API, mounted at /v1: JSON of what operations tell, problem documents, cursors, server-sent events."""

from fastapi import FastAPI

from headrace import version
from headrace.api.feed import Feed
from headrace.api.gate import Gate
from headrace.api.v1 import (
    audit,
    backfills,
    cleaning,
    datasets,
    description,
    engines,
    events,
    health,
    lineage,
    lists,
    logs,
    outputs,
    pipelines,
    problems,
    projects,
    runs,
    secrets,
    sessions,
    streams,
    tokens,
    triggers,
    users,
)
from headrace.app import App

DESCRIPTION = """\
Pipelines, their runs, and what makes these begin. Show a token with each request: `Authorization: Bearer TOKEN`
(`headrace token create` makes one). Errors are problem documents (RFC 9457). Moments are in ISO 8601 and UTC."""

# In this order they are asked whether a request is theirs: what is below a run's block comes before the block itself.
NOUNS = (
    health,
    projects,
    pipelines,
    lineage,
    lists,
    logs,
    outputs,
    streams,
    runs,
    triggers,
    backfills,
    events,
    datasets,
    engines,
    secrets,
    tokens,
    users,
    sessions,
    audit,
    cleaning,
)


def build(app: App, feed: Feed, gate: Gate) -> FastAPI:
    """The application, to be mounted."""
    application = FastAPI(
        title="headrace",
        version=version.__version__,
        summary="Runs data pipelines.",
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        responses=problems.DECLARED,
        generate_unique_id_function=description.name,
    )
    application.state.home, application.state.feed, application.state.gate = app, feed, gate
    application.state.described = [route for noun in NOUNS for route in noun.router.routes]
    for noun in NOUNS:
        application.include_router(noun.router)
    problems.tell(application)
    return application
