"""Engines that share the work: who lives, what concurrency allows, what was asked once, and requests on runs."""

import sqlalchemy as sa
from alembic import op

from headrace.store.columns import ID, Document, Moment

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "triggers",
        sa.Column("id", ID, nullable=False),
        sa.Column("uid", sa.String(length=36), nullable=False),
        sa.Column("pipeline_id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["pipeline_id"], ["pipelines.id"], name="fk_triggers_pipeline_id"),
        sa.PrimaryKeyConstraint("id", name="pk_triggers"),
        sa.UniqueConstraint("pipeline_id", "name", name="uq_triggers_pipeline_id_name"),
        sa.UniqueConstraint("uid", name="uq_triggers_uid"),
    )
    op.create_table(
        "engines",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("home", sa.String(length=64), nullable=False),
        sa.Column("machine", sa.String(length=64), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("own", sa.Boolean(), nullable=False),
        sa.Column("started_at", Moment(), nullable=False),
        sa.Column("lease_until", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("name", name="pk_engines"),
    )
    op.create_table(
        "limits",
        sa.Column("id", ID, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.Column("pipeline_id", ID, nullable=True),
        sa.Column("block", sa.Text(), nullable=False),
        sa.Column("cap", sa.Integer(), nullable=False),
        sa.Column("skip", sa.Boolean(), nullable=False),
        sa.CheckConstraint("(pipeline_id IS NULL) = (kind = 'project_blocks')", name=op.f("ck_limits_scope")),
        sa.CheckConstraint("cap > 0", name=op.f("ck_limits_cap")),
        sa.CheckConstraint(
            "kind IN ('project_blocks', 'pipeline_runs', 'trigger_runs', 'block_runs')", name=op.f("ck_limits_kind")
        ),
        sa.ForeignKeyConstraint(["pipeline_id"], ["pipelines.id"], name="fk_limits_pipeline_id"),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_limits_project_id"),
        sa.PrimaryKeyConstraint("id", name="pk_limits"),
        sa.UniqueConstraint("pipeline_id", "kind", "block", name="uq_limits_pipeline_id_kind_block"),
    )
    _index("limits", "ix_limits_project_id", ["project_id"], "pipeline_id IS NULL", unique=True)
    op.create_table(
        "keys",
        sa.Column("id", ID, nullable=False),
        sa.Column("scope", sa.String(length=64), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("run_uid", sa.String(length=36), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_keys"),
        sa.UniqueConstraint("scope", "key", name="uq_keys_scope_key"),
    )
    trigger = sa.ForeignKey("triggers.id", name="fk_runs_trigger_id")
    op.add_column("runs", sa.Column("trigger_id", ID, trigger, nullable=True), inline_references=True)
    op.add_column("runs", sa.Column("fire_time", Moment(), nullable=True))
    op.add_column("runs", sa.Column("settings", Document(), nullable=False, server_default="{}"))
    op.add_column("runs", sa.Column("admitted_at", Moment(), nullable=True))
    op.add_column("runs", sa.Column("retry_request", Document(), nullable=True))
    op.execute("UPDATE runs SET admitted_at = coalesce(started_at, created_at) WHERE status = 'running'")
    _index("runs", "ix_runs_fired", ["trigger_id", "fire_time"], "fire_time IS NOT NULL", unique=True)
    _index("runs", "ix_runs_owner", ["owner"], "ended_at IS NULL")
    _index("runs", "ix_runs_waiting", ["execution_date", "id"], "ended_at IS NULL AND admitted_at IS NULL")
    _index("runs", "ix_runs_admitted", ["pipeline_id", "trigger_id"], "ended_at IS NULL AND admitted_at IS NOT NULL")
    _index("runs", "ix_runs_cancelling", ["id"], "ended_at IS NULL AND cancel_requested_at IS NOT NULL")
    _index("runs", "ix_runs_retrying", ["id"], "retry_request IS NOT NULL")
    _index("attempts", "ix_attempts_open", ["block_run_id"], "ended_at IS NULL")


def _index(table: str, name: str, columns: list[str], where: str, *, unique: bool = False) -> None:
    some = sa.text(where)
    op.create_index(name, table, columns, unique=unique, sqlite_where=some, postgresql_where=some)
