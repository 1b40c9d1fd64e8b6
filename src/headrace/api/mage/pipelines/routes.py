"""Pipelines: listed, looked at, made, changed, renamed, deleted; and what is done to all their triggers or runs at once."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from headrace import errors
from headrace.api import auditing
from headrace.api.mage import fields
from headrace.api.mage.asked import Asked
from headrace.api.mage.envelopes import Many
from headrace.api.mage.pipelines import lists, shapes
from headrace.api.mage.pipelines.shapes import MagePipeline
from headrace.api.mage.resources import Resource
from headrace.api.mage.runs import together
from headrace.api.mage.triggers import shapes as schedules
from headrace.operations import block_files, pipeline_files, triggers
from headrace.operations.pipeline_files import Draft
from headrace.store.triggers import Wanted

pipelines = Resource("pipeline", "pipelines")
RESOURCES = (pipelines,)

LISTED = ("from_history_days", "include_schedules", "no_tags", "repo_path", "search", "status[]", "tag[]", "type[]")
SHOWN = (
    "include_block_pipelines", "include_schedules", "includes_block_metadata", "includes_content",
    "includes_extensions", "includes_outputs", "includes_outputs_spark", "max_results_for_block_outputs",
)  # fmt: skip
CREATED = (
    "callbacks", "clone_pipeline_uuid", "conditionals", "custom_template_uuid", "description", "extensions", "llm",
    "name", "tags", "type",
)  # fmt: skip
CHANGED = (
    "add_upstream_for_block_uuid", "blocks", "cache_block_output_in_memory", "callbacks", "concurrency_config",
    "conditionals", "created_at", "data_integration", "description", "executor_config", "executor_count",
    "executor_type", "extensions", "llm", "name", "notification_config", "pipeline_runs", "pipeline_schedule_id",
    "remote_variables_dir", "retry_config", "run_pipeline_in_one_process", "schedules", "settings", "spark_config",
    "status", "tags", "type", "updated_at", "uuid", "variables", "variables_dir", "widgets",
)  # fmt: skip
NONE: lists.Triggers = {}
STATUSES = {"active": True, "inactive": False}  # of all triggers of a pipeline


@pipelines.list("/pipelines", query=LISTED, shape=MagePipeline)
def list_all(asked: Asked) -> Many:
    """Pipelines"""
    query, wanted = asked.query, lists.wanted(asked.query)
    theirs = _triggers(asked) if query.flag("include_schedules") or _by_triggers(asked) else NONE
    told = (_told(asked, name, draft) for name, draft in pipeline_files.listed(asked.home, asked.project.path))
    found = [each for each in told if wanted.has(each, theirs)]
    found = lists.ordered(found, _order(asked), theirs)
    shown = found[query.offset : query.offset + query.limit(len(found))]
    more = query.offset + len(shown) < len(found) if query.has_limit else None
    rows = [_with_schedules(asked, each, theirs) for each in shown]
    return Many(rows, {"count": len(found), "results": len(shown), "next": more})


@pipelines.detail("/pipelines/{pipeline}", query=SHOWN, shape=shapes.ShownPipeline)
def show(asked: Asked) -> Any:
    """A pipeline, and the code of its blocks"""
    draft = _draft(asked)
    theirs = _triggers(asked, draft.name) if asked.query.flag("include_schedules") else NONE
    if not shapes.is_sound(draft.whole):
        return _with_schedules(asked, shapes.invalid(draft.name, _kept(asked)), theirs)
    code = block_files.code(asked.project.path, draft, [*pipeline_files.all_entries(draft).values()])
    return _with_schedules(asked, shapes.shown(draft, _kept(asked), code), theirs)


@pipelines.create("/pipelines", writes=CREATED, shape=MagePipeline)
def create(asked: Asked) -> MagePipeline:
    """Make a pipeline, or one like another"""
    given = asked.given
    for name in ("custom_template_uuid", "llm"):
        if given.get(name) is not None:
            raise errors.BadField(field=name, given=given[name], expected="nothing: it is not offered")
    new = pipeline_files.New(
        title=_title(asked),
        type=fields.text_if_any(asked, "type") or "python",
        description=fields.text_if_any(asked, "description"),
        tags=given.get("tags") or (),
        like=fields.text_if_any(asked, "clone_pipeline_uuid"),
    )
    made = pipeline_files.create(asked.home, asked.project.path, new)
    auditing.touch(asked.request, "pipelines", made.name)
    return shapes.pipeline(made, _kept(asked))


@pipelines.update("/pipelines/{pipeline}", query=("update_content",), writes=CHANGED, shape=MagePipeline)
def update(asked: Asked) -> MagePipeline:
    """Change a pipeline, or all of its triggers or runs

    With a `status` nothing but that is looked at.
    """
    name, status = asked.path("pipeline"), fields.text_if_any(asked, "status")
    if status in together.ACTIONS:
        together.carry_out(asked, name, asked.given)
    elif status is not None and status in STATUSES:
        _set_going(asked, name, active=STATUSES[status])
    else:
        name = _changed(asked, name)
    return shapes.pipeline(pipeline_files.drafted(asked.home, asked.project.path, name), _kept(asked))


@pipelines.delete("/pipelines/{pipeline}", shape=MagePipeline)
def delete(asked: Asked) -> MagePipeline:
    """Delete a pipeline's folder

    Its runs stay, and its triggers, which are paused; the files of its blocks stay, since others may share them.
    """
    name = asked.path("pipeline")
    return _told(asked, name, pipeline_files.delete(asked.home, asked.project.path, name))


def _changed(asked: Asked, name: str) -> str:
    """The pipeline's name after it was changed."""
    home, folder, blocks = asked.home, asked.project.path, _blocks(asked.given.get("blocks"))
    if asked.query.flag("update_content"):
        _write_code(asked, name, blocks)
    changes = {field: value for field, value in asked.given.items() if field in pipeline_files.FIELDS}
    order = [str(each["uuid"]) for each in blocks if "uuid" in each]
    if changes or order:
        pipeline_files.change(home, folder, name, changes, order)
    title = fields.text_if_any(asked, "name")
    draft = pipeline_files.drafted(home, folder, name)
    if title and title != draft.whole.get("name"):
        return pipeline_files.rename(home, folder, name, title).name
    return name


def _write_code(asked: Asked, name: str, blocks: Sequence[Mapping[str, Any]]) -> None:
    for each in blocks:
        if isinstance(each.get("content"), str) and isinstance(each.get("uuid"), str):
            block_files.write_code(asked.home, asked.project.path, name, each["uuid"], each["content"])


def _set_going(asked: Asked, name: str, *, active: bool) -> None:
    """All triggers of the pipeline are active, or paused."""
    pipeline_files.drafted(asked.home, asked.project.path, name)
    for trigger in _triggers(asked, name).get(name, ()):
        if trigger.active is not active:
            (triggers.resume if active else triggers.pause)(asked.home, trigger)


def _draft(asked: Asked) -> Draft:
    return pipeline_files.drafted(asked.home, asked.project.path, asked.path("pipeline"))


def _told(asked: Asked, name: str, draft: Draft | None) -> MagePipeline:
    if draft is None or not shapes.is_sound(draft.whole):
        return shapes.invalid(name, _kept(asked))
    return shapes.pipeline(draft, _kept(asked))


def _with_schedules(asked: Asked, told: Any, theirs: lists.Triggers) -> Any:
    if not asked.query.flag("include_schedules"):
        return told
    name = told["uuid"]
    return {**told, "schedules": [schedules.within(each, name) for each in theirs.get(name, ())]}


def _triggers(asked: Asked, pipeline: str | None = None) -> lists.Triggers:
    """The project's triggers by pipeline, but those of backfills, which begin and end with these."""
    return triggers.by_pipeline(
        asked.home, Wanted(project_id=asked.project.id, pipeline=pipeline, types=schedules.TYPES)
    )


def _by_triggers(asked: Asked) -> bool:
    return any(name.removeprefix("-") in ("triggers", "status") for name in _order(asked))


def _order(asked: Asked) -> list[str]:
    return asked.query.several("_order_by") or []


def _title(asked: Asked) -> str:
    """What the new pipeline is called; one like another, unless it is said, by the other's name. BadField."""
    like = fields.text_if_any(asked, "clone_pipeline_uuid")
    title = fields.text_if_any(asked, "name") or (f"{like} copy" if like else None)
    if not title:
        raise errors.BadField(field="name", given=asked.given.get("name"), expected="a name")
    return title


def _blocks(given: Any) -> list[dict[str, Any]]:
    """The blocks that are given, by name or whole."""
    listed = cast("list[Any]", given) if isinstance(given, list) else []
    return [cast("dict[str, Any]", each) for each in listed if isinstance(each, dict)]


def _kept(asked: Asked) -> str:
    return str(asked.home.settings.home / "outputs")
