"""Lineages: which datasets, and which columns of them, the steps of a pipeline's version read and write."""

from collections.abc import Mapping, Sequence
from typing import Any

from headrace.app import App
from headrace.model import dataset
from headrace.model.pipeline import Pipeline
from headrace.operations import versions
from headrace.project import lineage
from headrace.store.projects import ProjectRow


def of_version(app: App, row: ProjectRow, pipeline: str, hash: str) -> Mapping[str, Any]:
    """The lineage of that version, as `project.lineage.trace` has it under `steps`.

    It is found out once, and kept, unless columns of datasets that were never written would be missing from it; by whom
    does not see all datasets it is found out anew. Raises PipelineNotFound, VersionNotFound, DatasetsMissing.
    """
    found, then = versions.get(app, row, pipeline, hash)
    if app.reach is None and (kept := app.store.lineages.find(found.id)):
        return kept
    traced: dict[str, Any] = {"steps": lineage.trace(then, _columns(app, then))}
    if app.reach is None and all(map(_is_whole, traced["steps"])):
        app.store.lineages.keep(found.id, traced)
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
