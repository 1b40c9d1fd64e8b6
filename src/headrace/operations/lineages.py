"""Lineages: which datasets, and which columns of them, the steps of a pipeline read and write, as it is or in a version."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from headrace import project
from headrace.app import App
from headrace.model import dataset
from headrace.model.pipeline import Pipeline
from headrace.operations import sight, versions
from headrace.project import lineage
from headrace.store.projects import ProjectRow, VersionRow


def of_version(app: App, row: ProjectRow, pipeline: str, hash: str) -> Mapping[str, Any]:
    """The lineage of that version, as `project.lineage.trace` has it under `steps`.

    It is found out once, and kept, unless columns of datasets that were never written would be missing from it; by whom
    does not see all datasets it is found out anew. Raises PipelineNotFound, VersionNotFound, DatasetsMissing.
    """
    return _of(app, *versions.get(app, row, pipeline, hash))


def written(app: App, folder: Path, pipeline: str) -> Mapping[str, Any]:
    """That of the pipeline as it is written in the project's folder; of the version that says so, where one was pinned.

    Raises DatasetsMissing, PipelineNotFound, and the BadInput for which it cannot be read.
    """
    sight.refuse_unseen(app, folder, pipeline)
    found = project.open(folder, os.environ)
    read = project.read(found, pipeline)
    known = app.store.projects.pipeline(found.path, pipeline) or 0
    return _of(app, app.store.projects.find_version(known, project.version_hash(read, project.snapshot(found))), read)


def _of(app: App, version: VersionRow | None, pipeline: Pipeline) -> Mapping[str, Any]:
    keeping = version if app.reach is None else None
    if keeping and (kept := app.store.lineages.find(keeping.id)):
        return kept
    traced: dict[str, Any] = {"steps": lineage.trace(pipeline, _columns(app, pipeline))}
    if keeping and all(map(_is_whole, traced["steps"])):
        app.store.lineages.keep(keeping.id, traced)
    return traced


def _columns(app: App, pipeline: Pipeline) -> dict[str, Sequence[str]]:
    """The columns that the datasets which its steps read have now, by the keys of their names."""
    keys = {dataset.key(name) for block in pipeline.blocks for name in block.reads}
    there = [found for key in keys if (found := app.store.datasets.find(key))]
    standing = app.store.datasets.standing(there)
    return {dataset.key(each.dataset.name): _names(each.newest.schema) for each in standing if each.newest}


def _names(schema: Sequence[Mapping[str, Any]]) -> list[str]:
    return [column["name"] for column in schema]


def _is_whole(step: Mapping[str, Any]) -> bool:
    """Whether nothing more would be told when more columns are known."""
    return step["columns"] is not None and all(column["name"] != lineage.EVERY for column in step["columns"])
