"""Variables of a pipeline, as its file gives them to every run; and what its blocks left behind when they ran last."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from headrace import errors, project
from headrace.app import App
from headrace.model.output import Output
from headrace.operations import documents, pipeline_files, values
from headrace.project import Draft
from headrace.project import pipeline_files as files
from headrace.store.projects import ProjectRow

LARGEST = 64 * 2**10  # bytes of an output whose value is told

Variables = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Left:
    """An output of a block, and its value where that is plain and not large; else None."""

    block: str
    output: Output
    value: Any


def given(app: App, folder: Path, pipeline: str) -> Variables:
    """By name. PipelineNotFound, BadPipeline."""
    return _variables(pipeline_files.drafted(app, folder, pipeline))


def set(app: App, folder: Path, pipeline: str, name: str, value: Any) -> Variables:
    """Runs that begin from now on are given that value: the variables as they are then. What is masked stays as it was.

    PipelineNotFound, BadPipeline, NotAllowed; FileUnwritable.
    """
    return _amended(app, folder, pipeline, lambda known: {**known, **documents.unmasked({name: value}, known)})


def delete(app: App, folder: Path, pipeline: str, name: str) -> Variables:
    """Runs that begin from now on are given no such variable. NoSuchRecord, and what `set` raises."""
    if name not in given(app, folder, pipeline):
        raise errors.NoSuchRecord(noun="variable", id=name)
    return _amended(app, folder, pipeline, lambda known: {each: known[each] for each in known if each != name})


def left(app: App, of: ProjectRow, pipeline: str) -> Iterator[Left]:
    """What each block left behind when it completed last, in the order of the blocks. PipelineNotFound, BadPipeline."""
    blocks = pipeline_files.drafted(app, of.path, pipeline).whole.get("blocks") or ()
    pipeline_id = app.store.projects.pipeline(of.path, pipeline)
    for block in blocks if pipeline_id else ():
        row = app.store.runs.latest_completed(pipeline_id or 0, str(block.get("uuid")))
        for attempt in app.store.runs.completed_attempts([row] if row else []).values():
            yield from (Left(str(block["uuid"]), output, _value(app, output)) for output in attempt.outputs)


def _value(app: App, output: Output) -> Any:
    if values.has_rows(output) or output.bytes > LARGEST:
        return None
    try:
        return values.whole(app, output)
    except (errors.CannotRead, errors.OutputTooLarge, errors.ExtraMissing):
        return None


def _amended(app: App, folder: Path, pipeline: str, change: Callable[[Variables], Variables]) -> Variables:
    found = pipeline_files.changeable(app, folder, pipeline)
    files.amend(found, pipeline, lambda whole: {**whole, "variables": change(_of(whole))})
    return _variables(project.draft(found, pipeline))


def _variables(draft: Draft) -> Variables:
    return _of(draft.whole)


def _of(whole: Mapping[str, Any]) -> Variables:
    found = whole.get("variables")
    return cast("Variables", found) if isinstance(found, dict) else {}
