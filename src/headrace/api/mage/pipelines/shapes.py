"""Pipelines as Mage's clients know them: each key, in its order, of its type. They are told as they are written."""

from collections.abc import Mapping
from typing import Any, NotRequired, cast

from typing_extensions import TypedDict

from headrace.api.mage import dates
from headrace.api.mage.blocks import shapes as blocks
from headrace.api.mage.blocks.shapes import MageBlock, ShownBlock
from headrace.api.mage.triggers.shapes import Within
from headrace.operations import documents, pipeline_files
from headrace.operations.pipeline_files import Draft, Entry

INVALID = "invalid"  # the type, in Mage, of a pipeline that cannot be read


class _Told(TypedDict):
    cache_block_output_in_memory: bool
    concurrency_config: dict[str, Any]
    created_at: str | None
    data_integration: dict[str, Any] | None
    description: str | None
    executor_config: dict[str, Any]
    executor_count: int
    executor_type: str | None
    name: str
    notification_config: dict[str, Any]
    remote_variables_dir: str | None
    retry_config: dict[str, Any]
    run_pipeline_in_one_process: bool
    settings: dict[str, Any]
    tags: list[str]
    type: str
    uuid: str
    variables_dir: str
    variables: dict[str, Any]
    spark_config: dict[str, Any]


class MagePipeline(_Told):
    """A pipeline; `schedules` are there where they are asked for."""

    blocks: list[MageBlock]
    callbacks: list[MageBlock]
    conditionals: list[MageBlock]
    widgets: list[MageBlock]
    extensions: dict[str, Any]
    updated_at: str | None
    schedules: NotRequired[list[Within]]


class ShownPipeline(_Told):
    """A pipeline with the code of its blocks."""

    blocks: list[ShownBlock]
    callbacks: list[ShownBlock]
    conditionals: list[ShownBlock]
    widgets: list[MageBlock]
    extensions: dict[str, Any]
    updated_at: str | None
    schedules: NotRequired[list[Within]]


def pipeline(draft: Draft, kept: str) -> MagePipeline:
    """What is told of a pipeline everywhere; `kept` is where what its blocks give is kept."""
    return {
        **_told(draft.name, draft.whole, kept),
        "blocks": _blocks(draft, "blocks"),
        "callbacks": _blocks(draft, "callbacks"),
        "conditionals": _blocks(draft, "conditionals"),
        "widgets": _blocks(draft, "widgets"),
        "extensions": _mapping(draft.whole.get("extensions")),
        "updated_at": dates.with_t(draft.changed_at),
    }


def shown(draft: Draft, kept: str, code: Mapping[str, str]) -> ShownPipeline:
    """The detail of a pipeline; `code` has what its blocks' files say, by name."""
    return {
        **_told(draft.name, draft.whole, kept),
        "blocks": _shown(draft, "blocks", code),
        "callbacks": _shown(draft, "callbacks", code),
        "conditionals": _shown(draft, "conditionals", code),
        "widgets": _blocks(draft, "widgets"),
        "extensions": _mapping(draft.whole.get("extensions")),
        "updated_at": dates.with_t(draft.changed_at),
    }


def invalid(name: str, kept: str) -> MagePipeline:
    """A pipeline whose file says nothing that can be read."""
    return {
        **_told(name, {"type": INVALID}, kept),
        "blocks": [],
        "callbacks": [],
        "conditionals": [],
        "widgets": [],
        "extensions": {},
        "updated_at": None,
    }


def is_sound(whole: Entry) -> bool:
    """Can its lists of blocks be read as such?"""
    lists = [whole.get(kind) for kind in ("blocks", "callbacks", "conditionals")]
    return all(listed is None or isinstance(listed, list) for listed in lists)


def _told(name: str, whole: Entry, kept: str) -> _Told:
    return {
        "cache_block_output_in_memory": whole.get("cache_block_output_in_memory") is True,
        "concurrency_config": _mapping(whole.get("concurrency_config")),
        "created_at": _moment(whole.get("created_at")),
        "data_integration": _mapping_if_any(whole.get("data_integration")),
        "description": _text(whole.get("description")),
        "executor_config": documents.masked(_mapping(whole.get("executor_config"))),
        "executor_count": _count(whole.get("executor_count")),
        "executor_type": _text(whole.get("executor_type")),
        "name": _text(whole.get("name")) or name,
        "notification_config": documents.masked(_mapping(whole.get("notification_config"))),
        "remote_variables_dir": _text(whole.get("remote_variables_dir")),
        "retry_config": _mapping(whole.get("retry_config")),
        "run_pipeline_in_one_process": whole.get("run_pipeline_in_one_process") is True,
        "settings": {"triggers": None, **_mapping(whole.get("settings"))},
        "tags": pipeline_files.tags(whole),
        "type": _text(whole.get("type")) or "python",
        "uuid": name,
        "variables_dir": _text(whole.get("variables_dir")) or kept,
        "variables": documents.masked(_mapping(whole.get("variables"))),
        "spark_config": documents.masked(_mapping(whole.get("spark_config"))),
    }


def _blocks(draft: Draft, kind: str) -> list[MageBlock]:
    return [blocks.block(each) for each in pipeline_files.entries(draft, kind)]


def _shown(draft: Draft, kind: str, code: Mapping[str, str]) -> list[ShownBlock]:
    return [blocks.shown(each, draft, code) for each in pipeline_files.entries(draft, kind)]


def _moment(given: Any) -> str | None:
    """As it is written; one that YAML takes for a date has a space, as all others."""
    text = _text(given)
    if text and text[10:11] == "T":
        try:
            return dates.spaced(dates.read(text))
        except ValueError:
            return text
    return text


def _text(given: Any) -> str | None:
    return given if isinstance(given, str) and given else None


def _count(given: Any) -> int:
    return given if isinstance(given, int) and not isinstance(given, bool) else 1


def _mapping(given: Any) -> dict[str, Any]:
    return _mapping_if_any(given) or {}


def _mapping_if_any(given: Any) -> dict[str, Any] | None:
    return cast("dict[str, Any]", given) if isinstance(given, dict) else None
