"""Forward only: each file under `versions/` takes the database one revision further. Alembic is imported when needed."""

import sqlalchemy as sa

HEAD = "0011"


def revision(connection: sa.Connection) -> str | None:
    """The revision that the database is at, or None for one that is new."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    return connection.scalar(sa.text("SELECT version_num FROM alembic_version"))


def upgrade(connection: sa.Connection) -> None:
    """Applies the revisions that the database lacks, in the connection's transaction."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "headrace.store:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
