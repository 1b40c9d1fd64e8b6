"""Names for things that are new: UUIDv7, so that they sort by the time they were made."""

from datetime import UTC, datetime

import uuid_utils


def new() -> str:
    """A uid that nothing else has."""
    return str(uuid_utils.uuid7())


def moment(uid: str) -> datetime | None:
    """When it was made; None for what is no such name."""
    try:
        found = uuid_utils.UUID(uid)
    except ValueError:
        return None
    return datetime.fromtimestamp(found.timestamp / 1000, UTC) if found.version == 7 else None
