"""Pipelines under their earlier name: clients that say `workflow` look for fields of that name, which are told besides the others."""

from typing import Any
from uuid import UUID

from starlette.requests import Request

from headrace.api.truestate import paths
from headrace.api.truestate.shapes import Pipeline, PipelineVersion

ORGANISATION = "current-org-id"  # the header in which clients say whose workflows they ask for


class WorkflowVersion(PipelineVersion):
    workflow_id: UUID
    config: dict[str, Any]


class Workflow(Pipeline):
    organisation_id: str
    workflow_config_versions: list[WorkflowVersion]


def pipeline(request: Request, told: Pipeline) -> Pipeline | Workflow:
    """As whoever asks knows it."""
    if not paths.is_earlier(request):
        return told
    return {
        **told,
        "organisation_id": request.headers.get(ORGANISATION, ""),
        "current_config_version": _version(told["current_config_version"]),
        "workflow_config_versions": [_version(each) for each in told["config_versions"]],
    }


def version(request: Request, told: PipelineVersion) -> PipelineVersion | WorkflowVersion:
    """As whoever asks knows it."""
    return _version(told) if paths.is_earlier(request) else told


def _version(told: PipelineVersion) -> WorkflowVersion:
    jobs = [{"name": each["name"], "config": each["config"]} for each in told["steps"]]
    return {**told, "workflow_id": told["pipeline_id"], "config": {"jobs": jobs}}
