"""The TrueState dialect, mounted at /pipelines, /workflows and /datasets: pipelines of SQL steps, and runs told as Argo Workflows.

What is covered, and where it differs, is in docs/dialects.md.
"""

from fastapi import FastAPI
from starlette.routing import Route

from headrace.api import applications
from headrace.api.feed import Feed
from headrace.api.gate import Gate
from headrace.api.truestate import datasets, entrance, errors, pipelines, runs
from headrace.api.truestate.paths import Paths
from headrace.app import App

DESCRIPTION = """\
Pipelines of SQL steps over named datasets, each run told as an Argo Workflow. Show a token as
`Authorization: Bearer TOKEN`, or in the header `Api-key`. Every path may end with a slash or without."""
DESCRIBED = "/pipelines/openapi.json"


def build(app: App, feed: Feed, gate: Gate) -> FastAPI:
    """The application, to be asked for what is below its prefixes."""
    application = applications.application(
        app,
        feed,
        gate,
        [runs.router, pipelines.router, datasets.router],
        via="truestate",
        shown=entrance.shown,
        title="headrace as TrueState",
        summary="TrueState's runs API.",
        description=DESCRIPTION,
        responses=errors.DECLARED,
    )
    application.router.routes.insert(0, Route(f"{DESCRIBED}/", applications.describe, include_in_schema=False))
    application.add_middleware(Paths)
    errors.tell(application)
    return application
