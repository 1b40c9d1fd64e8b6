"""Pipeline and Block: what a project folder says, as immutable values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from headrace.model import retry
from headrace.model.limits import Limits


class BlockType(StrEnum):
    """The types a block can be written with in a project (the words of the Mage format)."""

    DATA_LOADER = "data_loader"
    TRANSFORMER = "transformer"
    DATA_EXPORTER = "data_exporter"
    CUSTOM = "custom"
    SENSOR = "sensor"
    CALLBACK = "callback"
    CONDITIONAL = "conditional"
    DBT = "dbt"
    EXTENSION = "extension"
    GLOBAL_DATA_PRODUCT = "global_data_product"
    HOOK = "hook"
    MARKDOWN = "markdown"
    SCRATCHPAD = "scratchpad"
    CHART = "chart"


NEVER_RUN = frozenset({BlockType.MARKDOWN, BlockType.SCRATCHPAD, BlockType.CHART})


class Language(StrEnum):
    PYTHON = "python"
    SQL = "sql"
    YAML = "yaml"
    R = "r"
    MARKDOWN = "markdown"


@dataclass(frozen=True, slots=True)
class Block:
    """One step of a pipeline. `file` is its code, a posix path relative to the project folder."""

    uuid: str
    type: BlockType
    language: Language = Language.PYTHON
    name: str = ""
    file: str | None = None
    text: str | None = None  # the code, of what is no program but said in SQL or YAML
    upstream: tuple[str, ...] = ()
    configuration: Mapping[str, Any] = field(default_factory=dict[str, Any])
    retry_config: Mapping[str, Any] = field(default_factory=dict[str, Any])
    reads: tuple[str, ...] = ()  # datasets, by name
    writes: tuple[str, ...] = ()
    timeout: float | None = None  # seconds
    fresh_process: bool = False
    memory_limit: int | None = None  # bytes
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])  # keys of metadata.yaml kept and not used

    @property
    def is_step(self) -> bool:
        """Whether it is a query over datasets, whose result becomes one; other blocks in SQL speak to a database that they name."""
        return self.language is Language.SQL and bool(self.writes)

    @property
    def is_transfer(self) -> bool:
        """Whether it moves a table, as its file says, and has no code; see `model.transfer`."""
        return self.language is Language.YAML and self.configuration.get("job_type") == "transfer"


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Blocks and edges as written in one folder under `pipelines/`; `name` is that folder's name."""

    name: str
    title: str = ""
    type: str = "python"
    description: str = ""
    tags: tuple[str, ...] = ()
    blocks: tuple[Block, ...] = ()
    callbacks: tuple[Block, ...] = ()
    conditionals: tuple[Block, ...] = ()
    variables: Mapping[str, Any] = field(default_factory=dict[str, Any])
    retry_config: Mapping[str, Any] = field(default_factory=dict[str, Any])  # project's, with the pipeline's over it
    limits: Limits = field(default_factory=Limits)
    imports: tuple[str, ...] = ()  # third-party modules its code imports, for warming workers
    warnings: tuple[str, ...] = ()  # what was forgiven when it was read, in words
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def block(self, uuid: str) -> Block:
        """The block of that uuid; KeyError if there is none."""
        for block in self.blocks:
            if block.uuid == uuid:
                return block
        raise KeyError(uuid)

    @property
    def graph(self) -> dict[str, tuple[str, ...]]:
        """Each block's upstream blocks, blocks in the order they are written."""
        return {block.uuid: block.upstream for block in self.blocks}

    def retry_policy(self, block: str, of_run: Mapping[str, Any] | None = None) -> retry.Policy:
        """How often a block is tried: the project's and pipeline's words, the run's over them, over all the block's own."""
        return retry.Policy.read({**self.retry_config, **(of_run or {}), **self.block(block).retry_config})
