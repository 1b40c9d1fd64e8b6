"""Who may call what in the TrueState dialect: the least role for each route."""

from headrace.model.access import Role

VIEWER, EDITOR, ADMIN, OWNER = Role

LEAST: dict[str, Role | None] = {
    "GET /pipelines/{pipeline_id}/runs/": VIEWER,
    "POST /pipelines/{pipeline_id}/runs/": EDITOR,
    "GET /pipelines/{pipeline_id}/runs/{run_id}/": VIEWER,
    "POST /pipelines/{pipeline_id}/runs/{run_id}/stop/": EDITOR,
    "GET /pipelines/{pipeline_id}/runs/{run_id}/logs/": VIEWER,
    "GET /pipelines/": VIEWER,
    "POST /pipelines/": EDITOR,
    "GET /pipelines/{pipeline_id}/": VIEWER,
    "PATCH /pipelines/{pipeline_id}/": EDITOR,
    "DELETE /pipelines/{pipeline_id}/": EDITOR,
    "GET /pipelines/{pipeline_id}/versions/": VIEWER,
    "POST /pipelines/{pipeline_id}/versions/": EDITOR,
    "GET /datasets/": VIEWER,
    "PUT /datasets/upsert/": EDITOR,
    "GET /datasets/{dataset_id}/": VIEWER,
}
