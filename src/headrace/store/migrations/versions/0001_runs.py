"""What is remembered of projects, pipelines, runs, attempts, outputs and events."""

import sqlalchemy as sa
from alembic import op

from headrace.store.columns import ID, Document, Moment

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "projects",
        sa.Column("id", ID, nullable=False),
        sa.Column("uid", sa.String(length=36), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_projects"),
        sa.UniqueConstraint("name", name="uq_projects_name"),
        sa.UniqueConstraint("uid", name="uq_projects_uid"),
    )
    op.create_table(
        "pipelines",
        sa.Column("id", ID, nullable=False),
        sa.Column("uid", sa.String(length=36), nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_pipelines_project_id"),
        sa.PrimaryKeyConstraint("id", name="pk_pipelines"),
        sa.UniqueConstraint("project_id", "name", name="uq_pipelines_project_id_name"),
        sa.UniqueConstraint("uid", name="uq_pipelines_uid"),
    )
    op.create_table(
        "snapshots",
        sa.Column("id", ID, nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("files", sa.Integer(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_snapshots_project_id"),
        sa.PrimaryKeyConstraint("id", name="pk_snapshots"),
        sa.UniqueConstraint("project_id", "hash", name="uq_snapshots_project_id_hash"),
    )
    op.create_table(
        "versions",
        sa.Column("id", ID, nullable=False),
        sa.Column("uid", sa.String(length=36), nullable=False),
        sa.Column("pipeline_id", ID, nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("content", Document(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["pipeline_id"], ["pipelines.id"], name="fk_versions_pipeline_id"),
        sa.PrimaryKeyConstraint("id", name="pk_versions"),
        sa.UniqueConstraint("pipeline_id", "hash", name="uq_versions_pipeline_id_hash"),
        sa.UniqueConstraint("uid", name="uq_versions_uid"),
    )
    op.create_table(
        "runs",
        sa.Column("id", ID, nullable=False),
        sa.Column("uid", sa.String(length=36), nullable=False),
        sa.Column("pipeline_id", ID, nullable=False),
        sa.Column("version_id", ID, nullable=False),
        sa.Column("snapshot_id", ID, nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.Column("variables", Document(), nullable=False),
        sa.Column("selection", Document(), nullable=False),
        sa.Column("execution_date", Moment(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("started_at", Moment(), nullable=True),
        sa.Column("cancel_requested_at", Moment(), nullable=True),
        sa.Column("owner", sa.String(length=64), nullable=True),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "(ended_at IS NOT NULL) = (status IN ('cancelled', 'completed', 'failed'))", name=op.f("ck_runs_ended")
        ),
        sa.CheckConstraint("status <> 'running' OR owner IS NOT NULL", name=op.f("ck_runs_owned")),
        sa.CheckConstraint(
            "status IN ('cancelled', 'completed', 'failed', 'initial', 'running')", name=op.f("ck_runs_status")
        ),
        sa.ForeignKeyConstraint(["pipeline_id"], ["pipelines.id"], name="fk_runs_pipeline_id"),
        sa.ForeignKeyConstraint(["snapshot_id"], ["snapshots.id"], name="fk_runs_snapshot_id"),
        sa.ForeignKeyConstraint(["version_id"], ["versions.id"], name="fk_runs_version_id"),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
        sa.UniqueConstraint("uid", name="uq_runs_uid"),
    )
    op.create_index("ix_runs_pipeline_id_id", "runs", ["pipeline_id", "id"], unique=False)
    op.create_index("ix_runs_status_id", "runs", ["status", "id"], unique=False)
    op.create_table(
        "block_runs",
        sa.Column("id", ID, nullable=False),
        sa.Column("uid", sa.String(length=36), nullable=False),
        sa.Column("run_id", ID, nullable=False),
        sa.Column("block", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("retry_at", Moment(), nullable=True),
        sa.Column("started_at", Moment(), nullable=True),
        sa.Column("reused_from", ID, nullable=True),
        sa.CheckConstraint(
            "(ended_at IS NOT NULL) = (status IN ('cancelled', 'completed', 'condition_failed', 'failed', 'upstream_failed'))",
            name=op.f("ck_block_runs_ended"),
        ),
        sa.CheckConstraint("retry_at IS NULL OR status = 'queued'", name=op.f("ck_block_runs_retried")),
        sa.CheckConstraint("status <> 'running' OR attempt > 0", name=op.f("ck_block_runs_numbered")),
        sa.CheckConstraint(
            "status IN ('cancelled', 'completed', 'condition_failed', 'failed', 'initial', 'queued', 'running', 'upstream_failed')",
            name=op.f("ck_block_runs_status"),
        ),
        sa.ForeignKeyConstraint(["reused_from"], ["block_runs.id"], name="fk_block_runs_reused_from"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_block_runs_run_id"),
        sa.PrimaryKeyConstraint("id", name="pk_block_runs"),
        sa.UniqueConstraint("run_id", "block", name="uq_block_runs_run_id_block"),
        sa.UniqueConstraint("uid", name="uq_block_runs_uid"),
    )
    op.create_table(
        "events",
        sa.Column("id", ID, nullable=False),
        sa.Column("run_id", ID, nullable=False),
        sa.Column("block", sa.Text(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=True),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_events_run_id"),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
    )
    op.create_index("ix_events_run_id_id", "events", ["run_id", "id"], unique=False)
    op.create_table(
        "attempts",
        sa.Column("id", ID, nullable=False),
        sa.Column("uid", sa.String(length=36), nullable=False),
        sa.Column("block_run_id", ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.Column("started_at", Moment(), nullable=False),
        sa.Column("single", sa.Boolean(), nullable=False),
        sa.Column("failure", Document(), nullable=True),
        sa.Column("tests", Document(), nullable=True),
        sa.Column("seconds", sa.Float(), nullable=True),
        sa.Column("cpu_seconds", sa.Float(), nullable=True),
        sa.Column("peak_bytes", sa.BigInteger(), nullable=True),
        sa.Column("rows_in", sa.BigInteger(), nullable=True),
        sa.Column("log_lines", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "(ended_at IS NOT NULL) = (status IN ('cancelled', 'completed', 'condition_failed', 'failed', 'upstream_failed'))",
            name=op.f("ck_attempts_ended"),
        ),
        sa.CheckConstraint(
            "status IN ('cancelled', 'completed', 'condition_failed', 'failed', 'initial', 'queued', 'running', 'upstream_failed')",
            name=op.f("ck_attempts_status"),
        ),
        sa.CheckConstraint(
            "status IN ('queued', 'running', 'completed', 'failed', 'cancelled')", name=op.f("ck_attempts_tried")
        ),
        sa.ForeignKeyConstraint(["block_run_id"], ["block_runs.id"], name="fk_attempts_block_run_id"),
        sa.PrimaryKeyConstraint("id", name="pk_attempts"),
        sa.UniqueConstraint("block_run_id", "number", name="uq_attempts_block_run_id_number"),
        sa.UniqueConstraint("uid", name="uq_attempts_uid"),
    )
    op.create_table(
        "outputs",
        sa.Column("id", ID, nullable=False),
        sa.Column("attempt_id", ID, nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("codec", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=True),
        sa.Column("schema", Document(), nullable=True),
        sa.Column("profile", Document(), nullable=True),
        sa.Column("hash", sa.String(length=64), nullable=True),
        sa.Column("extra", Document(), nullable=False),
        sa.ForeignKeyConstraint(["attempt_id"], ["attempts.id"], name="fk_outputs_attempt_id"),
        sa.PrimaryKeyConstraint("id", name="pk_outputs"),
        sa.UniqueConstraint("attempt_id", "place", name="uq_outputs_attempt_id_place"),
    )
