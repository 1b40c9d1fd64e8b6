"""How much may run at once, as a project, a pipeline and its blocks have it written."""

from collections.abc import Callable, Mapping, Sequence

from headrace.model.limits import Limits
from headrace.model.pipeline import Block
from headrace.project.fields import Field

_REACHED = ("wait", "skip")


def of_project(metadata: Field) -> int | None:
    """`queue_config.concurrency`, where it is written. Raises Wrong."""
    return number(metadata.at("queue_config").at("concurrency"))


def of_pipeline(
    whole: Field, project: int | None, blocks: Sequence[tuple[Field, Block]], warn: Callable[[Field, str], None]
) -> Limits:
    """What a pipeline's `concurrency_config` and its blocks' own say, below the project's. Raises Wrong."""
    written = whole.at("concurrency_config")
    return Limits(
        project_blocks=project,
        pipeline_runs=number(written.at("pipeline_run_limit_all_triggers")),
        trigger_runs=number(written.at("pipeline_run_limit")),
        run_blocks=number(written.at("block_run_limit")),
        blocks={**_by_name(written.at("block_run_limit_per_block_uuid"), blocks, warn), **_own(blocks)},
        skip=_skips(written.at("on_pipeline_run_limit_reached")),
    )


def number(written: Field) -> int | None:
    """A whole number, 1 or more; one that is written as text counts as well. None when nothing is written."""
    if written.value is None:
        return None
    text = str(written.value).strip()
    if isinstance(written.value, bool) or not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) > 0):
        raise written.wrong("a whole number, 1 or more")
    return int(text)


def _own(blocks: Sequence[tuple[Field, Block]]) -> Mapping[str, int]:
    own = {block.uuid: number(written.at("concurrency_config").at("block_run_limit")) for written, block in blocks}
    return {name: limit for name, limit in own.items() if limit is not None}


def _by_name(
    written: Field, blocks: Sequence[tuple[Field, Block]], warn: Callable[[Field, str], None]
) -> Mapping[str, int]:
    limits = {name: number(written.at(name)) for name in written.mapping()}
    known = {block.uuid for _, block in blocks}
    for name in limits.keys() - known:
        warn(written.at(name), f"there is no block {name!r}; its limit is left out")
    return {name: limit for name, limit in limits.items() if limit is not None and name in known}


def _skips(written: Field) -> bool:
    if written.value is not None and written.value not in _REACHED:
        raise written.wrong(" or ".join(_REACHED))
    return written.value == "skip"
