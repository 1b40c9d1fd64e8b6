"""What of the format this version can run; everything of it can be read and shown."""

from collections.abc import Iterator

from headrace import errors
from headrace.model.pipeline import NEVER_RUN, Block, BlockType, Language, Pipeline

_TYPES = frozenset({BlockType.DATA_LOADER, BlockType.TRANSFORMER, BlockType.DATA_EXPORTER, BlockType.CUSTOM})
_PIPELINES = frozenset({"python", "pyspark", "databricks"})


def refuse_unsupported(pipeline: Pipeline) -> None:
    """Raises Unsupported, naming the file and the block, if any of the pipeline is not something that is run yet."""
    for what in _unsupported(pipeline):
        raise errors.Unsupported(file=f"pipelines/{pipeline.name}/metadata.yaml", what=what)


def _unsupported(pipeline: Pipeline) -> Iterator[str]:
    if pipeline.type not in _PIPELINES:
        yield f"a pipeline of type {pipeline.type}"
    for block in pipeline.blocks:
        if block.type not in NEVER_RUN:
            yield from _unsupported_block(block)
    for kind, attached in (("callback", pipeline.callbacks), ("conditional", pipeline.conditionals)):
        yield from (f"the {kind} {block.uuid}" for block in attached if block.upstream)
    yield from (f"the extension {name}" for name in _extensions(pipeline))


def _unsupported_block(block: Block) -> Iterator[str]:
    if block.type not in _TYPES:
        yield f"the block {block.uuid} of type {block.type}"
    if block.language is not Language.PYTHON and not block.is_step and not block.is_transfer:
        yield f"the block {block.uuid} in {block.language}"
    for setting in ("dynamic", "reduce_output"):
        if block.configuration.get(setting):
            yield f"the dynamic block {block.uuid} (configuration.{setting})"


def _extensions(pipeline: Pipeline) -> Iterator[str]:
    """Extensions that have blocks: they check what other blocks return, which must not be skipped in silence."""
    extensions = pipeline.extra.get("extensions")
    for name, extension in extensions.items() if isinstance(extensions, dict) else ():  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
        if isinstance(extension, dict) and extension.get("blocks"):  # pyright: ignore[reportUnknownMemberType]
            yield str(name)  # pyright: ignore[reportUnknownArgumentType]
