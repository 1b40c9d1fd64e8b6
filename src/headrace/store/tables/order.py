"""What keeps order: engines, limits, keys of requests, tallies, and remains to be cleaned away."""

import sqlalchemy as sa

from headrace.store.columns import ID, Moment
from headrace.store.tables import schema

engines = sa.Table(  # a living engine has a row; the runs of an owner without one are orphans
    "engines",
    schema.metadata,
    sa.Column("name", sa.String(64), primary_key=True),
    # The id of its home, and of the machine's present boot: where both are the same, its lock file tells whether it lives.
    sa.Column("home", sa.String(64), nullable=False),
    sa.Column("machine", sa.String(64), nullable=False),
    sa.Column("pid", sa.Integer, nullable=False),
    sa.Column("own", sa.Boolean, nullable=False),  # it moves only the runs made for it
    sa.Column("started_at", Moment, nullable=False),
    sa.Column("lease_until", Moment),  # by the database's clock, where it has one; NULL where the lock file alone tells
    sa.Column("drain_requested_at", Moment),  # since when it is to begin nothing more; NULL: nobody has asked
)

limits = sa.Table(  # each is locked before what it bounds is counted
    "limits",
    schema.metadata,
    schema.id(),
    sa.Column("kind", sa.String(20), nullable=False),
    schema.of("project_id", "projects.id"),
    sa.Column("pipeline_id", ID, sa.ForeignKey("pipelines.id")),
    sa.Column("block", sa.Text, nullable=False),  # empty but for `block_runs`
    sa.Column("cap", sa.Integer, nullable=False),
    sa.Column("skip", sa.Boolean, nullable=False),  # a run that finds no room is cancelled, and does not wait
    sa.Column("trigger_id", ID, sa.ForeignKey("triggers.id")),  # of one trigger: in place of what its pipeline says
    sa.CheckConstraint("kind IN ('project_blocks', 'pipeline_runs', 'trigger_runs', 'block_runs')", name="kind"),
    sa.CheckConstraint("(pipeline_id IS NULL) = (kind = 'project_blocks')", name="scope"),
    sa.CheckConstraint("cap > 0", name="cap"),
    sa.CheckConstraint("trigger_id IS NULL OR kind = 'trigger_runs'", name="trigger"),
    schema.partly("limits_pipeline_id", "pipeline_id", "kind", "block", where="trigger_id IS NULL", unique=True),
    schema.partly("limits_trigger_id", "trigger_id", where="trigger_id IS NOT NULL", unique=True),
    schema.partly("limits_project_id", "project_id", where="pipeline_id IS NULL", unique=True),
)

keys = sa.Table(  # what was asked under a key is done once
    "keys",
    schema.metadata,
    schema.id(),
    sa.Column("scope", sa.String(64), nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("request", sa.Text, nullable=False),
    sa.Column("run_uid", sa.String(36), nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.UniqueConstraint("scope", "key"),
    sa.Index(None, "run_uid"),
)

tallies = sa.Table(  # how many runs there are, as the database itself keeps count; see `tallies`
    "tallies",
    schema.metadata,
    schema.id(),
    sa.Column("pipeline_id", ID, nullable=False),
    sa.Column("trigger_id", ID),
    sa.Column("status", sa.String(20), nullable=False),
    sa.Column("runs", sa.BigInteger, nullable=False),
    sa.Index(None, "pipeline_id", "trigger_id", "status"),
)

remains = sa.Table(  # what may still lie on the disk of rows that have gone
    "remains",
    schema.metadata,
    schema.id(),
    sa.Column("pipeline_id", ID),
    sa.Column("path", sa.Text, nullable=False),  # relative to the home
)
