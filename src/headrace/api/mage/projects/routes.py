"""The project, and whether its runs are moved on."""

from headrace import errors
from headrace.api.mage.asked import Asked
from headrace.api.mage.envelopes import Many
from headrace.api.mage.projects import shapes
from headrace.api.mage.resources import Resource
from headrace.app import App
from headrace.operations import engines, pipelines

project_noun = Resource("project", "projects")
scheduler_noun = Resource("scheduler", "schedulers")
interaction_noun = Resource("pipeline_interaction", "pipeline_interactions")
RESOURCES = (project_noun, scheduler_noun, interaction_noun)


@project_noun.list("/projects", shape=shapes.Project)
def list_projects(asked: Asked) -> Many:
    """The one in the address, else the first."""
    return Many([shapes.project(asked.project)], {})


@scheduler_noun.list("/schedulers", shape=shapes.Scheduler)
def list_schedulers(asked: Asked) -> Many:
    return Many([_scheduler(asked)], {})


@scheduler_noun.create("/schedulers", writes=("action_type",), shape=shapes.Scheduler)
def start(asked: Asked) -> shapes.Scheduler:
    """Says how it stands. It is started with the server, and stopped by `headrace drain` alone."""
    match asked.given.get("action_type"):
        case "start":
            return _scheduler(asked)
        case "stop":
            raise errors.BadRecord(why="The scheduler is not stopped in this way: `headrace drain` stops an engine.")
        case other:
            raise errors.BadField(field="action_type", given=other, expected="start or stop")


@interaction_noun.detail(
    "/pipeline_interactions/{pipeline}", query=("filter_for_permissions",), shape=shapes.PipelineInteraction
)
def show_interaction(asked: Asked) -> shapes.PipelineInteraction:
    """Mage's forms for starting a pipeline are not read: there are none."""
    pipelines.shown_in(asked.home, asked.project.path, asked.path("pipeline"))
    return shapes.NO_INTERACTIONS


def _scheduler(asked: Asked) -> shapes.Scheduler:
    home: App = asked.request.app.state.home
    return shapes.scheduler(runs=bool(engines.takers(home)))
