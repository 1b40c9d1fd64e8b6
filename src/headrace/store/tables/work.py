"""What is run: runs, their blocks, every attempt at these, and what each has left behind."""

import sqlalchemy as sa

from headrace.model.run import FINAL_BLOCK, FINAL_RUN, BlockStatus, RunStatus
from headrace.store.columns import ID, Document, Moment
from headrace.store.tables import schema

runs = sa.Table(
    "runs",
    schema.metadata,
    schema.id(),
    schema.uid(),
    schema.of("pipeline_id", "pipelines.id"),
    schema.of("version_id", "versions.id"),
    schema.of("snapshot_id", "snapshots.id"),
    *schema.status(RunStatus, FINAL_RUN),
    sa.Column("variables", Document, nullable=False),
    sa.Column("selection", Document, nullable=False),
    sa.Column("execution_date", Moment, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("started_at", Moment),
    sa.Column("cancel_requested_at", Moment),
    sa.Column("owner", sa.String(64)),
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("trigger_id", ID, sa.ForeignKey("triggers.id")),
    sa.Column("fire_time", Moment),
    sa.Column("settings", Document, nullable=False, server_default="{}"),
    sa.Column("admitted_at", Moment),
    sa.Column("retry_request", Document),  # how a final run is asked to go on
    sa.Column("backfill_id", ID, sa.ForeignKey("backfills.id")),
    sa.Column("occasion", Document, nullable=False, server_default="{}"),  # what its trigger has said of it
    sa.Column("event_variables", Document),
    sa.Column("held", sa.Boolean, nullable=False, server_default=sa.false()),  # its trigger was paused before it began
    sa.Column("sla_at", Moment),  # when it is to have ended
    sa.Column("passed_sla", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("outputs_cleaned_at", Moment),  # what it had left behind until then has gone; a later end leaves more
    sa.Column("logs_cleaned_at", Moment),
    sa.CheckConstraint("status <> 'running' OR owner IS NOT NULL", name="owned"),
    sa.Index(None, "snapshot_id"),
    sa.Index(None, "version_id"),
    sa.Index(None, "pipeline_id", "id"),
    sa.Index(None, "pipeline_id", "execution_date"),
    sa.Index(None, "status", "id"),
    schema.partly("runs_fired", "trigger_id", "fire_time", where="fire_time IS NOT NULL", unique=True),
    schema.partly("runs_owner", "owner", where="ended_at IS NULL"),
    schema.partly("runs_waiting", "held", "execution_date", "id", where="ended_at IS NULL AND admitted_at IS NULL"),
    schema.partly("runs_admitted", "pipeline_id", "trigger_id", where="ended_at IS NULL AND admitted_at IS NOT NULL"),
    schema.partly("runs_cancelling", "id", where="ended_at IS NULL AND cancel_requested_at IS NOT NULL"),
    schema.partly("runs_retrying", "id", where="retry_request IS NOT NULL"),
    schema.partly("runs_trigger", "trigger_id", "id", where="trigger_id IS NOT NULL"),
    schema.partly("runs_trigger_date", "trigger_id", "execution_date", "id", where="trigger_id IS NOT NULL"),
    schema.partly("runs_open", "trigger_id", where="ended_at IS NULL AND trigger_id IS NOT NULL"),
    schema.partly("runs_backfill", "backfill_id", "execution_date", "id", where="backfill_id IS NOT NULL"),
    schema.partly("runs_trigger_status", "trigger_id", "status", "id", where="trigger_id IS NOT NULL"),
    schema.partly("runs_backfill_status", "backfill_id", "status", "id", where="backfill_id IS NOT NULL"),
    sa.Index(None, "pipeline_id", "status", "id"),
    sa.Index(None, "created_at", "id"),
    sa.Index(None, "execution_date", "id"),
    schema.partly("runs_ended_at", "ended_at", "id", where="ended_at IS NOT NULL"),
    schema.partly("runs_sla", "sla_at", where="ended_at IS NULL AND sla_at IS NOT NULL AND passed_sla = false"),
)

block_runs = sa.Table(
    "block_runs",
    schema.metadata,
    schema.id(),
    schema.uid(),
    schema.of("run_id", "runs.id"),
    sa.Column("block", sa.Text, nullable=False),
    *schema.status(BlockStatus, FINAL_BLOCK),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("retry_at", Moment),
    sa.Column("started_at", Moment),
    sa.Column("reused_from", ID, sa.ForeignKey("block_runs.id")),
    sa.UniqueConstraint("run_id", "block"),
    schema.partly("block_runs_reused_from", "reused_from", where="reused_from IS NOT NULL"),
    sa.CheckConstraint("status <> 'running' OR attempt > 0", name="numbered"),
    sa.CheckConstraint("retry_at IS NULL OR status = 'queued'", name="retried"),
)

attempts = sa.Table(
    "attempts",
    schema.metadata,
    schema.id(),
    schema.uid(),
    schema.of("block_run_id", "block_runs.id"),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("epoch", sa.Integer, nullable=False),
    *schema.status(BlockStatus, FINAL_BLOCK),
    sa.Column("started_at", Moment, nullable=False),
    sa.Column("single", sa.Boolean, nullable=False),
    sa.Column("failure", Document),
    sa.Column("tests", Document),
    sa.Column("seconds", sa.Float),
    sa.Column("cpu_seconds", sa.Float),
    sa.Column("peak_bytes", sa.BigInteger),
    sa.Column("rows_in", sa.BigInteger),
    sa.Column("log_lines", sa.BigInteger, nullable=False),
    sa.Column("waiting", sa.Boolean, nullable=False, server_default=sa.false()),  # for an answer: it holds no place
    sa.UniqueConstraint("block_run_id", "number"),
    schema.partly("attempts_open", "block_run_id", where="ended_at IS NULL"),
    sa.CheckConstraint(
        "status IN ('queued', 'running', 'committing', 'completed', 'failed', 'cancelled')", name="tried"
    ),
)

outputs = sa.Table(
    "outputs",
    schema.metadata,
    schema.id(),
    schema.of("attempt_id", "attempts.id"),
    sa.Column("place", sa.Integer, nullable=False),  # of several, in the order they were returned
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("codec", sa.Text, nullable=False),
    sa.Column("path", sa.Text, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("rows", sa.BigInteger),
    sa.Column("schema", Document),
    sa.Column("profile", Document),
    sa.Column("hash", sa.String(64)),
    sa.Column("extra", Document, nullable=False),
    sa.UniqueConstraint("attempt_id", "place"),
)

events = sa.Table(
    "events",
    schema.metadata,
    schema.id(),
    schema.of("run_id", "runs.id"),
    sa.Column("block", sa.Text),
    sa.Column("attempt", sa.Integer),
    sa.Column("at", Moment, nullable=False),
    sa.Column("kind", sa.String(40), nullable=False),
    sa.Column("status", sa.String(20), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Index(None, "run_id", "id"),
)
