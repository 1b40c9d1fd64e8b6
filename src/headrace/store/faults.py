"""Faults: why a trigger cannot do its part, for as long as it cannot. Each is about something, which the text begins with."""

import sqlalchemy as sa

from headrace.store.tables import triggers


def note(connection: sa.Connection, trigger_id: int, about: str, why: str) -> None:
    """That is the trigger's fault until somebody changes it, or what it is about goes well again."""
    text = f"{about}: {why}"
    differs = sa.or_(triggers.c.fault.is_(None), triggers.c.fault != text)
    connection.execute(sa.update(triggers).where(triggers.c.id == trigger_id, differs).values(fault=text))


def clear(connection: sa.Connection, trigger_id: int, about: str) -> None:
    """What it is about has gone well; any other fault stays."""
    this = triggers.c.fault.startswith(f"{about}: ", autoescape=True)
    connection.execute(sa.update(triggers).where(triggers.c.id == trigger_id, this).values(fault=None))
