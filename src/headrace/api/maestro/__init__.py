"""The Maestro dialect, mounted at /platform: pipelines of jobs that move a table each, and their runs.

What is covered, and where it differs, is in docs/dialects.md.
"""

from fastapi import FastAPI

from headrace.api import applications
from headrace.api.feed import Feed
from headrace.api.gate import Gate
from headrace.api.maestro import entrance, errors, jobs, pipelines, runs
from headrace.api.maestro.paths import Paths
from headrace.app import App

DESCRIPTION = """\
Pipelines of jobs, each of which moves a table, and their runs. Show a token in the header `Authorization`, as it is or
as `Bearer TOKEN`. Ids are taken with hyphens or underscores, and given with underscores."""


def build(app: App, feed: Feed, gate: Gate) -> FastAPI:
    """The application, to be mounted."""
    application = applications.application(
        app,
        feed,
        gate,
        [runs.router, pipelines.deeds, pipelines.router, jobs.router],
        via="maestro",
        shown=entrance.shown,
        title="headrace as Maestro",
        summary="Maestro's pipeline API.",
        description=DESCRIPTION,
        servers=[{"url": "/platform"}],
    )
    application.add_route("/openapi.json", applications.describe, include_in_schema=False)
    application.add_middleware(Paths)
    errors.tell(application)
    return application
