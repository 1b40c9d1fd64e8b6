"""The server and its engines."""

from datetime import datetime

from pydantic import Field

from headrace.api.v1.schemas.document import Document


class Stands(Document):
    status: str


class ServerVersion(Document):
    version: str


class Share(Document):
    """What has become old of a pipeline; project and pipeline are null for what is of none."""

    project: str | None
    pipeline: str | None
    kind: str = Field(description="Such as runs, outputs, logs.")
    rows: int
    bytes: int


class Cleaned(Document):
    dry_run: bool = Field(description="Nothing has gone.")
    cleaned: list[Share]
    faults: list[str] = Field(description="What could not be cleaned, and why.")


class Engine(Document):
    """What moves runs forward."""

    name: str
    machine: str
    pid: int
    own: bool = Field(description="It moves only what was made for it, as `headrace run` does.")
    started_at: datetime
    lease_until: datetime | None
    drain_requested_at: datetime | None
    lives: bool
    runs: int = Field(description="How many open runs it has.")


class Engines(Document):
    engines: list[Engine]
