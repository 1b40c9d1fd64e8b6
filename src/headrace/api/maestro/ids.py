"""Ids: a pipeline's and a run's are UUIDs, a job's is its pipeline's with its place there; all with underscores."""

import re
from uuid import UUID

from headrace import errors

_JOB = re.compile(r"(?P<pipeline>.{32,36})[_-](?P<index>\d{1,4})")


def read(said: str, noun: str = "pipeline") -> str:
    """The uid that is meant, whether it is said with hyphens or underscores. NoSuchRecord for what is none."""
    if (found := find(said)) is None:
        raise errors.NoSuchRecord(noun=noun, id=f"{said:.80}")
    return found


def find(said: str) -> str | None:
    """The same; None for what is none."""
    try:
        return str(UUID(said.replace("_", "-"))) if said.isascii() else None
    except ValueError:
        return None


def job(said: str) -> tuple[str, int]:
    """The pipeline's uid, and which of its jobs. JobNotFound for what is no such id."""
    match = _JOB.fullmatch(said)
    uid = find(match["pipeline"]) if match else None
    if match is None or uid is None:
        raise errors.JobNotFound(job=f"{said:.80}")
    return uid, int(match["index"])


def told(uid: str) -> str:
    """As clients are told it."""
    return uid.replace("-", "_")
