"""The tables, and what they refuse by themselves.

Times are UTC; JSON columns hold documents that msgspec writes. Identities are in DESIGN: every public row has an
integer `id` and a `uid` (UUIDv7).
"""

from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from headrace.model.run import FINAL_BLOCK, FINAL_RUN, BlockStatus, RunStatus
from headrace.model.trigger import FINAL_BACKFILL, BackfillStatus
from headrace.store.columns import ID, Document, Moment

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _id() -> sa.Column[int]:
    return sa.Column("id", ID, primary_key=True)


def _uid() -> sa.Column[str]:
    return sa.Column("uid", sa.String(36), nullable=False, unique=True)


def _of(name: str, target: str) -> sa.Column[int]:
    return sa.Column(name, ID, sa.ForeignKey(target), nullable=False)


def _partly(name: str, *columns: str, where: str, unique: bool = False) -> sa.Index:
    """An index of those rows alone that a question is about, so that the others cost nothing.

    Which rows is said in SQLite's words alone: the migrations say it in PostgreSQL's, whose dialect takes long to import.
    """
    return sa.Index(f"ix_{name}", *columns, unique=unique, sqlite_where=sa.text(where))


def _status(words: type[StrEnum], final: frozenset[Any]) -> list[Any]:
    """A status column that takes only its words, with the promise that `ended_at` is set exactly when it is final."""
    known = ", ".join(f"'{word}'" for word in sorted(words))
    last = ", ".join(f"'{word}'" for word in sorted(final))
    return [
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("ended_at", Moment),
        sa.CheckConstraint(f"status IN ({known})", name="status"),
        sa.CheckConstraint(f"(ended_at IS NOT NULL) = (status IN ({last}))", name="ended"),
    ]


projects = sa.Table(
    "projects",
    metadata,
    _id(),
    _uid(),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("path", sa.Text, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
)

pipelines = sa.Table(
    "pipelines",
    metadata,
    _id(),
    _uid(),
    _of("project_id", "projects.id"),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("paused_at", Moment),  # since when nothing of it begins; NULL: it is not paused
    sa.UniqueConstraint("project_id", "name"),
)

snapshots = sa.Table(
    "snapshots",
    metadata,
    _id(),
    _of("project_id", "projects.id"),
    sa.Column("hash", sa.String(64), nullable=False),
    sa.Column("files", sa.Integer, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("used_at", Moment),  # when it was pinned last, to the day
    sa.UniqueConstraint("project_id", "hash"),
)

versions = sa.Table(
    "versions",
    metadata,
    _id(),
    _uid(),
    _of("pipeline_id", "pipelines.id"),
    sa.Column("hash", sa.String(64), nullable=False),
    sa.Column("content", Document, nullable=False),  # the Pipeline value
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("used_at", Moment),  # when it was pinned last, to the day
    sa.UniqueConstraint("pipeline_id", "hash"),
)

triggers = sa.Table(
    "triggers",
    metadata,
    _id(),
    _uid(),
    _of("pipeline_id", "pipelines.id"),
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
    _partly("triggers_name", "pipeline_id", "name", where="deleted_at IS NULL", unique=True),
    _partly("triggers_due", "due_at", where="due_at IS NOT NULL"),
    _partly("triggers_always", "id", where="interval IN ('@always_on', '@once') AND active"),
)

rules = sa.Table(  # any rule of an event trigger begins a run of it
    "rules",
    metadata,
    _id(),
    _of("trigger_id", "triggers.id"),
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
    _partly("rules_look", "look_at", where="look_at IS NOT NULL"),
)

occurrences = sa.Table(  # something that event triggers may begin runs for; each is dealt with once
    "occurrences",
    metadata,
    _id(),
    _uid(),
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
    _partly("occurrences_open", "id", where="handled_at IS NULL"),
    _partly("occurrences_rule", "rule_id", where="rule_id IS NOT NULL"),
    _partly("occurrences_handled", "handled_at", where="handled_at IS NOT NULL"),
)

gaps = sa.Table(  # fire times that got no run, and why
    "gaps",
    metadata,
    _id(),
    _of("trigger_id", "triggers.id"),
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
    metadata,
    _id(),
    _of("project_id", "projects.id"),
    sa.Column("pipeline", sa.Text, nullable=False),
    sa.Column("mark", sa.Text, nullable=False),
    sa.Column("faults", Document, nullable=False),
    sa.Column("read_at", Moment, nullable=False),
    sa.UniqueConstraint("project_id", "pipeline"),
)

backfills = sa.Table(
    "backfills",
    metadata,
    _id(),
    _uid(),
    _of("pipeline_id", "pipelines.id"),
    sa.Column("trigger_id", ID, sa.ForeignKey("triggers.id")),  # what its runs are of, from its start on
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("start_time", Moment, nullable=False),
    sa.Column("end_time", Moment, nullable=False),
    sa.Column("interval_type", sa.String(10), nullable=False),
    sa.Column("interval_units", sa.Integer, nullable=False),
    sa.Column("which", sa.String(10), nullable=False),
    sa.Column("variables", Document, nullable=False),
    sa.Column("settings", Document, nullable=False),
    *_status(BackfillStatus, FINAL_BACKFILL),
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
    _partly("backfills_open", "id", where="status IN ('running', 'paused')"),
)

users = sa.Table(
    "users",
    metadata,
    _id(),
    _uid(),
    sa.Column("username", sa.Text, nullable=False),
    sa.Column("username_key", sa.Text, nullable=False, unique=True),  # in small letters, as it is looked up
    sa.Column("email", sa.Text),
    sa.Column("email_key", sa.Text, unique=True),
    sa.Column("first_name", sa.Text, nullable=False),
    sa.Column("last_name", sa.Text, nullable=False),
    sa.Column("avatar", sa.Text, nullable=False),
    sa.Column("password", sa.Text),  # its hash; NULL for who comes by another door alone
    sa.Column("subject", sa.Text, unique=True),  # who it is to a provider of identities
    sa.Column("active", sa.Boolean, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("updated_at", Moment, nullable=False),
    sa.Column("last_login_at", Moment),
)

user_roles = sa.Table(
    "user_roles",
    metadata,
    _id(),
    sa.Column("user_id", ID, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    sa.Column("role", sa.String(10), nullable=False),
    sa.Column("tag", sa.Text),  # of the pipelines that it is for; NULL: for all
    sa.CheckConstraint("role IN ('viewer', 'editor', 'admin', 'owner')", name="role"),
    _partly("user_roles_tag", "user_id", "tag", where="tag IS NOT NULL", unique=True),
    _partly("user_roles_everywhere", "user_id", where="tag IS NULL", unique=True),
)

pipeline_tags = sa.Table(  # of the version that was pinned last
    "pipeline_tags",
    metadata,
    _id(),
    _of("pipeline_id", "pipelines.id"),
    sa.Column("tag", sa.Text, nullable=False),
    sa.UniqueConstraint("pipeline_id", "tag"),
    sa.Index(None, "tag", "pipeline_id"),
)

tags = sa.Table(  # those that were written down by themselves; pipelines and triggers carry theirs as names
    "tags",
    metadata,
    _id(),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("description", sa.Text),
    sa.Column("created_at", Moment, nullable=False),
)

tokens = sa.Table(  # what programs and browsers show to be let in; only the hash of each is kept
    "tokens",
    metadata,
    _id(),
    _uid(),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("role", sa.String(10), nullable=False),
    sa.Column("hash", sa.String(64), nullable=False, unique=True),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("expires_at", Moment),
    sa.Column("revoked_at", Moment),
    sa.Column("used_at", Moment),  # to the minute
    sa.Column("kind", sa.String(10), nullable=False, server_default="api"),
    sa.Column("user_id", ID, sa.ForeignKey("users.id", ondelete="SET NULL")),
    sa.CheckConstraint("role IN ('viewer', 'editor', 'admin', 'owner')", name="role"),
    _partly("tokens_user_id", "user_id", where="user_id IS NOT NULL"),
)

audit = sa.Table(  # who did what; rows are added, and go when they are old, and are never changed
    "audit",
    metadata,
    _id(),
    sa.Column("at", Moment, nullable=False),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("user_id", ID),  # as it was: neither user nor token need be there any more
    sa.Column("token_id", ID),
    sa.Column("deed", sa.String(80), nullable=False),
    sa.Column("noun", sa.String(40), nullable=False),
    sa.Column("object", sa.Text),
    sa.Column("run_id", ID),
    sa.Column("project", sa.Text),
    sa.Column("outcome", sa.String(10), nullable=False),
    sa.Column("problem", sa.Text),
    sa.Column("address", sa.Text),
    sa.Column("via", sa.String(10), nullable=False),
    sa.Column("count", sa.Integer, nullable=False),  # how often, where many are told by one row
    sa.CheckConstraint("outcome IN ('ok', 'refused', 'failed')", name="outcome"),
    sa.Index(None, "at"),
    sa.Index(None, "who", "id"),
    _partly("audit_run_id", "run_id", "id", where="run_id IS NOT NULL"),
)

secrets = sa.Table(  # sealed; of a project, or of all of them
    "secrets",
    metadata,
    _id(),
    sa.Column("project_id", ID, sa.ForeignKey("projects.id")),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("sealed", sa.Text, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("updated_at", Moment, nullable=False),
    _partly("secrets_project_id", "project_id", "name", where="project_id IS NOT NULL", unique=True),
    _partly("secrets_name", "name", where="project_id IS NULL", unique=True),
)

engines = sa.Table(  # a living engine has a row; the runs of an owner without one are orphans
    "engines",
    metadata,
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("home", sa.String(64), nullable=False),  # the id of its home, and that of the machine's present boot:
    sa.Column(
        "machine", sa.String(64), nullable=False
    ),  # where both are the same, its lock file tells whether it lives
    sa.Column("pid", sa.Integer, nullable=False),
    sa.Column("own", sa.Boolean, nullable=False),  # it moves only the runs made for it
    sa.Column("started_at", Moment, nullable=False),
    sa.Column("lease_until", Moment),  # by the database's clock, where it has one; NULL where the lock file alone tells
    sa.Column("drain_requested_at", Moment),  # since when it is to begin nothing more; NULL: nobody has asked
)

limits = sa.Table(  # each is locked before what it bounds is counted
    "limits",
    metadata,
    _id(),
    sa.Column("kind", sa.String(20), nullable=False),
    _of("project_id", "projects.id"),
    sa.Column("pipeline_id", ID, sa.ForeignKey("pipelines.id")),
    sa.Column("block", sa.Text, nullable=False),  # empty but for `block_runs`
    sa.Column("cap", sa.Integer, nullable=False),
    sa.Column("skip", sa.Boolean, nullable=False),  # a run that finds no room is cancelled, and does not wait
    sa.Column("trigger_id", ID, sa.ForeignKey("triggers.id")),  # of one trigger: in place of what its pipeline says
    sa.CheckConstraint("kind IN ('project_blocks', 'pipeline_runs', 'trigger_runs', 'block_runs')", name="kind"),
    sa.CheckConstraint("(pipeline_id IS NULL) = (kind = 'project_blocks')", name="scope"),
    sa.CheckConstraint("cap > 0", name="cap"),
    sa.CheckConstraint("trigger_id IS NULL OR kind = 'trigger_runs'", name="trigger"),
    _partly("limits_pipeline_id", "pipeline_id", "kind", "block", where="trigger_id IS NULL", unique=True),
    _partly("limits_trigger_id", "trigger_id", where="trigger_id IS NOT NULL", unique=True),
    _partly("limits_project_id", "project_id", where="pipeline_id IS NULL", unique=True),
)

keys = sa.Table(  # what was asked under a key is done once
    "keys",
    metadata,
    _id(),
    sa.Column("scope", sa.String(64), nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("request", sa.Text, nullable=False),
    sa.Column("run_uid", sa.String(36), nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.UniqueConstraint("scope", "key"),
    sa.Index(None, "run_uid"),
)

runs = sa.Table(
    "runs",
    metadata,
    _id(),
    _uid(),
    _of("pipeline_id", "pipelines.id"),
    _of("version_id", "versions.id"),
    _of("snapshot_id", "snapshots.id"),
    *_status(RunStatus, FINAL_RUN),
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
    sa.Column(
        "outputs_cleaned_at", Moment
    ),  # what it had left behind until then has gone; after a later end there is more
    sa.Column("logs_cleaned_at", Moment),
    sa.CheckConstraint("status <> 'running' OR owner IS NOT NULL", name="owned"),
    sa.Index(None, "snapshot_id"),
    sa.Index(None, "version_id"),
    sa.Index(None, "pipeline_id", "id"),
    sa.Index(None, "pipeline_id", "execution_date"),
    sa.Index(None, "status", "id"),
    _partly("runs_fired", "trigger_id", "fire_time", where="fire_time IS NOT NULL", unique=True),
    _partly("runs_owner", "owner", where="ended_at IS NULL"),
    _partly("runs_waiting", "held", "execution_date", "id", where="ended_at IS NULL AND admitted_at IS NULL"),
    _partly("runs_admitted", "pipeline_id", "trigger_id", where="ended_at IS NULL AND admitted_at IS NOT NULL"),
    _partly("runs_cancelling", "id", where="ended_at IS NULL AND cancel_requested_at IS NOT NULL"),
    _partly("runs_retrying", "id", where="retry_request IS NOT NULL"),
    _partly("runs_trigger", "trigger_id", "id", where="trigger_id IS NOT NULL"),
    _partly("runs_trigger_date", "trigger_id", "execution_date", "id", where="trigger_id IS NOT NULL"),
    _partly("runs_open", "trigger_id", where="ended_at IS NULL AND trigger_id IS NOT NULL"),
    _partly("runs_backfill", "backfill_id", "execution_date", "id", where="backfill_id IS NOT NULL"),
    _partly("runs_trigger_status", "trigger_id", "status", "id", where="trigger_id IS NOT NULL"),
    _partly("runs_backfill_status", "backfill_id", "status", "id", where="backfill_id IS NOT NULL"),
    sa.Index(None, "pipeline_id", "status", "id"),
    sa.Index(None, "created_at", "id"),
    sa.Index(None, "execution_date", "id"),
    _partly("runs_ended_at", "ended_at", "id", where="ended_at IS NOT NULL"),
    _partly("runs_sla", "sla_at", where="ended_at IS NULL AND sla_at IS NOT NULL AND passed_sla = false"),
)

tallies = sa.Table(  # how many runs there are, as the database itself keeps count; see `tallies`
    "tallies",
    metadata,
    _id(),
    sa.Column("pipeline_id", ID, nullable=False),
    sa.Column("trigger_id", ID),
    sa.Column("status", sa.String(20), nullable=False),
    sa.Column("runs", sa.BigInteger, nullable=False),
    sa.Index(None, "pipeline_id", "trigger_id", "status"),
)

remains = sa.Table(  # what may still lie on the disk of rows that have gone
    "remains",
    metadata,
    _id(),
    sa.Column("pipeline_id", ID),
    sa.Column("path", sa.Text, nullable=False),  # relative to the home
)

block_runs = sa.Table(
    "block_runs",
    metadata,
    _id(),
    _uid(),
    _of("run_id", "runs.id"),
    sa.Column("block", sa.Text, nullable=False),
    *_status(BlockStatus, FINAL_BLOCK),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("retry_at", Moment),
    sa.Column("started_at", Moment),
    sa.Column("reused_from", ID, sa.ForeignKey("block_runs.id")),
    sa.UniqueConstraint("run_id", "block"),
    _partly("block_runs_reused_from", "reused_from", where="reused_from IS NOT NULL"),
    sa.CheckConstraint("status <> 'running' OR attempt > 0", name="numbered"),
    sa.CheckConstraint("retry_at IS NULL OR status = 'queued'", name="retried"),
)

attempts = sa.Table(
    "attempts",
    metadata,
    _id(),
    _uid(),
    _of("block_run_id", "block_runs.id"),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("epoch", sa.Integer, nullable=False),
    *_status(BlockStatus, FINAL_BLOCK),
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
    _partly("attempts_open", "block_run_id", where="ended_at IS NULL"),
    sa.CheckConstraint(
        "status IN ('queued', 'running', 'committing', 'completed', 'failed', 'cancelled')", name="tried"
    ),
)

outputs = sa.Table(
    "outputs",
    metadata,
    _id(),
    _of("attempt_id", "attempts.id"),
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
    metadata,
    _id(),
    _of("run_id", "runs.id"),
    sa.Column("block", sa.Text),
    sa.Column("attempt", sa.Integer),
    sa.Column("at", Moment, nullable=False),
    sa.Column("kind", sa.String(40), nullable=False),
    sa.Column("status", sa.String(20), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Index(None, "run_id", "id"),
)

datasets = sa.Table(  # named tables; their rows lie outside, in Delta Lake
    "datasets",
    metadata,
    _id(),
    _uid(),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("name_key", sa.Text, nullable=False, unique=True),  # in small letters, as it is looked up
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("row_identifier", sa.Text),  # the column by which rows are updated; NULL: none was ever named
    sa.Column("location", sa.Text, nullable=False),  # a URL, or a path relative to the home
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("updated_at", Moment, nullable=False),
)

dataset_versions = sa.Table(
    "dataset_versions",
    metadata,
    _id(),
    _of("dataset_id", "datasets.id"),
    sa.Column("version", sa.BigInteger, nullable=False),  # as the table's own log numbers it
    sa.Column("operation", sa.String(10), nullable=False),
    sa.Column("run_id", ID),  # what made it, which need not be there any more; NULL: rows that were sent
    sa.Column("block", sa.Text),
    sa.Column("attempt", sa.String(36)),  # its uid
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("schema", Document, nullable=False),
    sa.Column("profile", Document),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("cleaned_at", Moment),  # since when its rows cannot be read any more
    sa.CheckConstraint("operation IN ('replace', 'append', 'upsert')", name="operation"),
    sa.UniqueConstraint("dataset_id", "version"),
    _partly("dataset_versions_attempt", "dataset_id", "attempt", where="attempt IS NOT NULL", unique=True),
    _partly("dataset_versions_run_id", "run_id", where="run_id IS NOT NULL"),
)

run_datasets = sa.Table(  # the versions that a run reads
    "run_datasets",
    metadata,
    _id(),
    _of("run_id", "runs.id"),
    _of("dataset_id", "datasets.id"),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("run_id", "dataset_id"),
    sa.Index(None, "dataset_id", "version"),
)

lineages = sa.Table(  # which columns of which datasets those of a pipeline's version come from
    "lineages",
    metadata,
    _id(),
    sa.Column("version_id", ID, sa.ForeignKey("versions.id"), nullable=False, unique=True),
    sa.Column("content", Document, nullable=False),
)

bookmarks = sa.Table(  # how far blocks that load by and by have got
    "bookmarks",
    metadata,
    _id(),
    _of("pipeline_id", "pipelines.id"),
    sa.Column("block", sa.Text, nullable=False),
    sa.Column("value", Document, nullable=False),
    sa.Column("attempt", sa.String(36)),  # what moved it there, by its uid
    sa.Column("updated_at", Moment, nullable=False),
    sa.UniqueConstraint("pipeline_id", "block"),
)
