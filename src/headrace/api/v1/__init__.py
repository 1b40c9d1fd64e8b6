"""headrace's own API, mounted at /v1: JSON of what operations tell, problem documents, cursors, server-sent events."""

from fastapi import FastAPI

from headrace.api import applications
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
    application = applications.application(
        app,
        feed,
        gate,
        [noun.router for noun in NOUNS],
        via="v1",
        named=description.name,
        title="headrace",
        summary="Runs data pipelines.",
        description=DESCRIPTION,
        servers=[{"url": "/v1"}],
        responses=problems.DECLARED,
    )
    problems.tell(application)
    return application
