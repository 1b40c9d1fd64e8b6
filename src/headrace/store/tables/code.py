"""Projects and the code in them: pipelines, their versions, and snapshots of the files."""

import sqlalchemy as sa

from headrace.store.columns import Document, Moment
from headrace.store.tables import schema

projects = sa.Table(
    "projects",
    schema.metadata,
    schema.id(),
    schema.uid(),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("path", sa.Text, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
)

pipelines = sa.Table(
    "pipelines",
    schema.metadata,
    schema.id(),
    schema.uid(),
    schema.of("project_id", "projects.id"),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("paused_at", Moment),  # since when nothing of it begins; NULL: it is not paused
    sa.Column("switched_at", Moment),  # when it was last paused or resumed
    sa.UniqueConstraint("project_id", "name"),
)

snapshots = sa.Table(
    "snapshots",
    schema.metadata,
    schema.id(),
    schema.of("project_id", "projects.id"),
    sa.Column("hash", sa.String(64), nullable=False),
    sa.Column("files", sa.Integer, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("used_at", Moment),  # when it was pinned last, to the day
    sa.UniqueConstraint("project_id", "hash"),
)

versions = sa.Table(
    "versions",
    schema.metadata,
    schema.id(),
    schema.uid(),
    schema.of("pipeline_id", "pipelines.id"),
    sa.Column("hash", sa.String(64), nullable=False),
    sa.Column("content", Document, nullable=False),  # the Pipeline value
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("used_at", Moment),  # when it was pinned last, to the day
    sa.UniqueConstraint("pipeline_id", "hash"),
)

pipeline_tags = sa.Table(  # of the version that was pinned last
    "pipeline_tags",
    schema.metadata,
    schema.id(),
    schema.of("pipeline_id", "pipelines.id"),
    sa.Column("tag", sa.Text, nullable=False),
    sa.UniqueConstraint("pipeline_id", "tag"),
    sa.Index(None, "tag", "pipeline_id"),
)

tags = sa.Table(  # those that were written down by themselves; pipelines and triggers carry theirs as names
    "tags",
    schema.metadata,
    schema.id(),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("description", sa.Text),
    sa.Column("created_at", Moment, nullable=False),
)
