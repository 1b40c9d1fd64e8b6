"""Run by alembic: migrates over the connection it was given, in that connection's transaction."""

from alembic import context

from headrace.store import tables

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=tables.metadata)
context.run_migrations()
