"""What a server keeps: tokens of those it lets in, secrets; and what its lists of runs are read from."""

import sqlalchemy as sa
from alembic import op

from headrace.store.columns import ID, Moment

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    _create_tokens()
    _create_secrets()
    _index_runs()
    _create_tallies()
    _note_what_ages()
    _create_remains()
    op.add_column("engines", sa.Column("drain_requested_at", Moment(), nullable=True))


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


def _index_runs() -> None:
    for noun in ("trigger", "backfill"):
        some = f"{noun}_id IS NOT NULL"
        _index("runs", f"ix_runs_{noun}_status", [f"{noun}_id", "status", "id"], some)
    _index("runs", "ix_runs_trigger_date", ["trigger_id", "execution_date", "id"], "trigger_id IS NOT NULL")
    _index("runs", "ix_runs_ended_at", ["ended_at", "id"], "ended_at IS NOT NULL")
    for columns in (["pipeline_id", "status", "id"], ["created_at", "id"], ["execution_date", "id"]):
        op.create_index(f"ix_runs_{'_'.join(columns)}", "runs", columns)


def _create_tallies() -> None:
    op.create_table(
        "tallies",
        sa.Column("id", ID, nullable=False),
        sa.Column("pipeline_id", ID, nullable=False),
        sa.Column("trigger_id", ID, nullable=True),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("runs", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_tallies"),
    )
    columns = ["pipeline_id", "trigger_id", "status"]
    op.create_index("ix_tallies_pipeline_id_trigger_id_status", "tallies", columns)
    op.execute(
        "INSERT INTO tallies (pipeline_id, trigger_id, status, runs)"
        " SELECT pipeline_id, trigger_id, status, count(*) FROM runs GROUP BY pipeline_id, trigger_id, status"
    )
    for statement in SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRES:
        op.execute(statement)


# SQLite has one writer, so there one row is kept for each count. Whatever makes the table anew makes these anew.
_ONE_LESS = """
    UPDATE tallies SET runs = runs - 1
    WHERE pipeline_id = OLD.pipeline_id AND trigger_id IS OLD.trigger_id AND status = OLD.status;
"""
_ONE_MORE = """
    INSERT INTO tallies (pipeline_id, trigger_id, status, runs)
    SELECT NEW.pipeline_id, NEW.trigger_id, NEW.status, 0
    WHERE NOT EXISTS (
        SELECT 1 FROM tallies
        WHERE pipeline_id = NEW.pipeline_id AND trigger_id IS NEW.trigger_id AND status = NEW.status
    );
    UPDATE tallies SET runs = runs + 1
    WHERE pipeline_id = NEW.pipeline_id AND trigger_id IS NEW.trigger_id AND status = NEW.status;
"""
SQLITE = (
    f"CREATE TRIGGER runs_made AFTER INSERT ON runs BEGIN {_ONE_MORE} END",
    f"CREATE TRIGGER runs_gone AFTER DELETE ON runs BEGIN {_ONE_LESS} END",
    "CREATE TRIGGER runs_moved AFTER UPDATE OF status ON runs WHEN OLD.status <> NEW.status"
    f" BEGIN {_ONE_LESS} {_ONE_MORE} END",
)

# On PostgreSQL nobody changes a row: what many engines write side by side would wait for one another.
POSTGRES = (
    """
    CREATE FUNCTION tally_run() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP <> 'INSERT' THEN
            INSERT INTO tallies (pipeline_id, trigger_id, status, runs)
            VALUES (OLD.pipeline_id, OLD.trigger_id, OLD.status, -1);
        END IF;
        IF TG_OP <> 'DELETE' THEN
            INSERT INTO tallies (pipeline_id, trigger_id, status, runs)
            VALUES (NEW.pipeline_id, NEW.trigger_id, NEW.status, 1);
        END IF;
        RETURN NULL;
    END $$
    """,
    "CREATE TRIGGER runs_made AFTER INSERT OR DELETE ON runs FOR EACH ROW EXECUTE FUNCTION tally_run()",
    "CREATE TRIGGER runs_moved AFTER UPDATE OF status ON runs FOR EACH ROW"
    " WHEN (OLD.status <> NEW.status) EXECUTE FUNCTION tally_run()",
)


def _note_what_ages() -> None:
    """When things were used last, what of a run has been cleaned, and what is looked up before anything is deleted."""
    for name in ("outputs_cleaned_at", "logs_cleaned_at"):
        op.add_column("runs", sa.Column(name, Moment(), nullable=True))
    for table in ("snapshots", "versions"):
        op.add_column(table, sa.Column("used_at", Moment(), nullable=True))
        op.execute(f"UPDATE {table} SET used_at = created_at")  # noqa: S608 - of the two tables above
    for column in ("snapshot_id", "version_id"):
        op.create_index(f"ix_runs_{column}", "runs", [column])
    op.create_index("ix_keys_run_uid", "keys", ["run_uid"])
    _index("block_runs", "ix_block_runs_reused_from", ["reused_from"], "reused_from IS NOT NULL")
    _index("occurrences", "ix_occurrences_handled", ["handled_at"], "handled_at IS NOT NULL")


def _create_remains() -> None:
    op.create_table(
        "remains",
        sa.Column("id", ID, nullable=False),
        sa.Column("pipeline_id", ID, nullable=True),
        sa.Column("path", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_remains"),
    )


def _index(table: str, name: str, columns: list[str], where: str, *, unique: bool = False) -> None:
    some = sa.text(where)
    op.create_index(name, table, columns, unique=unique, sqlite_where=some, postgresql_where=some)
