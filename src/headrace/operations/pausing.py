"""A pipeline is paused: no run of it begins, whatever would begin one. What is under way goes on to its end."""

from headrace import clock, errors
from headrace.app import App
from headrace.store.pipelines import PipelineRow


def pause(app: App, row: PipelineRow) -> None:
    """What comes due meanwhile gets no run. PipelineAlreadyPaused."""
    if not app.store.pipelines.pause(row.id, clock.now()):
        raise errors.PipelineAlreadyPaused(pipeline=row.name)


def resume(app: App, row: PipelineRow) -> None:
    """Its runs begin again. PipelineNotPaused."""
    if not app.store.pipelines.resume(row.id, clock.now()):
        raise errors.PipelineNotPaused(pipeline=row.name)
