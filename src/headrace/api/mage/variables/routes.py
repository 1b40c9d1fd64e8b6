"""Variables of a pipeline are listed, set and deleted."""

from keyword import iskeyword
from typing import Any

from headrace import errors
from headrace.api import auditing
from headrace.api.mage.asked import Asked
from headrace.api.mage.envelopes import Many
from headrace.api.mage.fields import text
from headrace.api.mage.resources import Resource
from headrace.api.mage.variables import shapes
from headrace.operations import pipeline_variables as variables

noun = Resource("variable", "variables")
RESOURCES = (noun,)
FIELDS = ("name", "value")


@noun.list("/pipelines/{pipeline}/variables", query=("global_only",), shape=shapes.Variable)
def list_all(asked: Asked) -> Many:
    """The pipeline's own, and unless those alone are asked for what its blocks left behind when they ran last."""
    pipeline = asked.path("pipeline")
    own = shapes.of_pipeline(pipeline, variables.given(asked.home, asked.project.path, pipeline))
    left = () if asked.query.flag("global_only") else variables.left(asked.home, asked.project, pipeline)
    return Many([*shapes.of_blocks(pipeline, left), own], {})


@noun.create("/pipelines/{pipeline}/variables", writes=FIELDS, shape=shapes.Variable)
def create(asked: Asked) -> shapes.Variable:
    name = text(asked, "name")
    auditing.touch(asked.request, "variables", f"{asked.path('pipeline')}/{name}")
    return _set(asked, name)


@noun.update("/pipelines/{pipeline}/variables/{name}", writes=FIELDS, shape=shapes.Variable)
def change(asked: Asked) -> shapes.Variable:
    return _set(asked, asked.path("name"))


@noun.delete("/pipelines/{pipeline}/variables/{name}", shape=shapes.Variable)
def delete(asked: Asked) -> shapes.Variable:
    variables.delete(asked.home, asked.project.path, asked.path("pipeline"), asked.path("name"))
    return shapes.deleted(asked.path("name"))


def _set(asked: Asked, name: str) -> shapes.Variable:
    value = _value(asked)
    _refuse_no_name(name)
    return shapes.changed(
        name, value, variables.set(asked.home, asked.project.path, asked.path("pipeline"), name, value)
    )


def _value(asked: Asked) -> Any:
    if (value := asked.given.get("value")) is None:
        raise errors.BadRecord(why="Value is empty.")
    return value


def _refuse_no_name(name: str) -> None:
    """A variable is an argument of functions. BadRecord."""
    if not name.isidentifier() or iskeyword(name):
        raise errors.BadRecord(why=f"Invalid variable name syntax for variable name {name}.")
