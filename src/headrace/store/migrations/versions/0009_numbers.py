"""The number of a run or a backfill that has gone is not given again: lists, links and the audit name them by it."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

NUMBERED = ("runs", "backfills")


def upgrade() -> None:
    """On PostgreSQL it never was. On SQLite the text of the keys changes alone, as in 0008."""
    if op.get_bind().dialect.name != "sqlite":
        return
    connection = op.get_bind()
    op.execute("CREATE TABLE first_of_its_kind (id INTEGER PRIMARY KEY AUTOINCREMENT)")
    op.execute("DROP TABLE first_of_its_kind")  # what counts for all such tables is there now
    schema = connection.scalar(sa.text("PRAGMA schema_version"))
    op.execute("PRAGMA writable_schema = ON")
    for table in NUMBERED:
        rewritten = sa.text(
            "UPDATE sqlite_schema SET sql = replace(sql, :before, :after) WHERE type = 'table' AND name = :table"
        )
        key = f"CONSTRAINT pk_{table} PRIMARY KEY"
        words = {"before": f"{key} (id)", "after": f"{key} (id AUTOINCREMENT)"}
        connection.execute(rewritten, {"table": table, **words})
    op.execute(f"PRAGMA schema_version = {schema + 1}")
    op.execute("PRAGMA writable_schema = RESET")
