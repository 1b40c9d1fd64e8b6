"""Datasets, their versions, and those that runs are pinned to; lineage; bookmarks of loads; pipelines that are paused."""

import sqlalchemy as sa
from alembic import op

from headrace.store.columns import ID, Document, Moment

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("pipelines", sa.Column("paused_at", Moment(), nullable=True))
    _create_datasets()
    _create_dataset_versions()
    _create_run_datasets()
    _create_lineages()
    _create_bookmarks()


def _create_datasets() -> None:
    op.create_table(
        "datasets",
        sa.Column("id", ID, nullable=False),
        sa.Column("uid", sa.String(36), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("row_identifier", sa.Text(), nullable=True),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_datasets"),
        sa.UniqueConstraint("uid", name="uq_datasets_uid"),
        sa.UniqueConstraint("name_key", name="uq_datasets_name_key"),
    )


def _create_dataset_versions() -> None:
    op.create_table(
        "dataset_versions",
        sa.Column("id", ID, nullable=False),
        sa.Column("dataset_id", ID, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("operation", sa.String(10), nullable=False),
        sa.Column("run_id", ID, nullable=True),
        sa.Column("block", sa.Text(), nullable=True),
        sa.Column("attempt", sa.String(36), nullable=True),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("schema", Document(), nullable=False),
        sa.Column("profile", Document(), nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("cleaned_at", Moment(), nullable=True),
        sa.CheckConstraint("operation IN ('replace', 'append', 'upsert')", name=op.f("ck_dataset_versions_operation")),
        sa.ForeignKeyConstraint(["dataset_id"], ["datasets.id"], name="fk_dataset_versions_dataset_id"),
        sa.PrimaryKeyConstraint("id", name="pk_dataset_versions"),
        sa.UniqueConstraint("dataset_id", "version", name="uq_dataset_versions_dataset_id_version"),
    )
    _index("dataset_versions_attempt", ["dataset_id", "attempt"], "attempt IS NOT NULL", unique=True)
    _index("dataset_versions_run_id", ["run_id"], "run_id IS NOT NULL")


def _index(name: str, columns: list[str], some: str, *, unique: bool = False) -> None:
    where = sa.text(some)
    op.create_index(
        f"ix_{name}", "dataset_versions", columns, unique=unique, sqlite_where=where, postgresql_where=where
    )


def _create_run_datasets() -> None:
    op.create_table(
        "run_datasets",
        sa.Column("id", ID, nullable=False),
        sa.Column("run_id", ID, nullable=False),
        sa.Column("dataset_id", ID, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_run_datasets_run_id"),
        sa.ForeignKeyConstraint(["dataset_id"], ["datasets.id"], name="fk_run_datasets_dataset_id"),
        sa.PrimaryKeyConstraint("id", name="pk_run_datasets"),
        sa.UniqueConstraint("run_id", "dataset_id", name="uq_run_datasets_run_id_dataset_id"),
    )
    op.create_index("ix_run_datasets_dataset_id_version", "run_datasets", ["dataset_id", "version"])


def _create_lineages() -> None:
    op.create_table(
        "lineages",
        sa.Column("id", ID, nullable=False),
        sa.Column("version_id", ID, nullable=False),
        sa.Column("content", Document(), nullable=False),
        sa.ForeignKeyConstraint(["version_id"], ["versions.id"], name="fk_lineages_version_id"),
        sa.PrimaryKeyConstraint("id", name="pk_lineages"),
        sa.UniqueConstraint("version_id", name="uq_lineages_version_id"),
    )


def _create_bookmarks() -> None:
    op.create_table(
        "bookmarks",
        sa.Column("id", ID, nullable=False),
        sa.Column("pipeline_id", ID, nullable=False),
        sa.Column("block", sa.Text(), nullable=False),
        sa.Column("value", Document(), nullable=False),
        sa.Column("attempt", sa.String(36), nullable=True),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["pipeline_id"], ["pipelines.id"], name="fk_bookmarks_pipeline_id"),
        sa.PrimaryKeyConstraint("id", name="pk_bookmarks"),
        sa.UniqueConstraint("pipeline_id", "block", name="uq_bookmarks_pipeline_id_block"),
    )
