"""The project, its scheduler and what a pipeline asks people for, as Mage shows them.

What is set of a project there and has no like here is empty.
"""

from typing import Any

from typing_extensions import TypedDict

from headrace import version
from headrace.store.projects import ProjectRow


class Project(TypedDict):
    emr_config: dict[str, Any] | None
    features: dict[str, bool]
    features_defined: dict[str, bool]
    features_override: dict[str, bool] | None
    help_improve_mage: bool
    latest_version: str
    name: str
    openai_api_key: str | None
    pipelines: dict[str, Any] | None
    platform_settings: dict[str, Any] | None
    project_uuid: str
    projects: dict[str, Any] | None
    remote_variables_dir: str | None
    repo_path: str
    root_project: bool
    settings: dict[str, Any] | None
    spark_config: dict[str, Any] | None
    version: str
    workspace_config_defaults: dict[str, Any] | None


class Scheduler(TypedDict):
    status: str


class PipelineInteraction(TypedDict):
    blocks: dict[str, Any]
    layout: list[Any]
    permissions: list[Any]


NO_INTERACTIONS: PipelineInteraction = {"blocks": {}, "layout": [], "permissions": []}


def project(found: ProjectRow) -> Project:
    return {
        "emr_config": None,
        "features": {},
        "features_defined": {},
        "features_override": None,
        "help_improve_mage": False,
        "latest_version": version.__version__,
        "name": found.name,
        "openai_api_key": None,
        "pipelines": None,
        "platform_settings": None,
        "project_uuid": found.uid.replace("-", ""),
        "projects": None,
        "remote_variables_dir": None,
        "repo_path": str(found.path),
        "root_project": False,
        "settings": None,
        "spark_config": None,
        "version": version.__version__,
        "workspace_config_defaults": None,
    }


def scheduler(*, runs: bool) -> Scheduler:
    return {"status": "running" if runs else "stopped"}
