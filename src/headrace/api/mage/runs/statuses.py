"""The status of the server, told to whoever asks."""

import os

from typing_extensions import TypedDict

from headrace import clock
from headrace.api.mage import dates
from headrace.api.mage.asked import Asked
from headrace.api.mage.envelopes import Many
from headrace.api.mage.resources import Resource
from headrace.model.query import Query
from headrace.model.run import RunStatus
from headrace.operations import engines, listing

statuses = Resource("status", "statuses")
MOST_LINES = 1000  # of what a block prints, as Mage's pages show them
DETAILED = "with_activity_details"


class Status(TypedDict):
    is_instance_manager: bool
    max_print_output_lines: int
    repo_path: str
    repo_path_relative: str
    repo_path_relative_root: str
    repo_path_root: str
    server_process_id: int
    scheduler_process_id: int
    scheduler_status: str
    instance_type: str | None
    disable_pipeline_edit_access: bool
    require_user_authentication: bool
    require_user_permissions: bool
    project_type: str
    project_uuid: str


class DetailedStatus(Status):
    active_pipeline_run_count: int
    last_scheduler_activity: str | None
    last_user_request: str | None


@statuses.list("/statuses", role=None, shape=Status)
def list_all(asked: Asked) -> Many:
    """How the server stands."""
    return Many([detailed(asked) if asked.query.form == DETAILED else status(asked)], {})


@statuses.list("/status", role=None, shape=Status)
def show(asked: Asked) -> Many:
    """How the server stands, under its other name."""
    return list_all(asked)


def status(asked: Asked) -> Status:
    project, process = asked.project, os.getpid()
    return {
        "is_instance_manager": False,
        "max_print_output_lines": MOST_LINES,
        "repo_path": str(project.path),
        "repo_path_relative": project.path.name,
        "repo_path_relative_root": project.path.name,
        "repo_path_root": str(project.path),
        "server_process_id": process,
        "scheduler_process_id": process,
        "scheduler_status": "running" if engines.living(asked.home) else "stopped",
        "instance_type": None,
        "disable_pipeline_edit_access": False,
        "require_user_authentication": True,
        "require_user_permissions": False,
        "project_type": "standalone",
        "project_uuid": project.uid.replace("-", ""),
    }


def detailed(asked: Asked) -> DetailedStatus:
    """`last_scheduler_activity` is null, as in Mage without its own record of it; this request is a user's last."""
    counts = listing.counts(asked.home, Query(project=asked.project.name))
    active = counts[RunStatus.INITIAL] + counts[RunStatus.RUNNING]
    return {
        **status(asked),
        "active_pipeline_run_count": active,
        "last_scheduler_activity": None,
        "last_user_request": dates.spaced(clock.now()),
    }
