"""What makes runs begin: triggers with their rules, occurrences, gaps and files; backfills; and what their runs keep."""

import sqlalchemy as sa
from alembic import op

from headrace.store.columns import ID, Document, Moment

revision = "0003"
down_revision = "0002"

TRIGGER_COLUMNS = (
    sa.Column("type", sa.String(10), nullable=False, server_default="api"),
    sa.Column("interval", sa.Text),
    sa.Column("zone", sa.Text, nullable=False, server_default="UTC"),
    sa.Column("start_time", Moment),
    sa.Column("description", sa.Text, nullable=False, server_default=""),
    sa.Column("variables", Document, nullable=False, server_default="{}"),
    sa.Column("sla", sa.Integer),
    sa.Column("settings", Document, nullable=False, server_default="{}"),
    sa.Column("tags", Document, nullable=False, server_default="[]"),
    sa.Column("token", sa.Text, nullable=False, server_default=""),
    sa.Column("token_hash", sa.String(64), nullable=False, server_default=""),
    sa.Column("active", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("last_enabled_at", Moment),
    sa.Column("considered", Moment),
    sa.Column("due_at", Moment),
    sa.Column("in_code", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("fault", sa.Text),
    sa.Column("updated_at", Moment, nullable=False, server_default="1970-01-01 00:00:00.000000+00:00"),
    sa.Column("deleted_at", Moment),
)


def upgrade() -> None:
    _extend_triggers()
    _create_what_fires()
    _create_backfills()
    _extend_limits()
    _extend_runs()
    op.add_column("attempts", sa.Column("waiting", sa.Boolean(), nullable=False, server_default=sa.false()))


def _extend_triggers() -> None:
    with op.batch_alter_table("triggers") as table:
        for column in TRIGGER_COLUMNS:
            table.add_column(column)
        table.drop_constraint("uq_triggers_pipeline_id_name", type_="unique")
        table.create_check_constraint(op.f("ck_triggers_type"), "type IN ('time', 'api', 'event', 'backfill')")
        table.create_check_constraint(op.f("ck_triggers_interval"), "(type = 'time') = (interval IS NOT NULL)")
        deleted = "deleted_at IS NULL OR (active = false AND due_at IS NULL)"
        table.create_check_constraint(op.f("ck_triggers_deleted"), deleted)
    with op.batch_alter_table("triggers") as table:  # the defaults were for what was there
        for column in TRIGGER_COLUMNS:
            if column.server_default is not None:
                table.alter_column(column.name, server_default=None)
    _index("triggers", "ix_triggers_name", ["pipeline_id", "name"], "deleted_at IS NULL", unique=True)
    _index("triggers", "ix_triggers_due", ["due_at"], "due_at IS NOT NULL")
    _index("triggers", "ix_triggers_always", ["id"], "interval IN ('@always_on', '@once') AND active")


def _create_what_fires() -> None:
    kinds = "kind IN ('payload', 'file', 'pipeline', 'dataset')"
    op.create_table(
        "rules",
        sa.Column("id", ID, nullable=False),
        sa.Column("trigger_id", ID, nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("pattern", Document(), nullable=False),
        sa.Column("statuses", Document(), nullable=False),
        sa.Column("every", sa.Float(), nullable=False),
        sa.Column("settle", sa.Float(), nullable=False),
        sa.Column("look_at", Moment(), nullable=True),
        sa.Column("seen", Document(), nullable=True),
        sa.CheckConstraint(kinds, name=op.f("ck_rules_kind")),
        sa.CheckConstraint("look_at IS NULL OR kind = 'file'", name=op.f("ck_rules_looked")),
        sa.ForeignKeyConstraint(["trigger_id"], ["triggers.id"], name="fk_rules_trigger_id"),
        sa.PrimaryKeyConstraint("id", name="pk_rules"),
        sa.UniqueConstraint("trigger_id", "place", name="uq_rules_trigger_id_place"),
    )
    op.create_index("ix_rules_kind_subject", "rules", ["kind", "subject"])
    _index("rules", "ix_rules_look", ["look_at"], "look_at IS NOT NULL")
    op.create_table(
        "occurrences",
        sa.Column("id", ID, nullable=False),
        sa.Column("uid", sa.String(36), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("mark", sa.Text(), nullable=False),
        sa.Column("payload", Document(), nullable=False),
        sa.Column("rule_id", ID, nullable=True),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("handled_at", Moment(), nullable=True),
        sa.Column("runs", sa.Integer(), nullable=True),
        sa.CheckConstraint(kinds, name=op.f("ck_occurrences_kind")),
        sa.CheckConstraint("(handled_at IS NULL) = (runs IS NULL)", name=op.f("ck_occurrences_handled")),
        sa.ForeignKeyConstraint(["rule_id"], ["rules.id"], name="fk_occurrences_rule_id", ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name="pk_occurrences"),
        sa.UniqueConstraint("uid", name="uq_occurrences_uid"),
        sa.UniqueConstraint("kind", "subject", "mark", name="uq_occurrences_kind_subject_mark"),
    )
    _index("occurrences", "ix_occurrences_open", ["id"], "handled_at IS NULL")
    _index("occurrences", "ix_occurrences_rule", ["rule_id"], "rule_id IS NOT NULL")
    op.create_table(
        "gaps",
        sa.Column("id", ID, nullable=False),
        sa.Column("trigger_id", ID, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("first", Moment(), nullable=False),
        sa.Column("last", Moment(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("noticed_at", Moment(), nullable=False),
        sa.CheckConstraint("count > 0 AND first <= last", name=op.f("ck_gaps_extent")),
        sa.ForeignKeyConstraint(["trigger_id"], ["triggers.id"], name="fk_gaps_trigger_id"),
        sa.PrimaryKeyConstraint("id", name="pk_gaps"),
    )
    op.create_index("ix_gaps_trigger_id_id", "gaps", ["trigger_id", "id"])
    op.create_table(
        "trigger_files",
        sa.Column("id", ID, nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.Column("pipeline", sa.Text(), nullable=False),
        sa.Column("mark", sa.Text(), nullable=False),
        sa.Column("faults", Document(), nullable=False),
        sa.Column("read_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_trigger_files_project_id"),
        sa.PrimaryKeyConstraint("id", name="pk_trigger_files"),
        sa.UniqueConstraint("project_id", "pipeline", name="uq_trigger_files_project_id_pipeline"),
    )


def _create_backfills() -> None:
    words = "'cancelled', 'completed', 'failed', 'initial', 'paused', 'running'"
    op.create_table(
        "backfills",
        sa.Column("id", ID, nullable=False),
        sa.Column("uid", sa.String(36), nullable=False),
        sa.Column("pipeline_id", ID, nullable=False),
        sa.Column("trigger_id", ID, nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("start_time", Moment(), nullable=False),
        sa.Column("end_time", Moment(), nullable=False),
        sa.Column("interval_type", sa.String(10), nullable=False),
        sa.Column("interval_units", sa.Integer(), nullable=False),
        sa.Column("which", sa.String(10), nullable=False),
        sa.Column("variables", Document(), nullable=False),
        sa.Column("settings", Document(), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.Column("dates", Document(), nullable=True),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("made", sa.Integer(), nullable=False),
        sa.Column("started_at", Moment(), nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.CheckConstraint(f"status IN ({words})", name=op.f("ck_backfills_status")),
        sa.CheckConstraint(
            "(ended_at IS NOT NULL) = (status IN ('cancelled', 'completed', 'failed'))", name=op.f("ck_backfills_ended")
        ),
        sa.CheckConstraint("which IN ('missing', 'failed', 'all')", name=op.f("ck_backfills_which")),
        sa.CheckConstraint(
            "status IN ('initial', 'cancelled') OR (dates IS NOT NULL AND trigger_id IS NOT NULL)",
            name=op.f("ck_backfills_planned"),
        ),
        sa.ForeignKeyConstraint(["pipeline_id"], ["pipelines.id"], name="fk_backfills_pipeline_id"),
        sa.ForeignKeyConstraint(["trigger_id"], ["triggers.id"], name="fk_backfills_trigger_id"),
        sa.PrimaryKeyConstraint("id", name="pk_backfills"),
        sa.UniqueConstraint("uid", name="uq_backfills_uid"),
    )
    op.create_index("ix_backfills_pipeline_id_id", "backfills", ["pipeline_id", "id"])
    _index("backfills", "ix_backfills_open", ["id"], "status IN ('running', 'paused')")


def _extend_limits() -> None:
    trigger = sa.ForeignKey("triggers.id", name="fk_limits_trigger_id")
    with op.batch_alter_table("limits") as table:
        table.add_column(sa.Column("trigger_id", ID, trigger, nullable=True))
        table.drop_constraint("uq_limits_pipeline_id_kind_block", type_="unique")
        table.create_check_constraint(op.f("ck_limits_trigger"), "trigger_id IS NULL OR kind = 'trigger_runs'")
    own, shared = "trigger_id IS NOT NULL", "trigger_id IS NULL"
    _index("limits", "ix_limits_pipeline_id", ["pipeline_id", "kind", "block"], shared, unique=True)
    _index("limits", "ix_limits_trigger_id", ["trigger_id"], own, unique=True)


def _extend_runs() -> None:
    backfill = sa.ForeignKey("backfills.id", name="fk_runs_backfill_id")
    op.add_column("runs", sa.Column("backfill_id", ID, backfill, nullable=True), inline_references=True)
    op.add_column("runs", sa.Column("occasion", Document(), nullable=False, server_default="{}"))
    op.add_column("runs", sa.Column("event_variables", Document(), nullable=True))
    op.add_column("runs", sa.Column("held", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("runs", sa.Column("sla_at", Moment(), nullable=True))
    op.add_column("runs", sa.Column("passed_sla", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index("ix_runs_pipeline_id_execution_date", "runs", ["pipeline_id", "execution_date"])
    op.drop_index("ix_runs_waiting", "runs")
    waiting = "ended_at IS NULL AND admitted_at IS NULL"
    _index("runs", "ix_runs_waiting", ["held", "execution_date", "id"], waiting)
    _index("runs", "ix_runs_trigger", ["trigger_id", "id"], "trigger_id IS NOT NULL")
    _index("runs", "ix_runs_open", ["trigger_id"], "ended_at IS NULL AND trigger_id IS NOT NULL")
    _index("runs", "ix_runs_backfill", ["backfill_id", "execution_date", "id"], "backfill_id IS NOT NULL")
    missed = "ended_at IS NULL AND sla_at IS NOT NULL AND passed_sla = false"
    _index("runs", "ix_runs_sla", ["sla_at"], missed)


def _index(table: str, name: str, columns: list[str], where: str, *, unique: bool = False) -> None:
    some = sa.text(where)
    op.create_index(name, table, columns, unique=unique, sqlite_where=some, postgresql_where=some)
