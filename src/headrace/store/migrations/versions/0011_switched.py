"""When a pipeline was last paused or resumed; of one that is paused, when it was paused."""

import sqlalchemy as sa
from alembic import op

from headrace.store.columns import Moment

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column("pipelines", sa.Column("switched_at", Moment(), nullable=True))
    op.execute("UPDATE pipelines SET switched_at = paused_at")
