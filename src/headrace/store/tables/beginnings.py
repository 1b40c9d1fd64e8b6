"""What makes runs begin: triggers with their rules, what these wait for, and backfills."""

import sqlalchemy as sa

from headrace.model.trigger import FINAL_BACKFILL, BackfillStatus
from headrace.store.columns import ID, Document, Moment
from headrace.store.tables import schema

triggers = sa.Table(
    "triggers",
    schema.metadata,
    schema.id(),
    schema.uid(),
    schema.of("pipeline_id", "pipelines.id"),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("type", sa.String(10), nullable=False),
    sa.Column("interval", sa.Text),
    sa.Column("zone", sa.Text, nullable=False),
    sa.Column("start_time", Moment),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("variables", Document, nullable=False),
    sa.Column("sla", sa.Integer),
    sa.Column("settings", Document, nullable=False),
    sa.Column("tags", Document, nullable=False),
    sa.Column("token", sa.Text, nullable=False),  # sealed; `token_hash` is what a caller's is compared with
    sa.Column("token_hash", sa.String(64), nullable=False),
    sa.Column("active", sa.Boolean, nullable=False),
    sa.Column("last_enabled_at", Moment),
    sa.Column("considered", Moment),  # every fire time up to then has been dealt with
    sa.Column("due_at", Moment),
    sa.Column("in_code", sa.Boolean, nullable=False),
    sa.Column("fault", sa.Text),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("updated_at", Moment, nullable=False),
    sa.Column("deleted_at", Moment),  # its runs stay, and know what began them
    sa.CheckConstraint("type IN ('time', 'api', 'event', 'backfill')", name="type"),
    sa.CheckConstraint("(type = 'time') = (interval IS NOT NULL)", name="interval"),
    sa.CheckConstraint("deleted_at IS NULL OR (active = false AND due_at IS NULL)", name="deleted"),
    schema.partly("triggers_name", "pipeline_id", "name", where="deleted_at IS NULL", unique=True),
    schema.partly("triggers_due", "due_at", where="due_at IS NOT NULL"),
    schema.partly("triggers_always", "id", where="interval IN ('@always_on', '@once') AND active"),
)

rules = sa.Table(  # any rule of an event trigger begins a run of it
    "rules",
    schema.metadata,
    schema.id(),
    schema.of("trigger_id", "triggers.id"),
    sa.Column("place", sa.Integer, nullable=False),
    sa.Column("kind", sa.String(10), nullable=False),
    sa.Column("subject", sa.Text, nullable=False),  # of a pipeline: always with its project's name before it
    sa.Column("pattern", Document, nullable=False),
    sa.Column("statuses", Document, nullable=False),
    sa.Column("every", sa.Float, nullable=False),
    sa.Column("settle", sa.Float, nullable=False),
    sa.Column("look_at", Moment),  # of a file rule: when it is to be looked at next
    sa.Column("seen", Document),  # of a file rule: what lay there when it was looked at last
    sa.CheckConstraint("kind IN ('payload', 'file', 'pipeline', 'dataset')", name="kind"),
    sa.CheckConstraint("look_at IS NULL OR kind = 'file'", name="looked"),
    sa.UniqueConstraint("trigger_id", "place"),
    sa.Index(None, "kind", "subject"),
    schema.partly("rules_look", "look_at", where="look_at IS NOT NULL"),
)

occurrences = sa.Table(  # something that event triggers may begin runs for; each is dealt with once
    "occurrences",
    schema.metadata,
    schema.id(),
    schema.uid(),
    sa.Column("kind", sa.String(10), nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("mark", sa.Text, nullable=False),  # what tells it from others of its subject
    sa.Column("payload", Document, nullable=False),
    sa.Column("rule_id", ID, sa.ForeignKey("rules.id", ondelete="SET NULL")),  # it is for that one alone
    sa.Column("at", Moment, nullable=False),
    sa.Column("handled_at", Moment),
    sa.Column("runs", sa.Integer),  # how many it has begun
    sa.CheckConstraint("kind IN ('payload', 'file', 'pipeline', 'dataset')", name="kind"),
    sa.CheckConstraint("(handled_at IS NULL) = (runs IS NULL)", name="handled"),
    sa.UniqueConstraint("kind", "subject", "mark"),
    schema.partly("occurrences_open", "id", where="handled_at IS NULL"),
    schema.partly("occurrences_rule", "rule_id", where="rule_id IS NOT NULL"),
    schema.partly("occurrences_handled", "handled_at", where="handled_at IS NOT NULL"),
)

gaps = sa.Table(  # fire times that got no run, and why
    "gaps",
    schema.metadata,
    schema.id(),
    schema.of("trigger_id", "triggers.id"),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("first", Moment, nullable=False),
    sa.Column("last", Moment, nullable=False),
    sa.Column("count", sa.BigInteger, nullable=False),
    sa.Column("noticed_at", Moment, nullable=False),
    sa.CheckConstraint("count > 0 AND first <= last", name="extent"),
    sa.Index(None, "trigger_id", "id"),
)

trigger_files = sa.Table(  # the triggers.yaml of a pipeline as it was read last
    "trigger_files",
    schema.metadata,
    schema.id(),
    schema.of("project_id", "projects.id"),
    sa.Column("pipeline", sa.Text, nullable=False),
    sa.Column("mark", sa.Text, nullable=False),
    sa.Column("faults", Document, nullable=False),
    sa.Column("read_at", Moment, nullable=False),
    sa.UniqueConstraint("project_id", "pipeline"),
)

backfills = sa.Table(
    "backfills",
    schema.metadata,
    schema.id(),
    schema.uid(),
    schema.of("pipeline_id", "pipelines.id"),
    sa.Column("trigger_id", ID, sa.ForeignKey("triggers.id")),  # what its runs are of, from its start on
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("start_time", Moment, nullable=False),
    sa.Column("end_time", Moment, nullable=False),
    sa.Column("interval_type", sa.String(10), nullable=False),
    sa.Column("interval_units", sa.Integer, nullable=False),
    sa.Column("which", sa.String(10), nullable=False),
    sa.Column("variables", Document, nullable=False),
    sa.Column("settings", Document, nullable=False),
    *schema.status(BackfillStatus, FINAL_BACKFILL),
    sa.Column("dates", Document),  # the plan, from its start on
    sa.Column("total", sa.Integer, nullable=False),  # how many dates it has,
    sa.Column("made", sa.Integer, nullable=False),  # and how many of them have a run
    sa.Column("started_at", Moment),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("updated_at", Moment, nullable=False),
    sa.CheckConstraint("which IN ('missing', 'failed', 'all')", name="which"),
    sa.CheckConstraint(
        "status IN ('initial', 'cancelled') OR (dates IS NOT NULL AND trigger_id IS NOT NULL)", name="planned"
    ),
    sa.Index(None, "pipeline_id", "id"),
    schema.partly("backfills_open", "id", where="status IN ('running', 'paused')"),
)
