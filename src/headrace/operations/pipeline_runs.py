"""The runs of a pipeline, each with the version that it is of and all its attempts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from headrace import errors
from headrace.app import App
from headrace.model.query import Query
from headrace.model.run import Attempt, BlockRun, Run
from headrace.model.sorting import Sorting
from headrace.operations import catalogue
from headrace.store.pipelines import PipelineRow, Version
from headrace.store.runs import Listed

NEWEST = (("id", True),)


@dataclass(frozen=True, slots=True)
class Told:
    """A run; `attempts` are by block run, first to last."""

    run: Run
    version: Version
    blocks: Sequence[BlockRun]
    attempts: Mapping[int, Sequence[Attempt]]


def listed(
    app: App, pipeline: PipelineRow, limit: int, offset: int = 0, version_uid: str | None = None
) -> Sequence[Told]:
    """At most `limit` of its runs, the newest first, without the first so many; of one version, or all. VersionNotFound."""
    version = None if version_uid is None else catalogue.version(app, version_uid, pipeline).row.id
    query = Query(pipeline=pipeline.id, version=version)
    return _told(app, app.store.runs.sorted(Sorting(query=query, by=NEWEST), limit, offset))


def shown(app: App, pipeline: PipelineRow, run_uid: str) -> Told:
    """That run of it. RunNotFound for one of another pipeline, too."""
    run = app.store.runs.get(run_uid)
    if run.pipeline_id != pipeline.id:
        raise errors.RunNotFound(run=run_uid)
    return _told(app, [app.store.runs.listed(run.id)])[0]


def _told(app: App, found: Sequence[Listed]) -> Sequence[Told]:
    versions = app.store.pipelines.versions_of([each.run.version_id for each in found])
    attempts = app.store.runs.attempts([block.id for each in found for block in each.blocks])
    return [Told(each.run, versions[each.run.version_id], each.blocks, attempts) for each in found]
