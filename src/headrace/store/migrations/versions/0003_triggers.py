"""Attempts that wait for other runs."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("attempts", sa.Column("waiting", sa.Boolean(), nullable=False, server_default=sa.false()))
