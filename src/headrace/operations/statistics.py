"""What has happened on each day: runs and block runs counted by status, and how long they took.

Days are of UTC. Of a query its project, pipeline, trigger and the span of `created` are looked at.
"""

from headrace.app import App
from headrace.model.query import Query
from headrace.operations import listing, pipelines
from headrace.store.projects import ProjectRow
from headrace.store.statistics import BlockCount, Mean, RunCount


def run_counts(app: App, query: Query) -> list[RunCount]:
    """How many runs each trigger has had. BadFilter."""
    listing.refuse_wrong(query)
    return app.store.statistics.run_counts(query)


def run_means(app: App, query: Query) -> list[Mean]:
    """How long the runs of each pipeline took. BadFilter."""
    listing.refuse_wrong(query)
    return app.store.statistics.run_means(query)


def block_counts(app: App, query: Query) -> list[BlockCount]:
    """How many block runs each block has had. BadFilter."""
    listing.refuse_wrong(query)
    return app.store.statistics.block_counts(query)


def block_means(app: App, query: Query) -> list[Mean]:
    """How long the block runs of each block took. BadFilter."""
    listing.refuse_wrong(query)
    return app.store.statistics.block_means(query)


def types(app: App, project: ProjectRow) -> dict[str, str]:
    """The type of each pipeline of the project that can be read, by name."""
    found = pipelines.listed_in(app, project.path)
    return {each.name: each.pipeline.type for each in found if each.pipeline}
