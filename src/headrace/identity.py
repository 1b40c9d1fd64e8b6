"""Names for things that are new: UUIDv7, so that they sort by the time they were made."""

import uuid_utils


def new() -> str:
    """A uid that nothing else has."""
    return str(uuid_utils.uuid7())
