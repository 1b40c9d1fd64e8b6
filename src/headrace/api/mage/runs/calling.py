"""Triggers are called: whoever shows a trigger's own token, and nobody else, has it begin a run.

The body is JSON whatever its content type says: `curl --data` says that it is a form's.
"""

from starlette.responses import Response

from headrace import errors
from headrace.api.mage import envelopes
from headrace.api.mage.asked import Asked
from headrace.api.mage.queries import GREATEST
from headrace.api.mage.resources import Resource
from headrace.api.mage.runs import shapes
from headrace.api.mage.runs.routes import told
from headrace.operations import triggers

calls = Resource("pipeline_run", "pipeline_runs")


@calls.create(
    "/pipeline_schedules/{trigger_id}/pipeline_runs/{token}", role=None, whole_body=True, shape=shapes.PipelineRun
)
def call(asked: Asked) -> Response:
    """Begin a run of an API trigger, with its token in the path."""
    return _called(asked, asked.path("token"))


@calls.create("/pipeline_schedules/{trigger_id}/api_trigger", role=None, whole_body=True, shape=shapes.PipelineRun)
def call_with_header(asked: Asked) -> Response:
    """Begin a run of an API trigger, with its token in the header `Authorization: Bearer TOKEN`."""
    scheme, _, said = asked.request.headers.get("authorization", "").partition(" ")
    return _called(asked, said.strip() if scheme.lower() == "bearer" else "")


def _called(asked: Asked, token: str) -> Response:
    said = asked.path("trigger_id")
    asked.request.state.url_parameters = {"pipeline_schedule_id": said, "token": "***"}  # it is not repeated
    if not (said.isascii() and said.isdigit() and len(said) <= 19 and int(said) <= GREATEST):
        raise errors.BadToken(trigger=f"{said:.20}")
    key = asked.request.headers.get("idempotency-key")
    created = triggers.call(asked.home, int(said), token, asked.payload, key)
    return envelopes.written({"pipeline_run": told(asked, created, shapes.called)})
