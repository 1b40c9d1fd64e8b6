"""The Mage dialect, mounted at /api: who calls Mage's REST API calls this one with the same code.

The first project is at /api, each at /projects/NAME/api. What is covered, and where it differs, is in docs/dialects.md.
"""

from fastapi import FastAPI
from fastapi.utils import generate_unique_id
from starlette.requests import Request
from starlette.responses import Response

from headrace.api import applications
from headrace.api.feed import Feed
from headrace.api.gate import Gate
from headrace.api.mage import entrance, envelopes, errors, runs
from headrace.api.mage.backfills import routes as backfills
from headrace.api.mage.blocks import routes as blocks
from headrace.api.mage.events import routes as events
from headrace.api.mage.logs import routes as logs
from headrace.api.mage.origins import Origins
from headrace.api.mage.pipelines import routes as pipelines
from headrace.api.mage.projects import routes as projects
from headrace.api.mage.resources import Resource
from headrace.api.mage.search import routes as search
from headrace.api.mage.secrets import routes as secrets
from headrace.api.mage.sessions import routes as sessions
from headrace.api.mage.statistics import routes as statistics
from headrace.api.mage.tags import routes as tags
from headrace.api.mage.triggers import routes as triggers
from headrace.api.mage.users import roles
from headrace.api.mage.users import routes as users
from headrace.api.mage.variables import routes as variables
from headrace.app import App

DESCRIPTION = """\
What Mage's REST API is for its clients, served by headrace. Show a token in the header `OAUTH-TOKEN`, or as
`Authorization: Bearer TOKEN`; with it no `api_key` is needed. Errors have the status 200, unless `_http_error_codes=1`
asks for the true one."""

# In this order they are asked whether a request is theirs.
RESOURCES: tuple[Resource, ...] = (
    *runs.RESOURCES,
    *triggers.RESOURCES,
    *backfills.RESOURCES,
    *events.RESOURCES,
    *blocks.RESOURCES,
    *pipelines.RESOURCES,
    *logs.RESOURCES,
    *secrets.RESOURCES,
    *tags.RESOURCES,
    *statistics.RESOURCES,
    *search.RESOURCES,
    *sessions.RESOURCES,
    *users.RESOURCES,
    *roles.RESOURCES,
    *variables.RESOURCES,
    *projects.RESOURCES,
)


def build(app: App, feed: Feed, gate: Gate) -> FastAPI:
    """The application, to be mounted."""
    application = applications.application(
        app,
        feed,
        gate,
        [resource.router for resource in RESOURCES],
        via="mage",
        shown=entrance.shown,
        named=generate_unique_id,
        title="headrace as Mage",
        summary="Mage's REST API.",
        description=DESCRIPTION,
        servers=[{"url": "/api"}],
    )
    application.add_route("/openapi.json", _describe, include_in_schema=False)
    application.add_middleware(Origins)
    errors.tell(application)
    return application


async def _describe(request: Request) -> Response:
    return envelopes.written(applications.described(request.app))
