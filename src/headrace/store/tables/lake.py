"""Named tables that lie outside, their versions, and what is known of how their rows have come there."""

import sqlalchemy as sa

from headrace.store.columns import ID, Document, Moment
from headrace.store.tables import schema

datasets = sa.Table(  # named tables; their rows lie outside, in Delta Lake
    "datasets",
    schema.metadata,
    schema.id(),
    schema.uid(),
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
    schema.metadata,
    schema.id(),
    schema.of("dataset_id", "datasets.id"),
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
    sa.Column("lost_at", Moment),  # since when they are given up as lost: it is as one that was cleaned
    sa.CheckConstraint("operation IN ('replace', 'append', 'upsert', 'compact')", name="operation"),
    sa.UniqueConstraint("dataset_id", "version"),
    schema.partly("dataset_versions_attempt", "dataset_id", "attempt", where="attempt IS NOT NULL", unique=True),
    schema.partly("dataset_versions_run_id", "run_id", where="run_id IS NOT NULL"),
)

dataset_writes = sa.Table(  # writes that no run makes, from before they are committed until it is told that they are
    "dataset_writes",
    schema.metadata,
    schema.id(),
    schema.of("dataset_id", "datasets.id"),
    sa.Column("key", sa.String(36), nullable=False),  # the same for one that is to count once, however often it is said
    sa.Column("attempt", sa.String(36), nullable=False),  # by which the table's log knows it
    sa.Column("operation", sa.String(10), nullable=False),
    sa.Column("keys", Document, nullable=False),  # of an upsert
    sa.Column("begun_at", Moment, nullable=False),
    sa.UniqueConstraint("dataset_id", "key"),
)

run_datasets = sa.Table(  # the versions that a run reads
    "run_datasets",
    schema.metadata,
    schema.id(),
    schema.of("run_id", "runs.id"),
    schema.of("dataset_id", "datasets.id"),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("run_id", "dataset_id"),
    sa.Index(None, "dataset_id", "version"),
)

lineages = sa.Table(  # which columns of which datasets those of a pipeline's version come from
    "lineages",
    schema.metadata,
    schema.id(),
    sa.Column("version_id", ID, sa.ForeignKey("versions.id"), nullable=False, unique=True),
    sa.Column("content", Document, nullable=False),
)

bookmarks = sa.Table(  # how far blocks that load by and by have got
    "bookmarks",
    schema.metadata,
    schema.id(),
    schema.of("pipeline_id", "pipelines.id"),
    sa.Column("block", sa.Text, nullable=False),
    sa.Column("value", Document, nullable=False),
    sa.Column("attempt", sa.String(36)),  # what moved it there, by its uid
    sa.Column("updated_at", Moment, nullable=False),
    sa.UniqueConstraint("pipeline_id", "block"),
)
