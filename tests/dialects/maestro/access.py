"""Who may call what in the Maestro dialect: the least role for each route."""

from headrace.model.access import Role

VIEWER, EDITOR, ADMIN, OWNER = Role

LEAST: dict[str, Role | None] = {
    "GET /pipeline/pipeline_run/{run_id}/logs": VIEWER,
    "GET /pipeline/{pipeline_id}/pipeline_run": VIEWER,
    "GET /pipeline/{pipeline_id}/runs": VIEWER,
    "GET /pipeline/{pipeline_id}/pipeline_run/{run_id}": VIEWER,
    "POST /pipeline/execute": EDITOR,
    "POST /pipeline/pause": EDITOR,
    "POST /pipeline/unpause": EDITOR,
    "POST /pipeline": EDITOR,
    "GET /pipelines": VIEWER,
    "GET /pipeline/{pipeline_id}": VIEWER,
    "PATCH /pipeline/{pipeline_id}": EDITOR,
    "DELETE /pipeline/{pipeline_id}": EDITOR,
    "PUT /pipeline/{pipeline_id}/memory": EDITOR,
    "GET /jobs/jdbc/{job_id}": VIEWER,
    "PATCH /jobs/{job_id}/input": EDITOR,
    "PUT /jobs/jdbc/{job_id}/sync-mode": EDITOR,
    "POST /jobs/jdbc/{job_id}/sync-mode": EDITOR,
    "POST /jobs/{job_id}/reset-state": EDITOR,
    "PUT /jobs/{job_id}/memory": EDITOR,
}
