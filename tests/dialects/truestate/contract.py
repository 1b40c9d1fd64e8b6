"""What the contract says of each document: its fields, all of them, and of which kind each is."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

PHASES = {"Pending", "Running", "Succeeded", "Skipped", "Failed", "Error", "Omitted"}
VERSION = frozenset({"id", "pipeline_id", "created_at", "steps"})
WORKFLOW_VERSION = VERSION | {"workflow_id", "config"}
PIPELINE = frozenset(
    {"id", "name", "description", "created_at"}
    | {"current_config_version_id", "current_config_version", "config_versions"}
)
WORKFLOW = PIPELINE | {"organisation_id", "workflow_config_versions"}


def run(told: Mapping[str, Any]) -> None:
    fields = "id pipeline_config_version_id name status argo_manifest argo_metadata pipeline_version created_at"
    assert set(told) == {*fields.split(), "finished_at", "run_steps"}
    _uuids(told, "id", "pipeline_config_version_id")
    assert told["status"] in PHASES
    _moments(told["created_at"], told["finished_at"])
    version(told["pipeline_version"])
    assert told["pipeline_version"]["id"] == told["pipeline_config_version_id"]
    manifest, metadata = told["argo_manifest"], told["argo_metadata"]
    assert told["name"] == manifest["metadata"]["name"] == metadata["name"]
    assert set(metadata) >= {"name", "uid", "phase", "startedAt", "finishedAt", "nodes", "executor"}
    for each in told["run_steps"]:
        assert set(each) == {"name", "run_name", "status", "started_at", "finished_at"}
        assert each["status"] in PHASES
        _moments(each["started_at"], each["finished_at"])
        assert each["run_name"] in {node["name"] for node in metadata["nodes"].values()}


def version(told: Mapping[str, Any], fields: frozenset[str] = VERSION) -> None:
    assert set(told) == fields
    _uuids(told, "id", "pipeline_id")
    _moments(told["created_at"])
    for each in told["steps"]:
        assert set(each) == {"id", "name", "config", "created_at"}
        _uuids(each, "id")
        _moments(each["created_at"])
        assert each["config"]["job_type"]


def pipeline(told: Mapping[str, Any], fields: frozenset[str] = PIPELINE) -> None:
    assert set(told) == fields
    _uuids(told, "id", "current_config_version_id")
    version(told["current_config_version"], VERSION if fields == PIPELINE else WORKFLOW_VERSION)
    assert told["current_config_version_id"] in [each["id"] for each in told["config_versions"]]
    assert told["current_config_version"]["id"] == told["current_config_version_id"]


def _uuids(told: Mapping[str, Any], *fields: str) -> None:
    assert all(str(UUID(told[each])) == told[each] for each in fields)


def _moments(*texts: str | None) -> None:
    for each in texts:
        assert each is None or (each.endswith("Z") and datetime.fromisoformat(each).tzinfo)
