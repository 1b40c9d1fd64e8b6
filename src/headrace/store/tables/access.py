"""Who may come in and who has done what: users, their roles and tokens, the audit; and secrets."""

import sqlalchemy as sa

from headrace.store.columns import ID, Moment
from headrace.store.tables import schema

users = sa.Table(
    "users",
    schema.metadata,
    schema.id(),
    schema.uid(),
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
    schema.metadata,
    schema.id(),
    sa.Column("user_id", ID, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    sa.Column("role", sa.String(10), nullable=False),
    sa.Column("tag", sa.Text),  # of the pipelines that it is for; NULL: for all
    sa.CheckConstraint("role IN ('viewer', 'editor', 'admin', 'owner')", name="role"),
    schema.partly("user_roles_tag", "user_id", "tag", where="tag IS NOT NULL", unique=True),
    schema.partly("user_roles_everywhere", "user_id", where="tag IS NULL", unique=True),
)

tokens = sa.Table(  # what programs and browsers show to be let in; only the hash of each is kept
    "tokens",
    schema.metadata,
    schema.id(),
    schema.uid(),
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
    schema.partly("tokens_user_id", "user_id", where="user_id IS NOT NULL"),
)

audit = sa.Table(  # who did what; rows are added, and go when they are old, and are never changed
    "audit",
    schema.metadata,
    schema.id(),
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
    schema.partly("audit_run_id", "run_id", "id", where="run_id IS NOT NULL"),
)

secrets = sa.Table(  # sealed; of a project, or of all of them
    "secrets",
    schema.metadata,
    schema.id(),
    sa.Column("project_id", ID, sa.ForeignKey("projects.id")),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("sealed", sa.Text, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("updated_at", Moment, nullable=False),
    schema.partly("secrets_project_id", "project_id", "name", where="project_id IS NOT NULL", unique=True),
    schema.partly("secrets_name", "name", where="project_id IS NULL", unique=True),
)
