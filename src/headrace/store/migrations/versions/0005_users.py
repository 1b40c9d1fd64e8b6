"""Users and their roles, the tags that roles are for, and the audit of who did what."""

from typing import Any, cast

import msgspec
import sqlalchemy as sa
from alembic import op

from headrace.store.columns import ID, Moment

revision = "0005"
down_revision = "0004"

ROLE = "role IN ('viewer', 'editor', 'admin', 'owner')"


def upgrade() -> None:
    _create_users()
    _create_user_roles()
    _create_pipeline_tags()
    _extend_tokens()
    _create_audit()


def _create_users() -> None:
    op.create_table(
        "users",
        sa.Column("id", ID, nullable=False),
        sa.Column("uid", sa.String(36), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("username_key", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("email_key", sa.Text(), nullable=True),
        sa.Column("first_name", sa.Text(), nullable=False),
        sa.Column("last_name", sa.Text(), nullable=False),
        sa.Column("avatar", sa.Text(), nullable=False),
        sa.Column("password", sa.Text(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.Column("last_login_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        *(
            sa.UniqueConstraint(each, name=f"uq_users_{each}")
            for each in ("uid", "username_key", "email_key", "subject")
        ),
    )


def _create_user_roles() -> None:
    op.create_table(
        "user_roles",
        sa.Column("id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("role", sa.String(10), nullable=False),
        sa.Column("tag", sa.Text(), nullable=True),
        sa.CheckConstraint(ROLE, name=op.f("ck_user_roles_role")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_user_roles_user_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_user_roles"),
    )
    _index("user_roles", "ix_user_roles_tag", ["user_id", "tag"], "tag IS NOT NULL", unique=True)
    _index("user_roles", "ix_user_roles_everywhere", ["user_id"], "tag IS NULL", unique=True)


def _create_pipeline_tags() -> None:
    made = op.create_table(
        "pipeline_tags",
        sa.Column("id", ID, nullable=False),
        sa.Column("pipeline_id", ID, nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["pipeline_id"], ["pipelines.id"], name="fk_pipeline_tags_pipeline_id"),
        sa.PrimaryKeyConstraint("id", name="pk_pipeline_tags"),
        sa.UniqueConstraint("pipeline_id", "tag", name="uq_pipeline_tags_pipeline_id_tag"),
    )
    op.create_index("ix_pipeline_tags_tag_pipeline_id", "pipeline_tags", ["tag", "pipeline_id"])
    if rows := [{"pipeline_id": pipeline, "tag": tag} for pipeline, tag in _tags(op.get_bind())]:
        op.bulk_insert(made, rows)


def _tags(connection: sa.Connection) -> list[tuple[int, str]]:
    """Those of the version of each pipeline that was used last."""
    found = connection.execute(sa.text("SELECT pipeline_id, content FROM versions ORDER BY used_at, id"))
    latest: dict[int, str] = {pipeline: content for pipeline, content in found}  # noqa: C416 - a row is no tuple
    return [(pipeline, tag) for pipeline, content in latest.items() for tag in sorted(_of(content))]


def _of(content: str) -> set[str]:
    try:
        read: Any = msgspec.json.decode(content)
    except msgspec.DecodeError:
        return set()
    tags = cast("dict[str, Any]", read).get("tags") if isinstance(read, dict) else None
    return {tag for tag in cast("list[Any]", tags) if isinstance(tag, str)} if isinstance(tags, list) else set()


def _extend_tokens() -> None:
    user = sa.ForeignKey("users.id", name="fk_tokens_user_id", ondelete="SET NULL")
    with op.batch_alter_table("tokens") as table:
        table.add_column(sa.Column("kind", sa.String(10), nullable=False, server_default="api"))
        table.add_column(sa.Column("user_id", ID, user, nullable=True))
    _index("tokens", "ix_tokens_user_id", ["user_id"], "user_id IS NOT NULL")


def _create_audit() -> None:
    op.create_table(
        "audit",
        sa.Column("id", ID, nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("user_id", ID, nullable=True),
        sa.Column("token_id", ID, nullable=True),
        sa.Column("deed", sa.String(80), nullable=False),
        sa.Column("noun", sa.String(40), nullable=False),
        sa.Column("object", sa.Text(), nullable=True),
        sa.Column("run_id", ID, nullable=True),
        sa.Column("project", sa.Text(), nullable=True),
        sa.Column("outcome", sa.String(10), nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("via", sa.String(10), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.CheckConstraint("outcome IN ('ok', 'refused', 'failed')", name=op.f("ck_audit_outcome")),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
    )
    op.create_index("ix_audit_at", "audit", ["at"])
    op.create_index("ix_audit_who_id", "audit", ["who", "id"])
    _index("audit", "ix_audit_run_id", ["run_id", "id"], "run_id IS NOT NULL")
    for statement in SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRES:
        op.execute(statement)


# The database itself sees to it that what was done stays as it was written down.
SQLITE = (
    "CREATE TRIGGER audit_stays BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is only added to'); END",
)
POSTGRES = (
    """
    CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'the audit is only added to' USING ERRCODE = 'integrity_constraint_violation';
    END $$
    """,
    "CREATE TRIGGER audit_stays BEFORE UPDATE ON audit FOR EACH ROW EXECUTE FUNCTION refuse_change()",
)


def _index(table: str, name: str, columns: list[str], where: str, *, unique: bool = False) -> None:
    some = sa.text(where)
    op.create_index(name, table, columns, unique=unique, sqlite_where=some, postgresql_where=some)
