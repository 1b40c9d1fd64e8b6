"""Writes that no run makes are known before they are committed; a version of a dataset may be lost, or its files merged."""

import sqlalchemy as sa
from alembic import op

from headrace.store.columns import ID, Document, Moment

revision = "0010"
down_revision = "0009"

OPERATIONS = "operation IN ('replace', 'append', 'upsert'"
BEFORE, AFTER = f"{OPERATIONS})", f"{OPERATIONS}, 'compact')"


def upgrade() -> None:
    op.create_table(
        "dataset_writes",
        sa.Column("id", ID, nullable=False),
        sa.Column("dataset_id", ID, nullable=False),
        sa.Column("key", sa.String(36), nullable=False),
        sa.Column("attempt", sa.String(36), nullable=False),
        sa.Column("operation", sa.String(10), nullable=False),
        sa.Column("keys", Document(), nullable=False),
        sa.Column("begun_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["dataset_id"], ["datasets.id"], name="fk_dataset_writes_dataset_id"),
        sa.PrimaryKeyConstraint("id", name="pk_dataset_writes"),
        sa.UniqueConstraint("dataset_id", "key", name="uq_dataset_writes_dataset_id_key"),
    )
    op.add_column("dataset_versions", sa.Column("lost_at", Moment(), nullable=True))
    if op.get_bind().dialect.name == "sqlite":
        _rewrite()
    else:
        check = op.f("ck_dataset_versions_operation")
        op.drop_constraint(check, "dataset_versions", type_="check")
        op.create_check_constraint(check, "dataset_versions", AFTER)


def _rewrite() -> None:
    """The text of the CHECK alone, as in 0008."""
    connection = op.get_bind()
    schema = connection.scalar(sa.text("PRAGMA schema_version"))
    op.execute("PRAGMA writable_schema = ON")
    rewritten = sa.text(
        "UPDATE sqlite_schema SET sql = replace(sql, :before, :after)"
        " WHERE type = 'table' AND name = 'dataset_versions'"
    )
    connection.execute(rewritten, {"before": BEFORE, "after": AFTER})
    op.execute(f"PRAGMA schema_version = {schema + 1}")
    op.execute("PRAGMA writable_schema = RESET")
