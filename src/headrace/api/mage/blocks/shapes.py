"""Blocks as Mage's clients know them: each key, in its order, of its type. What a pipeline says of a block is told so."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from typing_extensions import TypedDict

from headrace.operations.pipeline_files import Draft, Entry, entries

DYNAMIC, CHILD, REDUCE, REPLICA, CONDITION = "dynamic", "dynamic_child", "reduce_output", "replica", "condition"


class MageBlock(TypedDict):
    all_upstream_blocks_executed: bool
    color: str | None
    configuration: dict[str, Any] | None
    downstream_blocks: list[str]
    executor_config: dict[str, Any] | None
    executor_type: str | None
    has_callback: bool
    name: str
    language: str
    retry_config: dict[str, Any] | None
    status: str
    timeout: float | None
    type: str | None
    upstream_blocks: list[str]
    uuid: str


class ListedBlock(MageBlock):
    tags: list[str]


class ShownBlock(MageBlock):
    callback_blocks: list[str]
    conditional_blocks: list[str]
    content: str
    outputs: list[Any]
    metadata: dict[str, Any]
    tags: list[str]


class WrittenBlock(MageBlock):
    callback_blocks: list[str]
    conditional_blocks: list[str]
    content: str


def block(entry: Entry) -> MageBlock:
    """What is told of a block everywhere."""
    return {
        "all_upstream_blocks_executed": entry.get("all_upstream_blocks_executed") is not False,
        "color": _text(entry.get("color")),
        "configuration": _mapping(entry.get("configuration")) or {},
        "downstream_blocks": texts(entry.get("downstream_blocks")),
        "executor_config": _mapping(entry.get("executor_config")),
        "executor_type": _text(entry.get("executor_type")) or "local_python",
        "has_callback": entry.get("has_callback") is True,
        "name": _text(entry.get("name")) or str(entry.get("uuid")),
        "language": _text(entry.get("language")) or "python",
        "retry_config": _mapping(entry.get("retry_config")),
        "status": _text(entry.get("status")) or "not_executed",
        "timeout": _number(entry.get("timeout")),
        "type": _text(entry.get("type")),
        "upstream_blocks": texts(entry.get("upstream_blocks")),
        "uuid": str(entry.get("uuid")),
    }


def listed(entry: Entry, draft: Draft) -> ListedBlock:
    return {**block(entry), "tags": tags(entry, draft)}


def shown(entry: Entry, draft: Draft, code: Mapping[str, str]) -> ShownBlock:
    """`code` has what the blocks' files say, by name. Outputs are asked for by run, and there are none here."""
    name = str(entry.get("uuid"))
    return {
        **block(entry),
        "callback_blocks": attached(draft, "callbacks", name),
        "conditional_blocks": attached(draft, "conditionals", name),
        "content": code.get(name, ""),
        "outputs": [],
        "metadata": {},
        "tags": tags(entry, draft),
    }


def written(entry: Entry, draft: Draft, code: Mapping[str, str]) -> WrittenBlock:
    name = str(entry.get("uuid"))
    return {
        **block(entry),
        "callback_blocks": attached(draft, "callbacks", name),
        "conditional_blocks": attached(draft, "conditionals", name),
        "content": code.get(name, ""),
    }


def attached(draft: Draft, kind: str, name: str) -> list[str]:
    """The callbacks or conditionals that are put to that block."""
    return [str(each.get("uuid")) for each in entries(draft, kind) if name in texts(each.get("upstream_blocks"))]


def tags(entry: Entry, draft: Draft) -> list[str]:
    """What is special about the block, in Mage's words."""
    name = str(entry.get("uuid"))
    found = {
        CONDITION: bool(attached(draft, "conditionals", name)),
        DYNAMIC: _says(entry, "dynamic"),
        CHILD: _is_child(entry, draft),
        REDUCE: _says(entry, "reduce_output"),
        REPLICA: bool(entry.get("replicated_block")),
    }
    return [word for word, is_so in found.items() if is_so]


def texts(given: Any) -> list[str]:
    listed = cast("Sequence[Any]", given) if isinstance(given, list) else ()
    return [each for each in listed if isinstance(each, str)]


def _is_child(entry: Entry, draft: Draft) -> bool:
    """Is it run once for each of what a block above it gives?"""
    above = texts(entry.get("upstream_blocks"))
    return any(_says(each, "dynamic") for each in entries(draft, "blocks") if each.get("uuid") in above)


def _says(entry: Entry, name: str) -> bool:
    return (_mapping(entry.get("configuration")) or {}).get(name) is True


def _text(given: Any) -> str | None:
    return given if isinstance(given, str) and given else None


def _mapping(given: Any) -> dict[str, Any] | None:
    return cast("dict[str, Any]", given) if isinstance(given, dict) else None


def _number(given: Any) -> float | None:
    return given if isinstance(given, int | float) and not isinstance(given, bool) else None
