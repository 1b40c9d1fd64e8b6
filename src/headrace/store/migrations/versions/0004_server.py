"""What a server keeps: tokens of those it lets in, and secrets."""

import sqlalchemy as sa
from alembic import op

from headrace.store.columns import ID, Moment

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    _create_tokens()
    _create_secrets()


def _create_tokens() -> None:
    op.create_table(
        "tokens",
        sa.Column("id", ID, nullable=False),
        sa.Column("uid", sa.String(36), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.String(10), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("expires_at", Moment(), nullable=True),
        sa.Column("revoked_at", Moment(), nullable=True),
        sa.Column("used_at", Moment(), nullable=True),
        sa.CheckConstraint("role IN ('viewer', 'editor', 'admin', 'owner')", name=op.f("ck_tokens_role")),
        sa.PrimaryKeyConstraint("id", name="pk_tokens"),
        sa.UniqueConstraint("uid", name="uq_tokens_uid"),
        sa.UniqueConstraint("hash", name="uq_tokens_hash"),
    )


def _create_secrets() -> None:
    op.create_table(
        "secrets",
        sa.Column("id", ID, nullable=False),
        sa.Column("project_id", ID, nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_secrets_project_id"),
        sa.PrimaryKeyConstraint("id", name="pk_secrets"),
    )
    _index("secrets", "ix_secrets_project_id", ["project_id", "name"], "project_id IS NOT NULL", unique=True)
    _index("secrets", "ix_secrets_name", ["name"], "project_id IS NULL", unique=True)


def _index(table: str, name: str, columns: list[str], where: str, *, unique: bool = False) -> None:
    some = sa.text(where)
    op.create_index(name, table, columns, unique=unique, sqlite_where=some, postgresql_where=some)
