"""A block run, and its attempt, may be `committing`: what it has written becomes a version of a dataset."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

OTHERS = "'completed', 'condition_failed', 'failed', 'initial', 'queued', 'running', 'upstream_failed'"
BEFORE, AFTER = f"'cancelled', {OTHERS}", f"'cancelled', 'committing', {OTHERS}"
TRIED_BEFORE = "'queued', 'running', 'completed', 'failed', 'cancelled'"
TRIED = "'queued', 'running', 'committing', 'completed', 'failed', 'cancelled'"
WORDS = (  # of a table's CHECK of that name, before and after
    ("block_runs", "status", BEFORE, AFTER),
    ("attempts", "status", BEFORE, AFTER),
    ("attempts", "tried", TRIED_BEFORE, TRIED),
)


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        _rewrite()
    else:
        _replace()


def _rewrite() -> None:
    """The text of the CHECKs alone, as SQLite's own manual has it: the rows of the largest tables need not be copied,
    and indexes, triggers and keys stay as they are."""
    connection = op.get_bind()
    schema = connection.scalar(sa.text("PRAGMA schema_version"))
    op.execute("PRAGMA writable_schema = ON")
    for table, _, before, after in WORDS:
        words = {"before": f"CHECK (status IN ({before}))", "after": f"CHECK (status IN ({after}))"}
        rewritten = sa.text(
            "UPDATE sqlite_schema SET sql = replace(sql, :before, :after) WHERE type = 'table' AND name = :table"
        )
        connection.execute(rewritten, {"table": table, **words})
    op.execute(f"PRAGMA schema_version = {schema + 1}")
    op.execute("PRAGMA writable_schema = RESET")


def _replace() -> None:
    for table, name, _, after in WORDS:
        check = op.f(f"ck_{table}_{name}")
        op.drop_constraint(check, table, type_="check")
        op.create_check_constraint(check, table, f"status IN ({after})")
