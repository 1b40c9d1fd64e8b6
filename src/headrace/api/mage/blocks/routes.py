"""Blocks of pipelines: listed, looked at, made, changed, deleted, in the pipeline's file and their own."""

from collections.abc import Mapping
from typing import Any

from headrace import errors
from headrace.api import auditing
from headrace.api.mage import fields
from headrace.api.mage.asked import Asked
from headrace.api.mage.blocks import shapes
from headrace.api.mage.envelopes import Many
from headrace.api.mage.resources import Resource
from headrace.operations import block_files, pipeline_files
from headrace.operations.pipeline_files import Draft, Entry

blocks = Resource("block", "blocks")
RESOURCES = (blocks,)

CREATED = (
    "block_action_object", "catalog", "color", "config", "configuration", "content", "converted_from", "defaults",
    "downstream_blocks", "extension_uuid", "has_callback", "language", "metadata", "name", "pipelines", "priority",
    "replicated_block", "require_unique_name", "type", "upstream_blocks", "uuid",
)  # fmt: skip
CHANGED = (
    *CREATED, "all_upstream_blocks_executed", "bookmark_values", "callback_blocks", "conditional_blocks",
    "destination_table", "documentation", "executor_config", "executor_type", "groups", "outputs", "retry_config",
    "status", "tags", "tap_stream_id", "timeout",
)  # fmt: skip
NULLABLE = ("color", "executor_config", "executor_type", "retry_config", "timeout")
SHOWN = (
    "block_type", "extension_uuid", "file_path", "include_block_catalog", "include_block_metadata",
    "include_block_tags", "include_documentation", "include_outputs", "include_outputs_spark",
)  # fmt: skip


@blocks.list("/pipelines/{pipeline}/blocks", query=("block_uuid[]", *SHOWN), shape=shapes.ListedBlock)
def list_all(asked: Asked) -> Many:
    """Blocks of a pipeline"""
    draft = _draft(asked)
    wanted = asked.query.several("block_uuid")
    found = [each for each in pipeline_files.entries(draft) if wanted is None or each.get("uuid") in wanted]
    offset = asked.query.offset
    shown = found[offset : offset + asked.query.limit(len(found))]
    metadata = {"count": len(found), "next": offset + len(shown) < len(found)}
    return Many([shapes.listed(each, draft) for each in shown], metadata)


@blocks.detail("/pipelines/{pipeline}/blocks/{block:path}", query=SHOWN, shape=shapes.ShownBlock)
def show(asked: Asked) -> shapes.ShownBlock:
    """A block of a pipeline, and its code"""
    draft = _draft(asked)
    entry = _entry(draft, asked.path("block"))
    return shapes.shown(entry, draft, _code(asked, draft, entry))


@blocks.detail("/blocks/{block:path}", query=SHOWN, shape=shapes.ShownBlock)
def show_alone(asked: Asked) -> shapes.ShownBlock:
    """A block by its type and name, whichever pipelines have it"""
    type, _, name = asked.path("block").partition("/")
    pipeline = block_files.pipeline_of(asked.home, asked.project.path, type, name)
    draft = pipeline_files.drafted(asked.home, asked.project.path, pipeline)
    entry = _entry(draft, name)
    return shapes.shown(entry, draft, _code(asked, draft, entry))


@blocks.create("/pipelines/{pipeline}/blocks", writes=CREATED, shape=shapes.WrittenBlock)
def create(asked: Asked) -> shapes.WrittenBlock:
    """Make a block

    Its file is made, unless there is one of its name and type, which the block then shares.
    """
    given = asked.given
    new = block_files.New(
        title=fields.text(asked, "name"),
        type=fields.text(asked, "type"),
        language=fields.text_if_any(asked, "language") or "python",
        code=fields.text_if_any(asked, "content"),
        place=_place(given.get("priority")),
        upstream=shapes.texts(given.get("upstream_blocks")),
        downstream=shapes.texts(given.get("downstream_blocks")),
        fields=_fields(given, block_files.FIELDS | {"replicated_block"}),
        alone=given.get("require_unique_name") is True,
    )
    name = block_files.create(asked.home, asked.project.path, asked.path("pipeline"), new)
    auditing.touch(asked.request, "blocks", f"{asked.path('pipeline')}/{name}")
    return _written(asked, name)


@blocks.update("/pipelines/{pipeline}/blocks/{block:path}", writes=CHANGED, shape=shapes.WrittenBlock)
def update(asked: Asked) -> shapes.WrittenBlock:
    """Change a block

    Under another name it has it in every pipeline, and its file has it, too.
    """
    home, folder, pipeline, name = asked.home, asked.project.path, asked.path("pipeline"), asked.path("block")
    entry = _entry(_draft(asked), name)
    code, title = fields.text_if_any(asked, "content"), fields.text_if_any(asked, "name")
    if code is not None:
        block_files.write_code(home, folder, pipeline, name, code)
    if changes := _fields(asked.given, block_files.CHANGEABLE):
        block_files.change(home, folder, pipeline, name, changes)
    if title and title != entry.get("name"):
        name = block_files.rename(home, folder, pipeline, name, title)
    return _written(asked, name)


@blocks.delete(
    "/pipelines/{pipeline}/blocks/{block:path}",
    query=("delete_file", "extension_uuid", "file_path", "force", "block_type"),
    shape=shapes.MageBlock,
)
def delete(asked: Asked) -> shapes.MageBlock:
    """Take a block out of a pipeline"""
    name, query = asked.path("block"), asked.query
    told = shapes.block(_entry(_draft(asked), name))
    force, with_file = query.flag("force"), query.flag("delete_file")
    pipeline = asked.path("pipeline")
    block_files.delete(asked.home, asked.project.path, pipeline, name, force=force, with_file=with_file)
    return told


def _draft(asked: Asked) -> Draft:
    return pipeline_files.drafted(asked.home, asked.project.path, asked.path("pipeline"))


def _entry(draft: Draft, name: str) -> Entry:
    """BlockNotFound."""
    known = pipeline_files.all_entries(draft)
    if name not in known:
        names = ", ".join(known) or "no blocks"
        raise errors.BlockNotFound(pipeline=draft.name, block=name, names=names)
    return known[name]


def _code(asked: Asked, draft: Draft, entry: Entry) -> Mapping[str, str]:
    return block_files.code(asked.project.path, draft, [entry])


def _written(asked: Asked, name: str) -> shapes.WrittenBlock:
    draft = _draft(asked)
    entry = _entry(draft, name)
    return shapes.written(entry, draft, _code(asked, draft, entry))


def _fields(given: Mapping[str, Any], names: frozenset[str]) -> dict[str, Any]:
    """`config` is what older clients say for the configuration."""
    said = {"configuration": given["config"], **given} if isinstance(given.get("config"), dict) else given
    return {name: value for name, value in said.items() if name in names and (value is not None or name in NULLABLE)}


def _place(given: Any) -> int | None:
    return given if isinstance(given, int) and not isinstance(given, bool) and given >= 0 else None
