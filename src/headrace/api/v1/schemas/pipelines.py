"""Pipelines, their code and their versions."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from headrace.api.v1.schemas.document import Document, Plain
from headrace.model.pipeline import BlockType, Language


class FoundPipeline(Document):
    """A pipeline in a list; all but its name is null for one that cannot be read, and `error` says why."""

    name: str
    title: str | None
    type: str | None
    description: str | None
    tags: list[str] | None
    blocks: int | None = Field(description="How many it has.")
    warnings: list[str]
    error: str | None = Field(description="Why it cannot be read.")
    cannot_run: str | None = Field(description="Why it can be read and not run.")


class Pipelines(Document):
    pipelines: list[FoundPipeline]


class Block(Document):
    """One step of a pipeline."""

    uuid: str
    type: BlockType
    language: Language
    name: str
    file: str | None = Field(description="Its code, relative to the project.")
    upstream_blocks: list[str] = Field(description="The edges that lead to it.")
    configuration: Plain
    reads: list[str] = Field(description="Datasets, by name.")
    writes: list[str] = Field(description="Datasets, by name.")
    retry_config: Plain
    retries: int
    timeout: float | None = Field(description="Seconds.")
    fresh_process: bool
    memory_limit: int | None = Field(description="Bytes.")


class Limits(Document):
    """How much may run at once; null is no limit."""

    project_blocks: int | None
    pipeline_runs: int | None
    trigger_runs: int | None
    run_blocks: int | None
    blocks: dict[str, int]
    skip: bool = Field(description="A run that finds no room is cancelled; otherwise it waits.")


class Pipeline(Document):
    """Blocks and edges, as written."""

    name: str
    title: str
    type: str
    description: str
    tags: list[str]
    blocks: list[Block]
    callbacks: list[Block]
    conditionals: list[Block]
    variables: Plain
    retry_config: Plain
    limits: Limits
    warnings: list[str]
    cannot_run: str | None


class Code(Document):
    """What a block runs."""

    block: str
    language: Language
    path: str | None = Field(description="Relative to the project; null for a block without a file.")
    text: str | None
    version: str | None = Field(description="The version that it is of; null for the code as it is now.")


class Version(Document):
    """A pipeline's content at one moment."""

    id: int
    uid: str
    hash: str
    created_at: datetime = Field(description="When its like was pinned first.")
    used_at: datetime | None = Field(description="When it was pinned last, to the day.")


class Versions(Document):
    versions: list[Version]
    next: str | None


class ShownVersion(Version):
    pipeline: Pipeline


class Applied(Document):
    """What became of a pipeline for its definition, or would become of it."""

    pipeline: str = Field(description="Its name within the project.")
    title: str = Field(description="What it is called.")
    uid: str | None
    deed: Literal["created", "changed", "unchanged"]
    changes: list[str] = Field(description="What of it is another than before, in words.")
    version: str | None = Field(description="The hash of the version that it has; null where nothing was to be done.")
